"""Key figures of electricity: load factor, power factor, energy per good unit, energy outside production."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from detectors.base import Floats
from detectors.efficiency.stated import NO_DEMAND, NO_ENERGY, NO_TIME, NONE_GOOD, Stated, because, ratio


def load_factor(kwh: ArrayLike, max_kw: ArrayLike, hours: ArrayLike) -> Stated:
    """Mean demand over maximum demand, kWh / (kWmax x hours), (k,), 0 to 1: how evenly energy was drawn.

    `max_kw` is the maximum demand of the same period, in the windows that the tariff measures.

    >>> load_factor([36_000.0], [100.0], [720.0]).value
    array([0.5])
    """
    span = np.asarray(hours, dtype=np.float64)
    said = ratio(kwh, np.asarray(max_kw, dtype=np.float64) * span, NO_DEMAND)
    return because(said, np.broadcast_to(span <= 0, said.value.shape), NO_TIME)


def power_factor(kwh: ArrayLike, kvarh: ArrayLike) -> Stated:
    """Mean power factor of a period, kWh / sqrt(kWh^2 + kvarh^2), (k,), 0 to 1.

    From the period's sums, as utilities bill it; `kvarh` is the lagging reactive energy. NaN where neither was drawn.

    >>> power_factor([80.0, 0.0], [60.0, 0.0])
    Stated(value=array([0.8, nan]), reason=array([0, 6], dtype=uint8))
    """
    active, reactive = np.asarray(kwh, dtype=np.float64), np.asarray(kvarh, dtype=np.float64)
    return ratio(active, np.hypot(active, reactive), NO_ENERGY)


def per_good_unit(amount: ArrayLike, good: ArrayLike) -> Stated:
    """What a good item took: `amount` (kWh, money, kg CO2e) over good quantity, (k,), or (k, p) by product.

    >>> per_good_unit([180.0, 5.0], [361, 0]).why()
    ['', 'no good item was produced']
    """
    return ratio(amount, good, NONE_GOOD)


class IdleEnergy(NamedTuple):
    """Each (k,)."""

    kwh: Floats
    share: Stated
    money: Floats


def idle_energy(kwh_by_state: ArrayLike, producing: int, price_per_kwh: ArrayLike = np.nan) -> IdleEnergy:
    """Energy drawn in states other than producing: kWh, its share of all, and its money.

    `kwh_by_state` (k, s) is kWh by machine state, `producing` the column that is production, `price_per_kwh` (k,) or
    (k, s) where the price differs by state, in money of the tariff; NaN where there is none.

    >>> said = idle_energy([[90.0, 8.0, 2.0]], producing=0, price_per_kwh=[0.5])
    >>> said.kwh, said.share.value, said.money
    (array([10.]), array([0.1]), array([5.]))
    """
    by_state = np.asarray(kwh_by_state, dtype=np.float64)
    price = np.asarray(price_per_kwh, dtype=np.float64)
    other = np.delete(by_state, producing, axis=1)
    idle = other.sum(axis=1)
    priced = np.delete(by_state * price, producing, axis=1).sum(axis=1) if price.ndim == 2 else idle * price
    return IdleEnergy(idle, ratio(idle, by_state.sum(axis=1), NO_ENERGY), priced)
