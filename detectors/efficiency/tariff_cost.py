"""What a month of electricity costs by a tariff: energy, demand, fuel adjustment, minimum, power factor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from detectors.base import Floats
from detectors.efficiency.tariff import DemandCharge, PowerFactorStep, Tariff


class Bill(NamedTuple):
    """Each (k,), in the tariff's currency."""

    energy: Floats
    demand: Floats
    fuel: Floats
    fixed: Floats
    to_minimum: Floats
    """What is added to reach the minimum charge."""
    power_factor: Floats
    """Surcharge, or discount below 0; NaN where the power factor is unknown and the tariff asks for it."""

    def total(self) -> Floats:
        """All together.

        >>> one = np.ones(1)
        >>> Bill(*[one] * 6).total()
        array([6.])
        """
        return np.asarray(np.sum(self, axis=0))


def bill(
    tariff: Tariff,
    kwh: ArrayLike,
    demand_kw: ArrayLike,
    power_factor: ArrayLike = np.nan,
    contract_kw: ArrayLike = np.nan,
    season: int = 0,
    share: float = 1.0,
) -> Bill:
    """The bill of k meters for one month of one season, without taxes.

    `kwh` (k, c) is energy by price class, `demand_kw` (k, c) the highest demand in the class's windows, both in the
    order of `tariff.classes`; `power_factor` (k,) of the month; `contract_kw` (k,) where the tariff charges a contract.
    A month with a change of season or tariff in it is split by the caller: what is charged by the month (demand, fixed,
    minimum) counts by `share`, that of the month's days on which season and tariff hold. The power factor counts on
    everything else.

    >>> from detectors.efficiency.tariff import PriceClass
    >>> prices = (PriceClass(name="all", per_kwh=0.5),)
    >>> month = Tariff(name="t", utility="u", currency="MYR", valid_from=0, source="s", classes=prices, otherwise=(0,),
    ...                demand_window_s=1800, demand=(DemandCharge(per_kw=30.0, classes=(0,)),), fixed=90.0)
    >>> bill(month, [[100.0]], [[40.0]], share=10 / 30).total()  # 50 + a third of 1,200 and of 90
    array([480.])
    """
    energy_kwh = np.asarray(kwh, dtype=np.float64)
    peaks = np.asarray(demand_kw, dtype=np.float64)
    if energy_kwh.ndim != 2 or energy_kwh.shape[1] != len(tariff.classes) or peaks.shape != energy_kwh.shape:
        names = ", ".join(c.name for c in tariff.classes)
        shapes = f"{energy_kwh.shape} and {peaks.shape}"
        raise ValueError(f"expected kwh and demand_kw of shape (k, {len(tariff.classes)}), by {names}, got {shapes}")
    zero = np.zeros(len(energy_kwh))
    energy = (energy_kwh * np.array([c.per_kwh for c in tariff.classes])).sum(axis=1)
    demand = zero
    for charge in tariff.demand:
        if charge.season in (None, season):
            demand = demand + demand_cost(charge, peaks[:, charge.classes].max(axis=1), contract_kw)
    demand = demand * share
    fuel = energy_kwh.sum(axis=1) * tariff.fuel_per_kwh
    fixed = zero + tariff.fixed * share
    before = energy + demand + fuel + fixed
    topped = np.maximum(tariff.minimum * share - before, 0.0)
    surcharge = (before + topped) * power_factor_share(tariff.power_factor, power_factor) + zero
    return Bill(energy, demand, fuel, fixed, topped, surcharge)


def demand_cost(charge: DemandCharge, demand_kw: ArrayLike, contract_kw: ArrayLike = np.nan) -> Floats:
    """What a month's demand costs, (k,).

    On the maximum: per_kw x demand. On a contract: per_kw x contract, and what demand exceeds it by at the multiples of
    `charge.over`, each from its share of the contract to the next.

    >>> charge = DemandCharge(per_kw=200.0, classes=(0,), basis="contract", over=((0.0, 2.0), (0.1, 3.0)))
    >>> demand_cost(charge, [900.0, 1050.0, 1200.0], [1000.0] * 3)
    array([200000., 220000., 300000.])
    """
    kw = np.asarray(demand_kw, dtype=np.float64)
    if charge.basis == "maximum":
        return np.asarray(charge.per_kw * kw)
    contract = np.asarray(contract_kw, dtype=np.float64)
    money = charge.per_kw * contract + 0.0 * kw
    ends = [share for share, _ in charge.over[1:]] + [np.inf]
    for (share, multiple), end in zip(charge.over, ends, strict=True):
        beyond = np.clip(kw - contract * (1.0 + share), 0.0, contract * (end - share))
        money = money + charge.per_kw * multiple * beyond
    return np.asarray(money)


def power_factor_share(steps: tuple[PowerFactorStep, ...], power_factor: ArrayLike) -> Floats:
    """Share of the bill that the power factor adds (or takes off, below 0), (k,); 0 where the tariff has no steps.

    The power factor is rounded to 0.01, half up, as bills state it; each full 0.01 within a step counts.

    >>> tnb = (PowerFactorStep(bound=.85, limit=.75, per_hundredth=.015),
    ...        PowerFactorStep(bound=.75, limit=0, per_hundredth=.03))
    >>> 2000 * power_factor_share(tnb, [.90, .80, .75, .60])
    array([   0.,  150.,  300., 1200.])
    """
    hundredths = np.floor(100.0 * np.asarray(power_factor, dtype=np.float64) + 0.5 + 1e-9)
    share = np.zeros(hundredths.shape)
    for step in steps:
        bound, limit = round(100 * step.bound), round(100 * step.limit)
        if step.discount:
            share = share - step.per_hundredth * np.clip(hundredths - bound, 0, limit - bound)
        else:
            share = share + step.per_hundredth * np.clip(bound - hundredths, 0, bound - limit)
    return np.asarray(share)


def price_per_kwh(tariff: Tariff) -> Floats:
    """What one kWh more costs in each class, (c,): energy charge and fuel adjustment, without a new maximum demand."""
    return np.array([c.per_kwh for c in tariff.classes]) + tariff.fuel_per_kwh


def price_per_kw(tariff: Tariff, season: int = 0) -> Floats:
    """What one kW more of a month's highest demand costs in each class, (c,).

    Of a contract: what a kW beyond it costs, at the first multiple.
    """
    price = np.zeros(len(tariff.classes))
    for charge in tariff.demand:
        if charge.season in (None, season):
            over = charge.over[0][1] if charge.basis == "contract" and charge.over else float(charge.basis == "maximum")
            price[list(charge.classes)] += charge.per_kw * over
    return price
