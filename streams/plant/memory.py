"""What a plant remembers from block to block: lags, slow noise and counters, the same however time is cut."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class Memory:
    """Last values of the recurrences of one kind of machine, by name.

    Every method takes (T, n) arrays, row by row in time, and gives the same rows for any split into blocks.

    >>> whole = Memory().count("parts", np.full((4, 1), 0.5))
    >>> parts = Memory()
    >>> split = [parts.count("parts", np.full((2, 1), 0.5)) for _ in range(2)]
    >>> bool((np.vstack(split) == whole).all())
    True
    """

    def __init__(self) -> None:
        self._last: dict[str, Values] = {}

    def lag(self, name: str, target: Values, tau_s: float, interval_s: float) -> Values:
        """First-order lag of time constant `tau_s`; starts settled at its first target."""
        gain = 1.0 - math.exp(-interval_s / tau_s)
        return self._filter(name, target, gain, 1.0 - gain, lambda: target[0])

    def slow(self, name: str, white: Values, tau_s: float, interval_s: float) -> Values:
        """Unit-variance AR(1) noise of correlation time `tau_s`, driven by unit white noise."""
        keep = math.exp(-interval_s / tau_s)
        return self._filter(name, white, math.sqrt(1.0 - keep * keep), keep, lambda: white[0])

    def count(self, name: str, increments: Values) -> Values:
        """Running total of `increments`, starting at 0 before the first row."""
        start = self._last.get(name, np.zeros(increments.shape[1]))
        total: Values = np.cumsum(np.vstack([start, increments]), axis=0)[1:]
        self._last[name] = total[-1]
        return total

    def _filter(self, name: str, drive: Values, gain: float, keep: float, start: Callable[[], Values]) -> Values:
        before = self._last.get(name)
        if before is None:
            before = start()
        from scipy.signal import lfilter  # 50 MB, which a process without a plant does without

        out: Values = lfilter([gain], [1.0, -keep], drive, axis=0, zi=keep * before[None, :])[0]
        self._last[name] = out[-1]
        return out
