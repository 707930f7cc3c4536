"""The bank of a watch: one of whose rows the engine may start over or arm again, since commands ask for that."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.bank import Bank
from detectors.base import UNSEEN, Batch, Bools, Detector, Floats, Ints, Telling, put, take
from detectors.calibration import Calibration
from detectors.rounds import Rows

_AT_ONCE = 1024
"""Rows whose state is copied at a time."""


class WatchBank(Bank):
    """A `Bank` that takes what commands do: many rows start over, or their episodes are closed over their heads.

    >>> from detectors.anomaly.limits import Limits
    >>> from detectors.base import Batch
    >>> from detectors.calibration import Calibration
    >>> bank = WatchBank(Limits(high=10), Calibration(rule="own", rate_per_s=0, refractory_ns=0))
    >>> bank.grow(1); row, t = np.array([0]), np.array([0])
    >>> high = Batch(t, np.array([11.0]), np.array([1.0]), t == 0, np.zeros(1, np.int32))
    >>> [bank.run(row, high).alarm.item() for _ in range(2)]  # a limit of its own alarms on the edge
    [True, False]
    >>> bank.rearm(row); bank.run(row, high).alarm.item()
    True
    """

    def __init__(self, detector: Detector[Any], calibration: Calibration, inputs: int | None = None) -> None:
        super().__init__(detector, calibration, inputs)
        self._done = np.zeros(0)  # (rows,) `warmth` as it was last asked

    def forget(self, rows: Rows, given: dict[str, Floats] | None = None) -> None:
        """As `reset`, for distinct rows (k,) at once; `given` holds what their series declare, (k,) each."""
        put(self._state, rows, self.detector.init(len(rows), given) if given else self._init(len(rows)))
        put(self._calibrated, rows, self.calibration.init(len(rows)))
        self._learned_since[rows] = UNSEEN

    def column(self, name: str, rows: Rows) -> Floats:
        """(k,) one field of the state of some rows."""
        values: Floats = getattr(self._state, name)[rows]
        return values

    def warmth(self, time: Ints) -> Floats:
        """(rows,) share of its warm-up that each row has done at its time (rows,); asked with an absent value.

        Rows that are warm stay so until they start over, and are not asked again.
        """
        done = np.append(self._done[: self.rows], np.zeros(max(self.rows - len(self._done), 0)))
        cold = np.flatnonzero((done < 1.0) | (self._learned_since[: self.rows] == UNSEEN))
        for start in range(0, len(cold), _AT_ONCE):
            rows = cold[start : start + _AT_ONCE]
            nothing, none = np.full(len(rows), np.nan), np.zeros(len(rows), dtype=bool)
            absent = Batch(time[rows], nothing, nothing, none, np.zeros(len(rows), dtype=np.int32))
            done[rows] = self.detector.step(take(self._state, rows), absent)[1].warm
        self._done = done
        return done.copy()

    def restore(self, saved: dict[str, Any], version: int | None = None) -> bool:
        """Take up what `snapshot` gave, as a bank does."""
        self._done = np.zeros(0)
        return super().restore(saved, version)

    def warm(self, rows: Rows, batch: Batch) -> Bools:
        """(k,) whether the warm-up of distinct rows is done as they meet a batch (k,), which teaches them nothing."""
        nothing = batch._replace(learn=np.zeros(len(rows), dtype=bool))
        _, verdict = self.detector.step(take(self._state, rows), nothing)
        return verdict.warm >= 1.0

    def tell(self, row: int, inputs: list[str], x: Floats, shares: Floats) -> Telling:
        """What a joint detector tells of the instant (p,) that a row has just judged; arguments as `Detector.tell`."""
        return self.detector.tell(take(self._state, slice(row, row + 1)), inputs, x, shares)

    def trial(self, rows: Rows) -> Bank:
        """A bank of its own whose rows begin where some rows (k,) of this one are."""
        bank = Bank(self.detector, self.calibration, self.inputs)
        bank.grow(len(rows))
        put(bank._state, slice(0, len(rows)), take(self._state, rows))
        put(bank._calibrated, slice(0, len(rows)), take(self._calibrated, rows))
        return bank

    def rearm(self, rows: Rows) -> None:
        """Let the next reading of distinct rows (k,) be an alarm by itself, where the detector's limit is its own."""
        calibrated = take(self._calibrated, rows)
        put(self._calibrated, rows, calibrated._replace(armed=np.ones(len(rows), dtype=bool)))
