"""OEE: how much of planned time was turned into good items, as availability x effectiveness x quality."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from detectors.base import Bools, Floats
from detectors.efficiency.stated import IDLE, NO_RUN_TIME, UNPLANNED, UNPRODUCED, Stated, because, product, ratio


class Oee(NamedTuple):
    """Of k assets or windows, each (k,); shares of 1."""

    availability: Stated
    effectiveness: Stated
    quality: Stated
    oee: Stated
    too_fast: Bools
    """Effectiveness is above 1: it is shown as it is, but the planned run time or a count is likely wrong."""


class Times(NamedTuple):
    """Planned run times of what was produced, (k,) seconds, summed over products."""

    produced_s: Floats
    good_s: Floats
    unknown: Bools
    """A product that was produced has no planned run time."""


def planned_times(run_s: ArrayLike, produced: ArrayLike, good: ArrayLike) -> Times:
    """PRI x PQ and PRI x GQ, summed over products: what was produced, in seconds of its planned run times.

    `run_s` (k, p) is the planned run time per item (PRI) of each of p products in seconds, NaN where unknown; it
    matters only where that product was produced. `produced` (k, p) is PQ, `good` (k, p) GQ. One axis less is one
    product.

    >>> planned_times([[60.0, 30.0]], [[100, 40]], [[90, 40]])[:2]
    (array([7200.]), array([6600.]))
    """
    pri, pq, gq = (_by_product(a) for a in (run_s, produced, good))
    unknown = np.any(np.isnan(pri) & (pq > 0), axis=-1)
    made = np.where(pq > 0, pri * pq, 0.0 * pq)
    well = np.where(pq > 0, pri * gq, 0.0 * gq)
    return Times(made.sum(axis=-1), well.sum(axis=-1), unknown)


def oee(
    planned_busy_s: ArrayLike, producing_s: ArrayLike, run_s: ArrayLike, produced: ArrayLike, good: ArrayLike
) -> Oee:
    """A = APT / PBT, E = PRI x PQ / APT, Q = GQ / PQ, OEE = A x E x Q, from sums over a window.

    `planned_busy_s` (k,) is PBT, `producing_s` (k,) APT within it, in seconds; `run_s`, `produced` and `good` as
    `planned_times` takes them. Of several products the planned run times add, and quality weighs each product's items
    by them, Q = sum(PRI x GQ) / sum(PRI x PQ): for one product that is GQ / PQ, and with it OEE x PBT is the fully
    productive time whatever the mix. Nothing is clamped; E > 1 is flagged. A zero denominator gives NaN and its
    reason. Source: ISO 22400-2, availability, effectiveness, quality ratio, OEE index.

    >>> said = oee([480 * 60], [400 * 60], [60.0], [380], [361])
    >>> [round(float(part.value[0]), 5) for part in said[:4]]
    [0.83333, 0.95, 0.95, 0.75208]
    """
    pbt, apt = np.asarray(planned_busy_s, dtype=np.float64), np.asarray(producing_s, dtype=np.float64)
    times = planned_times(run_s, produced, good)
    availability = ratio(apt, pbt, UNPLANNED)
    effectiveness = because(ratio(times.produced_s, apt, IDLE), times.unknown, NO_RUN_TIME)
    quality = because(ratio(times.good_s, times.produced_s, UNPRODUCED), times.unknown, NO_RUN_TIME)
    together = product(availability, effectiveness, quality)
    with np.errstate(invalid="ignore"):
        return Oee(availability, effectiveness, quality, together, effectiveness.value > 1.0)


def _by_product(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array
