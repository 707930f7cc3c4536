"""Bearing lines: at which multiples of the shaft speed each damaged part of a rolling bearing shows, and how strongly.

Orders are multiples of the shaft's rate. A line is (multiple of the part's own order, orders added to it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from detectors.anomaly.envelope import LOBE
from detectors.base import Bools, Floats

PARTS = ("inner_race", "outer_race", "ball", "cage")
INNER, OUTER, BALL, CAGE = range(4)
HARMONICS = 4
Lines = Sequence[tuple[float, float]]


class Orders(NamedTuple):
    """Defect rates of the parts, in multiples of the shaft speed."""

    bpfi: float  # ball passing the inner race
    bpfo: float  # ball passing the outer race
    bsf: float  # ball spin
    ftf: float  # cage (fundamental train)


class Found(NamedTuple):
    """The best fit of a part's lines."""

    strength: float  # lines above their local noise floor: about 2 in noise, where the best of all fits is taken
    order: float  # the part's own order, slip included


def orders_of(balls: int, ball_diameter: float, pitch_diameter: float, contact_angle_deg: float = 0.0) -> Orders:
    """Orders from the geometry, outer race standing still; the diameters in one unit, whichever.

    >>> [round(order, 3) for order in orders_of(9, 7.94, 39.04)]  # 6205
    [5.415, 3.585, 2.357, 0.398]
    """
    share = ball_diameter / pitch_diameter * math.cos(math.radians(contact_angle_deg))
    cage = (1.0 - share) / 2.0
    spin = pitch_diameter / ball_diameter / 2.0 * (1.0 - share * share)
    return Orders(balls * (1.0 - cage), balls * cage, spin, cage)


def top_order(orders: Orders) -> float:
    """The highest order looked at."""
    return HARMONICS * 1.05 * max(orders.bpfi, orders.bpfo) + 3.0


def families(orders: Orders) -> list[list[Lines]]:
    """The sets of lines that each of `PARTS` may show: harmonics; for rotating parts also their sidebands.

    The inner race turns through the load once a shaft turn, a ball once a cage turn; a ball strikes both races, so
    even harmonics of its spin are stronger. (Randall and Antoni 2011, section 2.)
    """
    plain = [(float(h), 0.0) for h in range(1, HARMONICS + 1)]
    shaft = [(1.0, 0.0), (2.0, 0.0), (3.0, 0.0), (1.0, -1.0), (1.0, 1.0), (2.0, -1.0), (2.0, 1.0)]
    spin = [(1.0, 0.0), (2.0, 0.0), (4.0, 0.0), (6.0, 0.0)]
    cage = [(2.0, 0.0), (4.0, 0.0), *((h, s * orders.ftf) for h in (2.0, 4.0) for s in (-1.0, 1.0))]
    return [[plain, shaft], [plain], [spin, cage], [plain]]


def strengths(lines: Floats, width_hz: float, shaft_hz: float, orders: Orders, slip: float) -> Floats:
    """(4,) how far the lines of each of `PARTS` stand above the noise floor, from envelope lines (bands, bins).

    Lines at the shaft's own harmonics are left out: balance and alignment show there. The lines of the race that
    stands out most, with its sidebands, are left out for the other parts: 3 BPFO and 2 BPFI, for one, nearly meet.
    """
    sets = families(orders)
    taken = np.zeros(lines.shape[1], dtype=bool)

    def best(part: int) -> Found:
        fits = [_fit(lines, width_hz, shaft_hz, orders_by_part[part], each, slip, taken) for each in sets[part]]
        return max(fits, key=lambda fit: fit.strength)

    orders_by_part = (orders.bpfi, orders.bpfo, orders.bsf, orders.ftf)
    races = [best(INNER), best(OUTER)]
    first = INNER if races[INNER].strength > races[OUTER].strength else OUTER
    _take(taken, width_hz, shaft_hz, races[first].order)
    return np.array([races[part].strength if part == first else best(part).strength for part in range(len(PARTS))])


def _fit(
    lines: Floats, width_hz: float, shaft_hz: float, order: float, family: Lines, slip: float, taken: Bools
) -> Found:
    """The slip and the band in which a family of lines stands highest: ((mean of their square roots) squared).

    Square roots, so that one high line alone, which anything may cause, does not make a family.
    """
    times, plus = np.array(family).T
    spread = slip * order * shaft_hz * times.max() / width_hz  # of the highest line, in bins
    tries = math.ceil(2.0 * spread) if spread > 0.25 else 0
    own = order * (1.0 + slip * np.arange(-tries, tries + 1) / max(tries, 1))
    at_orders = own[:, None] * times + plus
    bins = np.rint(at_orders * (shaft_hz / width_hz)).astype(np.int64)
    shaft = np.rint(at_orders)
    near_shaft = (shaft >= 1) & (np.abs(at_orders - shaft) * (shaft_hz / width_hz) < LOBE)
    inside = (bins >= 3) & (bins < lines.shape[1])
    bins = np.where(inside, bins, 0)
    free = inside & ~near_shaft & ~taken[bins]
    count = free.sum(axis=1)
    roots = np.where(free, np.sqrt(lines[:, bins]), 0.0).sum(axis=2) / np.maximum(count, 1)
    strength = np.where(count >= max(2, len(family) // 2), roots * roots, 0.0)
    band, at = divmod(int(strength.argmax()), len(own))
    return Found(float(strength[band, at]), float(own[at]))


def _take(taken: Bools, width_hz: float, shaft_hz: float, order: float) -> None:
    """Mark the bins of a race's harmonics and of their two sidebands on either side."""
    per_order = shaft_hz / width_hz
    for harmonic in range(1, int(len(taken) / (order * per_order)) + 2):
        for side in (-2, -1, 0, 1, 2):
            at = (harmonic * order + side) * per_order
            taken[max(math.ceil(at - LOBE), 0) : max(math.floor(at + LOBE) + 1, 0)] = True
