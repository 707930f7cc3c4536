"""Control charts: the constants of ranges, and Nelson's rules as run lengths that a point moves on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.base import Bools, Floats, Ints

MEAN_RANGE = (1.128, 1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.970, 3.078)
"""d2: mean range of n normal values in sigmas, n = 1 to 10; of one value, the range to the one before."""
RANGE_LIMIT = (3.267, 3.267, 2.574, 2.282, 2.114, 2.004, 1.924, 1.864, 1.816, 1.777)
"""D4: upper control limit of a range over the mean range. Source: Montgomery, appendix VI; ASTM E2587, table 1."""

SAME_SIDE, TREND, SWINGS, WITHIN, BEYOND = 9, 5, 13, 15, 8
"""Points of rule 2; differences of rules 3 (six points) and 4 (fourteen points); points of rules 7 and 8."""
RANGES = 9
"""The chart of ranges, beside the rules 1 to 8."""


class Runs(NamedTuple):
    """What the rules need of the points before, (k,) each."""

    side: Ints  # points in a row above (+) or below (-) the centre
    trend: Ints  # differences in a row up (+) or down (-)
    swing: Ints  # differences in a row of which each turns, with the sign of the last
    above_two: Ints  # bits: the last 3 points above 2 sigmas, newest lowest
    below_two: Ints
    above_one: Ints  # bits: the last 5 points above 1 sigma
    below_one: Ints
    within: Ints  # points in a row inside 1 sigma
    beyond: Ints  # points in a row outside 1 sigma


def after(runs: Runs, off: Floats, sigma: Floats, change: Floats) -> Runs:
    """The runs with one more point: its distance from the centre, and from the point before; (k,) each.

    A point on the centre, one equal to the last, and sigma = 0 end the runs that they have no part in.
    """
    sign, turn = np.sign(off).astype(np.int64), np.sign(change).astype(np.int64)
    known, size = sigma > 0, np.abs(off)
    swung = np.where(turn * runs.swing < 0, np.abs(runs.swing) + 1, 1)
    return Runs(
        _run(runs.side, sign),
        _run(runs.trend, turn),
        turn * swung,
        _bits(runs.above_two, known & (off > 2.0 * sigma), 7),
        _bits(runs.below_two, known & (off < -2.0 * sigma), 7),
        _bits(runs.above_one, known & (off > sigma), 31),
        _bits(runs.below_one, known & (off < -sigma), 31),
        np.where(known & (size < sigma), runs.within + 1, 0),
        np.where(known & (size > sigma), runs.beyond + 1, 0),
    )


def fired(runs: Runs) -> Ints:
    """(k,) bit n set where rule n fires, for the rules 2 to 8; 5 and 6 only on a point that has part in them."""
    two = _enough(runs.above_two, 2) | _enough(runs.below_two, 2)
    one = _enough(runs.above_one, 4) | _enough(runs.below_one, 4)
    rules = (
        np.abs(runs.side) >= SAME_SIDE, np.abs(runs.trend) >= TREND, np.abs(runs.swing) >= SWINGS,
        two, one, runs.within >= WITHIN, runs.beyond >= BEYOND,
    )  # fmt: skip
    bits = np.zeros(len(runs.side), dtype=np.int64)
    for n, rule in enumerate(rules, 2):
        bits |= rule.astype(np.int64) << n
    return bits


def capability(mean: float, sigma: float, low: float | None, high: float | None) -> dict[str, float]:
    """Cp and Cpk for specification limits, by the sigma within subgroups; a one-sided limit gives Cpk alone.

    Cp = (high - low) / 6 sigma; Cpk = min(high - mean, mean - low) / 3 sigma. Source: Montgomery, section 8.2;
    ISO 22514-1.

    >>> capability(10.0, 0.5, 7.0, 12.0)
    {'cp': 1.6666666666666667, 'cpk': 1.3333333333333333}
    """
    if sigma <= 0:
        return {}
    sides = ([high - mean] if high is not None else []) + ([mean - low] if low is not None else [])
    cpk = {"cpk": min(sides) / (3.0 * sigma)} if sides else {}
    return ({"cp": (high - low) / (6.0 * sigma)} if low is not None and high is not None else {}) | cpk


def _run(run: Ints, sign: Ints) -> Ints:
    """A signed run, longer by one where the sign is its own, begun anew elsewhere."""
    return np.where(run * sign > 0, run + sign, sign)


def _bits(bits: Ints, flag: Bools, mask: int) -> Ints:
    return ((bits << 1) | flag) & mask


def _enough(bits: Ints, need: int) -> Bools:
    """Whether so many bits are set, the newest among them."""
    count = (bits & 1) + (bits >> 1 & 1) + (bits >> 2 & 1) + (bits >> 3 & 1) + (bits >> 4 & 1)
    found: Bools = (count >= need) & (bits & 1 > 0)
    return found
