"""Analogs: the windows of the past that are most like one that is open, and weighted quantiles over them."""

from __future__ import annotations

import numpy as np

from detectors.base import Floats, Ints

WEIGHTS = (1.0, 0.5, 0.7, 0.4)
"""Of a difference in mean power so far, in the latest third of it, and in the later and the earlier half before."""

RIDGE = 0.05
STEEPEST = 1.0
"""Tilts beyond this count as this."""
TINY = 1e-9


def traits(windows: Floats, before: Floats, slot: int) -> tuple[Floats, ...]:
    """What windows (k, S, m) of cumulated kWh had been like at the end of `slot`: four arrays (k, m), kWh a slot.

    `before` (k, m, 2) is the window before, by half.
    """
    passed = windows[:, slot]
    recent = max(1, (slot + 1) // 3)
    earlier = windows[:, slot - recent] if slot >= recent else 0.0 * passed
    return passed / (slot + 1.0), (passed - earlier) / recent, before[:, :, 0], before[:, :, 1]


def alike(then: tuple[Floats, ...], now: tuple[Floats, ...], outcome: Floats, count: int) -> tuple[Ints, Floats]:
    """The `count` candidates nearest to each row, and their weights, both (k, count).

    `then` (k, m) each, `now` (k, 1) each, as of `traits`; candidates without an `outcome` (k, m) are not taken.
    Distance: the sum over traits of weight x absolute difference, of those known on both sides. Weights fall from 1 to
    about 0 at the farthest one taken, and are 0 where there are too few. Ties go to the lower index.

    >>> then = (np.array([[1.0, 5.0, 2.0]]),) * 4
    >>> alike(then, (np.array([[1.0]]),) * 4, np.array([[1.0, 1.0, 1.0]]), 2)[0]
    array([[0, 2]])
    """
    away = np.zeros(outcome.shape)
    for part, theirs, ours in zip(WEIGHTS, then, now, strict=True):
        difference = np.abs(theirs - ours)
        away = away + part * np.where(np.isnan(difference), 0.0, difference)
    away = np.where(np.isnan(outcome), np.inf, away)
    nearest = np.argsort(away, axis=1, kind="stable")[:, :count]
    distance = np.take_along_axis(away, nearest, axis=1)
    taken = distance < np.inf
    farthest = np.max(np.where(taken, distance, 0.0), axis=1, keepdims=True)
    weight = np.where(taken, 1.0 - np.where(taken, distance, 0.0) / (farthest * 1.0001 + 1e-12), 0.0)
    return nearest, weight


def levelled(outcome: Floats, tilt: Floats, weight: Floats) -> Floats:
    """Outcomes (k, c) as they would have been at a `tilt` of 0, by a weighted line through each row; 1 or more.

    The line's slope is drawn a little towards 0, and is 0 where the candidates' tilts (k, c) are all alike.

    >>> levelled(np.array([[3.0, 4.0, 5.0]]), np.array([[-0.5, 0.0, 0.5]]), np.ones((1, 3))).round(1)
    array([[4., 4., 4.]])
    """
    taken = weight > 0
    tilt = np.where(taken, np.minimum(np.maximum(tilt, -STEEPEST), STEEPEST), 0.0)
    known = np.where(taken, outcome, 0.0)
    total = _sums(weight) + TINY
    off = tilt - _sums(weight * tilt) / total
    above = known - _sums(weight * known) / total
    slope = _sums(weight * off * above) / (_sums(weight * off * off) * (1.0 + RIDGE) + TINY * total)
    return np.where(taken, np.maximum(outcome - slope * tilt, 1.0), np.nan)


def _sums(values: Floats) -> Floats:
    """Of each row (k, c), (k, 1), term after term, so that rows together give the same bits as each alone."""
    return np.cumsum(values, axis=1)[:, -1:]


def quantile(values: Floats, weights: Floats, share: float) -> Floats:
    """Weighted quantile of each row (k, c): the smallest value up to which at least `share` of the weight lies, (k,).

    >>> quantile(np.array([[3.0, 1.0, 2.0]]), np.array([[1.0, 1.0, 1.0]]), 0.5)
    array([2.])
    """
    order = np.argsort(values, axis=1, kind="stable")
    weight = np.take_along_axis(np.where(weights > 0, weights, 0.0), order, axis=1)
    reached = np.cumsum(weight, axis=1)
    at = np.argmax(reached >= share * reached[:, -1:], axis=1)
    return np.take_along_axis(np.take_along_axis(values, order, axis=1), at[:, None], axis=1)[:, 0]
