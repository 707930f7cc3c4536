"""Average run length: how far apart the false alarms of a CUSUM lie, and the decision interval that a budget allows."""

from __future__ import annotations

import math

import numpy as np

from detectors.base import Floats

LOWEST = 3.0
HIGHEST = 20.0
STEP = 0.05
"""Decision intervals are taken from LOWEST to HIGHEST in steps of STEP, in sigmas."""


_MADE: dict[tuple[float, float], Floats] = {}
"""Tables made so far: one for each pair of options in use."""


def average_run_length(reference: float, decision: float) -> float:
    """Mean number of points between false alarms of a two-sided CUSUM on independent standard normal points.

    `reference` k > 0 and `decision` h > 0 in sigmas. Siegmund's approximation, one side: (exp(2 k b) - 2 k b - 1) /
    (2 k^2), b = h + 1.166; both sides together half of it. Source: Siegmund, Sequential Analysis (1985), ch. 2;
    Montgomery, Introduction to Statistical Quality Control, section 9.1.

    >>> round(average_run_length(0.5, 4.0)), round(average_run_length(0.5, 5.0))
    (169, 469)
    """
    reach = 2.0 * reference * (decision + 1.166)
    return (math.exp(reach) - reach - 1.0) / (4.0 * reference * reference)


def shortest_intervals(reference: float, rate_per_s: float) -> Floats:
    """For each decision interval, smallest first, the shortest time in seconds between points that it is enough for.

    Falls from one to the next; the last is 0, as the highest decision interval has to be enough. A lookup in place
    of the inverse of `average_run_length`, which would need a logarithm of what a row has learned.

    >>> table = shortest_intervals(0.5, 1 / 604800)
    >>> round(LOWEST + STEP * int(np.argmax(table <= 3600.0)), 2)
    4.0
    """
    if (reference, rate_per_s) in _MADE:
        return _MADE[reference, rate_per_s]
    decisions = LOWEST + STEP * np.arange(round((HIGHEST - LOWEST) / STEP) + 1)
    enough = np.array([1.0 / (rate_per_s * average_run_length(reference, float(h))) for h in decisions])
    enough[-1] = 0.0
    enough.flags.writeable = False
    _MADE[reference, rate_per_s] = enough
    return enough
