"""Tail rule: a threshold from the highest novelties of late, for a budget that is to be held closely."""

from __future__ import annotations

import math

import numpy as np

from detectors.base import Bools, Floats, Ints
from detectors.roots import exp, log

PEAKS = 32
"""Peaks remembered."""
TIME, HEIGHT, RATE, WEIGHED, COUNT, CORRECTION, BASE = range(7)
"""Columns of a row's `events`: time (ns) and raw score of the last peak, peaks a second, the seconds that this mean
stands for, peaks so far, the controller's factor, and the threshold before it."""
COLUMNS = 7
LEAST = 1e-6
"""A lower score is no peak."""
PRIOR = 8.0
"""Peaks that the prior counts for ..."""
MEDIAN, GAMMA = math.log(0.7), 0.7
"""... its log median and its tail index."""
EVERY, AT_FIRST, AT_MOST = 3.75, 7.5, 160.0
"""In refractory times: a peak in so many by the prior, what the mean rate stands for at first, and at most."""
SHORTEST_S = 60.0
"""Refractory times count as this at least."""
LOWEST, HIGHEST = math.exp(-3.0), math.exp(6.0)
"""Bounds of the controller's factor."""
RAREST, OFTENEST = 1e-3, 1e6
"""Bounds of peaks above the median, per alarm wanted."""
STEEPEST = 14.0
"""Bound of the threshold's logarithm."""
FAR_PAST = -1e300


def unseen(n: int, rate_per_s: float, refractory_ns: int) -> Floats:
    """`events` of n rows that have had none, (n, 7)."""
    rest_s = max(refractory_ns / 1e9, SHORTEST_S)
    rate = np.full(1, 1.0 / (EVERY * rest_s))
    base = float(threshold(np.full(1, MEDIAN), np.full(1, GAMMA), rate, rate_per_s)[0])
    row = [FAR_PAST, 0.0, float(rate[0]), AT_FIRST * rest_s, 0.0, 1.0, base]
    return np.tile(np.array(row), (n, 1))


def threshold(median: Floats, gamma: Floats, rate: Floats, rate_per_s: float) -> Floats:
    """median x (rate / 2 / budget)^gamma of a log median and a tail index; all (k,).

    Half of the peaks are above the median; of these a share budget / (rate / 2) is above this (Hill 1975).
    """
    wanted = rate / 2.0 / max(rate_per_s, 1e-15)
    power = median + gamma * log(np.minimum(np.maximum(wanted, RAREST), OFTENEST))
    return exp(np.minimum(np.maximum(power, -STEEPEST), STEEPEST))


def fit(peaks: Floats, count: Floats) -> tuple[Floats, Floats]:
    """Log median and Hill's tail index of the last peaks' logarithms (k, 32), shrunk towards the prior.

    >>> median, gamma = fit(np.zeros((1, PEAKS)), np.array([0.0]))
    >>> round(float(np.exp(median[0])), 6), float(gamma[0])
    (0.7, 0.7)
    """
    place, filled = np.arange(PEAKS), np.minimum(count, PEAKS)
    there = place < filled[:, None]
    order = np.argsort(np.where(there, peaks, np.inf), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(place, order.shape), axis=1)
    half = np.floor(filled / 2.0)
    k = np.arange(len(count))
    middle = np.where(filled > 0, peaks[k, order[k, half.astype(np.int64)]], 0.0)
    upper = there & (rank >= half[:, None])
    total = np.zeros(len(count))
    for i in range(PEAKS):
        total = total + np.where(upper[:, i], peaks[:, i] - middle, 0.0)
    median = (filled * middle + PRIOR * MEDIAN) / (filled + PRIOR)
    return median, (total + PRIOR * GAMMA) / (filled - half + PRIOR)


def follow(
    events: Floats, peaks: Floats, time: Ints, raw: Floats, seconds: Floats, event: Bools, opinion: Bools,
    rate_per_s: float, refractory_ns: int,
) -> tuple[Floats, Floats]:  # fmt: skip
    """`events` (k, 7) and `peaks` (k, 32) after raw scores (k,), of which those in `event` are peaks."""
    rest_s = max(refractory_ns / 1e9, SHORTEST_S)
    after, kept = events.copy(), peaks.copy()
    rate, weighed = events[:, RATE], events[:, WEIGHED]
    moved = rate - rate * np.minimum(seconds / weighed, 0.5) + np.where(event, 1.0 / weighed, 0.0)
    after[:, RATE] = np.where(opinion, moved, rate)
    after[:, WEIGHED] = np.minimum(weighed + seconds, AT_MOST * rest_s)
    at = np.flatnonzero(event)
    if len(at):
        count = events[at, COUNT]
        kept[at, (count % PEAKS).astype(np.int64)] = log(np.minimum(raw[at], 1e9))
        after[at, COUNT] = count + 1.0
        after[at, TIME], after[at, HEIGHT] = time[at], raw[at]
        after[at, BASE] = threshold(*fit(kept[at], count + 1.0), after[at, RATE], rate_per_s)
    return after, kept
