"""Thinning: which verdicts are stored, out of one for every reading."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.groups import Groups
from streams.segment import Bools, Ints
from streams.watch import Watch

_ALARM = 8
"""Added to the status of a verdict that is an alarm, where both are remembered as one."""


def thin(watch: Watch, g: Groups, second: Ints, status: NDArray[np.uint8], alarm: Bools) -> Bools:
    """Which verdicts to store: the first of each event-time second of a row, and each that changes something."""
    owner = watch.owner
    keep = second != g.previous(second, owner["second"])
    said = status.astype(np.int8) + _ALARM * alarm.astype(np.int8)
    keep |= (said != g.previous(said, owner["said"])) | alarm
    owner["second"][g.rows] = second[g.last]
    owner["said"][g.rows] = said[g.last]
    return np.asarray(keep)


def thin_one(watch: Watch, row: int, time: int, status: int, alarm: bool) -> bool:
    """As `thin`, for one verdict that stands alone: an instant's or a waveform's, of a roster row."""
    second, said = time // 1_000_000_000, status + _ALARM * alarm
    keep = alarm or watch.alone.get(row) != (second, said)
    watch.alone[row] = (second, said)
    return keep
