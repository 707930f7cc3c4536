"""The bill of one meter and month, line by line."""

from __future__ import annotations

import math

from detectors.efficiency.tariff import DAYS, Tariff


def naive_class(tariff: Tariff, season: int, day: int, minute: int) -> int:
    for p in tariff.periods:
        if season in p.seasons and day in p.days:
            if p.from_minute < p.to_minute and p.from_minute <= minute < p.to_minute:
                return p.price
            if p.from_minute >= p.to_minute and (minute >= p.from_minute or minute < p.to_minute):
                return p.price
    assert day < len(DAYS)
    return tariff.otherwise[season]


def naive_bill(
    tariff: Tariff, kwh: list[float], demand_kw: list[float], power_factor: float, contract_kw: float, season: int
) -> float:
    money = tariff.fixed
    for c, used in zip(tariff.classes, kwh, strict=True):
        money += used * (c.per_kwh + tariff.fuel_per_kwh)
    for charge in tariff.demand:
        if charge.season is not None and charge.season != season:
            continue
        kw = max(demand_kw[c] for c in charge.classes)
        if charge.basis == "maximum":
            money += charge.per_kw * kw
            continue
        money += charge.per_kw * contract_kw
        for i, (share, multiple) in enumerate(charge.over):
            low = contract_kw * (1 + share)
            high = contract_kw * (1 + charge.over[i + 1][0]) if i + 1 < len(charge.over) else math.inf
            if kw > low:
                money += charge.per_kw * multiple * (min(kw, high) - low)
    money = max(money, tariff.minimum)
    hundredths = math.floor(100 * power_factor + 0.5 + 1e-9)
    extra = 0.0
    for step in tariff.power_factor:
        bound, limit = round(100 * step.bound), round(100 * step.limit)
        if bound > limit:
            for h in range(limit, bound):
                extra += step.per_hundredth if hundredths <= h else 0.0
        else:
            for h in range(bound + 1, limit + 1):
                extra -= step.per_hundredth if hundredths >= h else 0.0
    return money * (1 + extra)
