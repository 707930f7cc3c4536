"""What `auto` remembers of a series, and the constants that its numpy step and its kernel share."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import Floats, Ints

Singles = NDArray[np.float32]

SOURCES = 2
"""The weekly residual and the band-pass of the value."""
SCALES = 3
"""Windows of means over 1, 4 and 16 units; the first weighs half of the novelty, the others a quarter each."""
MEMORIES = SOURCES * SCALES
BOXES = 24
SIDES = 4
"""Means in a window, the newest first."""
FINEST = 5
"""Readings a unit at most: of faster series the windows are shorter, so that memory stays bounded."""
RECENT = SIDES * FINEST
QUARTER = 4 * (SIDES - 1)
COARSE = 16 * (SIDES - 1)

UNIT_S = 300.0
"""One unit: all constants were found on data at five minutes. Slower data count a reading as one."""
FIRST_WEIGHT = 0.2
"""Units that the first reading counts for: its interval is not known yet."""

SIDE_WEIGHTS = tuple(math.exp(-k / 2) for k in range(SIDES))
WEIGHT = SIDE_WEIGHTS[0] + SIDE_WEIGHTS[1] + SIDE_WEIGHTS[2] + SIDE_WEIGHTS[3]
W1, W2, W3 = SIDE_WEIGHTS[1:]

FAST, SLOW = 25.0, 400.0
"""Units of the two means whose difference is the band-pass."""
HOURS = 168
PROFILE = 4.0
"""Units of its own hour that the weekly profile remembers."""
FITTED = 1500.0
"""Units over which the profile's skill is judged."""
USEFUL = 0.2
"""Skill below which the profile is left out."""
CLIPPED = 36.0
"""Squared errors count up to so many times their mean (6 sigma) ..."""
OPEN = 50.0
"""... but for the first units, when there is no mean yet."""
STEADY = 500.0
"""Units over which the level and the noise are averaged."""
DISCOUNT = 5.0
HOLD, SHRINK = 400.0, 20_000.0
"""A range shrinks by 1 / SHRINK a unit once HOLD units have been seen."""
MATURE = 150.0
"""Units after which vigilance adapts."""
VIGILANCE, TIGHT, LOOSE = 0.4, 0.02, 0.9
RISE = math.exp(0.05)
SINK = 0.05 / 200.0
"""Vigilance rises with each new box and sinks with each unit: in balance there is one new box in 200 units."""
PERCENT = 100.0
FARTHEST = 1e4
"""Largest distance, in ranges: keeps a jump on a constant signal a number that calibration can work with."""


class AutoState(NamedTuple):
    """One row each. The first part follows the present, whatever `learn` says; the rest is what was learned."""

    newest: Ints  # time of the last reading, ns
    interval_s: Floats  # learned; 0 = not yet
    intervals: Floats  # how many it was learned from
    passed: Floats  # units that the filters have seen
    last: Floats  # last value
    fast: Floats
    slow: Floats
    at: Ints  # place of the newest reading in `recent`
    phase: Ints  # readings since the last unit was kept
    units: Ints  # units kept
    recent: Singles  # (n, 2 x 20) last readings of each source
    quarter: Singles  # (n, 2 x 12) means over 4 units, one a unit
    coarse: Singles  # (n, 2 x 48) means over 16 units, one a unit

    learned: Floats  # units
    ticks: Ints  # readings
    level: Floats  # mean value
    noise: Floats  # mean change from reading to reading, as a share of the range
    low: Floats  # (n, 3) of the value and of each source
    high: Floats
    middle: Floats  # mean value that the profile is about
    error: Floats  # mean squared error of the profile
    spread: Floats  # and of the mean
    profile: Singles  # (n, 168) by local hour of the week
    profile_count: NDArray[np.uint8]  # readings of each hour, up to 255
    vigilance: Floats  # (n, 6) largest box, as a share of the range
    boxes: NDArray[np.uint8]  # (n, 6) boxes in use
    box_used: NDArray[np.int32]  # (n, 6 x 24) tick of their last use
    box_low: Singles  # (n, 6 x 24 x 4)
    box_high: Singles


def fresh(n: int) -> AutoState:
    """State of n rows that have seen nothing.

    >>> sum(a.nbytes for a in fresh(1)) < 7_200
    True
    """

    def singles(width: int) -> Singles:
        return np.zeros((n, width), dtype=np.float32)

    def ints() -> Ints:
        return np.zeros(n, dtype=np.int64)

    cells = MEMORIES * BOXES
    return AutoState(
        ints(), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), ints(), ints(), ints(),
        singles(SOURCES * RECENT), singles(SOURCES * QUARTER), singles(SOURCES * COARSE),
        np.zeros(n), ints(), np.zeros(n), np.zeros(n), np.zeros((n, 1 + SOURCES)), np.zeros((n, 1 + SOURCES)),
        np.zeros(n), np.zeros(n), np.zeros(n), singles(HOURS), np.zeros((n, HOURS), dtype=np.uint8),
        np.full((n, MEMORIES), VIGILANCE), np.zeros((n, MEMORIES), dtype=np.uint8),
        np.zeros((n, cells), dtype=np.int32), singles(cells * SIDES), singles(cells * SIDES),
    )  # fmt: skip
