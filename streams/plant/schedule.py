"""When machines run, wait, are set up or are down: shifts by local time and random stretches."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streams.plant.spec import DOWN, IDLE, RUNNING, SETUP

UTC_OFFSET_S = 8 * 3600
"""Local time of Asia/Kuala_Lumpur, which has no summer time."""

DAY_SHIFT = (7.0, 19.0)
"""Local hours in which the day shift works; the night shift has the rest."""

LIGHTS_OUT = frozenset({"cnc-01", "cnc-02", "cnc-05"})
"""Cells that run unattended through day and night. Scripted faults sit on machines that are sure to run."""

DAY_ONLY = frozenset({"cnc-07", "cnc-08"})
"""Machines that nobody runs at night."""

_STOPS = np.array([IDLE, SETUP, DOWN], dtype=np.int8)
_STOP_SHARE = (0.45, 0.45, 0.10)
_STOP_MEAN_S = {IDLE: 200.0, SETUP: 400.0, DOWN: 900.0}
_RUN_MEAN_S = 2400.0
_SURE_RUN_S = 12 * 3600.0


def local_hour(clock_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Local hour of the day, 0 to 24, of seconds since the epoch."""
    return np.asarray(np.mod(clock_s + UTC_OFFSET_S, 86400.0) / 3600.0)


class Schedule:
    """Modes of the machines of one kind, drawn once per machine and looked up by time.

    Machines in `LIGHTS_OUT`, and all of a kind that is `steady`, run for the first twelve hours without a stop.
    """

    def __init__(self, seed: int, assets: Sequence[str], start_s: float, steady: bool) -> None:
        self._names = [asset.rsplit("/", 1)[-1] for asset in assets]
        self._rng = [np.random.default_rng([seed, zlib.crc32(asset.encode())]) for asset in assets]
        self._ends: list[list[float]] = []
        self._modes: list[list[int]] = []
        for name, rng in zip(self._names, self._rng, strict=True):
            sure = _SURE_RUN_S if steady or name in LIGHTS_OUT else 0.0
            self._ends.append([start_s + sure + float(rng.exponential(_RUN_MEAN_S))])
            self._modes.append([RUNNING])

    def modes(self, clock_s: NDArray[np.float64]) -> NDArray[np.int8]:
        """(T, n) modes at `clock_s` (T,), which never goes back."""
        day = (local_hour(clock_s) >= DAY_SHIFT[0]) & (local_hour(clock_s) < DAY_SHIFT[1])
        out = np.empty((len(clock_s), len(self._names)), dtype=np.int8)
        for column, name in enumerate(self._names):
            self._extend(column, float(clock_s[-1]))
            at = np.searchsorted(self._ends[column], clock_s, side="right")
            out[:, column] = np.array(self._modes[column], dtype=np.int8)[at]
            if name in DAY_ONLY:
                out[~day, column] = IDLE
        return out

    def _extend(self, column: int, until_s: float) -> None:
        ends, modes, rng = self._ends[column], self._modes[column], self._rng[column]
        while ends[-1] <= until_s:
            mode = RUNNING if modes[-1] != RUNNING else int(rng.choice(_STOPS, p=_STOP_SHARE))
            mean_s = _RUN_MEAN_S if mode == RUNNING else _STOP_MEAN_S[mode]
            modes.append(mode)
            ends.append(ends[-1] + max(60.0, float(rng.exponential(mean_s))))
