"""Values that may be missing, each with the reason: a figure that cannot be formed is NaN and says why, never 0."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.base import Bools, Floats

REASONS = (
    "",
    "an input is missing",
    "nothing was planned",
    "nothing ran",
    "nothing was produced",
    "no good item was produced",
    "no energy was used",
    "no demand was measured",
    "the planned run time of a product is unknown",
    "no time passed",
    "no cooling was delivered",
    "no factor is valid at that time",
    "no tariff is valid at that time",
    "it did not run while nothing was planned",
)
"""What `Stated.reason` counts through; "" where there is a value."""

(
    KNOWN, MISSING, UNPLANNED, IDLE, UNPRODUCED, NONE_GOOD, NO_ENERGY, NO_DEMAND, NO_RUN_TIME, NO_TIME, NO_COOLING,
    NO_FACTOR, NO_TARIFF, NOT_RUN,
) = range(len(REASONS))  # fmt: skip


class Stated(NamedTuple):
    """Values (k,), NaN where there is none, and for each the index of its reason in REASONS."""

    value: Floats
    reason: NDArray[np.uint8]

    def why(self) -> list[str]:
        """The reasons in words, "" where there is a value."""
        return [REASONS[code] for code in self.reason.ravel()]


def ratio(numerator: ArrayLike, denominator: ArrayLike, if_zero: int) -> Stated:
    """numerator / denominator, of arrays that broadcast; NaN with reason `if_zero` where the denominator is 0 or less.

    NaN on either side gives NaN, "an input is missing".

    >>> said = ratio([361.0, 0.0, np.nan], [380.0, 0.0, 1.0], UNPRODUCED)
    >>> said.value.round(2), said.why()
    (array([0.95,  nan,  nan]), ['', 'nothing was produced', 'an input is missing'])
    """
    above, below = np.broadcast_arrays(np.asarray(numerator, dtype=np.float64), np.asarray(denominator, np.float64))
    missing = np.isnan(above) | np.isnan(below)
    usable = ~missing & (below > 0)
    value = np.full(above.shape, np.nan)
    with np.errstate(over="ignore"):
        np.divide(above, below, out=value, where=usable)
    reason = np.where(missing, MISSING, np.where(usable, KNOWN, if_zero)).astype(np.uint8)
    return Stated(value, reason)


def product(*factors: Stated) -> Stated:
    """The product of several, with the first reason met where one is missing.

    >>> product(ratio([1.0], [2.0], IDLE), ratio([0.0], [0.0], UNPRODUCED)).why()
    ['nothing was produced']
    """
    value, reason = factors[0]
    for factor in factors[1:]:
        value = value * factor.value
        reason = np.where(reason == KNOWN, factor.reason, reason)
    return Stated(value, reason)


def because(said: Stated, where: Bools, reason: int) -> Stated:
    """The same with another reason where there is no value and `where` holds."""
    return Stated(said.value, np.where(where & (said.reason != KNOWN), reason, said.reason).astype(np.uint8))
