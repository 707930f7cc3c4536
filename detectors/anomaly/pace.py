"""Pace: how much time a reading of a series stands for, learned from the readings before it."""

from __future__ import annotations

import numpy as np

from detectors.anomaly.auto_state import FINEST, FIRST_WEIGHT, UNIT_S
from detectors.base import Bools, Floats, Ints


def follow(interval_s: Floats, intervals: Floats, gap: Floats, seen: Bools) -> tuple[Floats, Floats]:
    """The learned interval and how many it was learned from, after a gap in seconds (k,) where `seen`.

    A gap within a tenth of it is averaged in (gain .1); any other moves it by a factor 1 + 1 / min(n, 100) towards
    the gap: with + - * / alone this settles near the median interval, and on a steady one exactly. Absent readings
    and pauses do not disturb it for long.

    >>> pace, n = np.array([0.0]), np.array([0.0])
    >>> for gap in (60.0, 60.0, 7200.0, 60.0):
    ...     pace, n = follow(pace, n, np.array([gap]), n >= 0)
    >>> float(pace[0])
    64.0
    """
    taken = seen & (gap > 0)
    number = intervals + taken
    factor = 1.0 + 1.0 / np.minimum(np.maximum(number, 1.0), 100.0)
    near = np.abs(gap - interval_s) <= 0.1 * interval_s
    moved = np.where(
        near,
        interval_s + 0.1 * (gap - interval_s),
        np.where(gap > interval_s, np.minimum(interval_s * factor, gap), np.maximum(interval_s / factor, gap)),
    )
    return np.where(taken, np.where(interval_s <= 0, gap, moved), interval_s), number


def weigh(interval_s: Floats) -> tuple[Floats, Ints]:
    """Of a learned interval (k,): the units (of five minutes) that a reading counts for, and the readings of a unit.

    Slower series count a reading as one unit. Readings a unit are 1 to 5, rounded (from .4 up, so that no usual
    interval stands on the edge).

    >>> weight, readings = weigh(np.array([0.0, 1.0, 60.0, 120.0, 300.0, 3600.0]))
    >>> weight.round(4).tolist(), readings.tolist()
    ([0.2, 0.0033, 0.2, 0.4, 1.0, 1.0], [1, 5, 5, 3, 1, 1])
    """
    known = interval_s > 0
    pace = np.where(known, interval_s, UNIT_S)
    weight = np.where(known, np.minimum(pace / UNIT_S, 1.0), FIRST_WEIGHT)
    readings = np.minimum(np.maximum(np.floor(UNIT_S / pace + 0.6), 1.0), float(FINEST)).astype(np.int64)
    return weight, np.where(known, readings, 1)
