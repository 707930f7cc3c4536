"""Unit swap: a series that goes on as it was, but for a factor that units differ by."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from detectors.anomaly.swaps import SWAPS
from detectors.anomaly.unit_swap_kernel import UnitSwapState, judge
from detectors.base import Batch, Detector, Floats, Verdict, option
from detectors.compiled import Kernel
from detectors.durations import Duration


class UnitSwap(Detector[UnitSwapState]):
    """A lasting step by exactly what two units differ by: x 1000, x 100, °C to °F or K, bar to psi and so on.

    A value goes on from the last one where they differ by at most near = max(4 x mean size of moves, .5 % of the
    value). A jump of more than 4 x near is suspected to be a swap where the value, taken back to the old unit, goes on
    from the last one; or where a factor of 50 or more brings a value that lies as far out of its range as that is
    wide, or below a quarter of it, back into it. After `after` readings that do, with moves that are as large as
    before within a factor of 5, it scores 2 until the values go on in the old unit, or have lasted `accept_after`.
    Expected is the value in the old unit. It has no opinion on the first `warmup` moves, suspects nothing where more
    than 2 % of the moves are jumps, and no factor between 1/50 and 50 where the value has been seen before. Factors:
    NIST Special Publication 811.

    Use it on every measured series; a set-point jumps too often to be judged. Not for series near 0: all factors fit.

    >>> rng = np.random.default_rng(1)
    >>> x = 20 + np.cumsum(rng.normal(0, .02, 300)); x[200:] *= 1000
    >>> t = np.arange(300, dtype=np.int64)[:, None] * 10**9
    >>> one = np.ones((300, 1))
    >>> _, v = (d := UnitSwap()).scan(d.init(1), Batch(t, x[:, None], one, one > 0, one.astype(np.int32)))
    >>> np.flatnonzero(v.score[:, 0] >= 1)[[0, -1]].tolist(), (v.expected[-1] / x[-1]).round(6).tolist()
    ([209, 299], [0.001])
    """

    health: ClassVar[bool] = True
    verdict_rows: ClassVar[bool] = False
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "1m"

    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = judge

    kind: Literal["unit_swap"] = "unit_swap"
    warmup: int = option(50, "Moves learned before it suspects anything.", ge=2)
    after: int = option(10, "Readings that must fit the other unit.", ge=2)
    accept_after: Duration = option(
        "7d", "How long a swap must last to be taken as normal.", validate_default=True, gt=0
    )

    def init(self, n: int, given: dict[str, Floats] | None = None) -> UnitSwapState:
        """State of n rows."""
        zero, none = np.zeros(n), np.zeros(n, dtype=np.int64)
        return UnitSwapState(
            np.full(n, np.nan), zero, zero.copy(), zero.copy(), none, none.copy(),
            zero.copy(), zero.copy(), zero.copy(), np.full(n, np.nan), np.full(n, np.nan), zero.copy(),
        )  # fmt: skip

    def step(self, state: UnitSwapState, batch: Batch) -> tuple[UnitSwapState, Verdict]:
        """Judge one reading of each row, then learn from it what goes on in the old unit."""
        return self.walk(state, np.arange(len(batch.time)), batch)

    def constants(self) -> tuple[float | bool, ...]:
        """What the kernel is given of the options."""
        return (float(self.warmup), float(self.after), self.accept_after)

    def named(self, before: dict[str, Any], reading: dict[str, Any]) -> tuple[str, dict[str, float | str]]:
        """Which swap it is."""
        place = int(before.get("swap", 0))
        return self.kind, {"swap": SWAPS[place - 1].name if place else "?"}
