"""Figures of a demand window that is not over: its end, the kW to shed to stay under the limit, the money at risk."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.demand_risk import demand_kw, money_at_risk, shed_kw
from detectors.efficiency.stated import KNOWN, MISSING, NO_DEMAND
from streams.kpi.demand import Outlook
from streams.kpi.figures import NS_H, Figure, Stand, metered_share, plainly
from streams.kpi.options import EnergyOptions

Floats = NDArray[np.float64]


def forecasts(stand: Stand, outlook: Outlook) -> Iterator[Figure]:
    """Demand forecast with its interval; the limit, kW to shed and money at risk where the machine's entry has them.

    kW to shed are for the rest of the window. Money at risk is what the month's bill rises by if the window ends as
    forecast: by what it lies above the highest demand of the month so far, or above the limit if that is
    higher. A kW costs what the tariff says of the window's hours, unless the entry says it.
    """
    given, coverage = outlook.given, metered_share(stand.totals)
    if not given.any():
        return
    hours = stand.totals.window / NS_H
    ends = (outlook.end_kwh, outlook.low_kwh, outlook.high_kwh)
    kw, low, high = (demand_kw(kwh, hours) for kwh in ends)
    yield Figure("demand_forecast", "kW", *plainly(kw, coverage), given, low, high)
    limit, charge = (_option(stand, name) for name in ("demand_limit", "demand_charge"))
    start = np.array([one.window.start for one in stand.told], dtype=np.int64)
    charge = np.where(np.isnan(charge), stand.prices.per_kw(start), charge)
    limited, charged = given & ~np.isnan(limit), given & ~np.isnan(charge)
    yield Figure("demand_limit", "kW", *plainly(limit, coverage), limited)
    shed, least, most = (shed_kw(kwh, limit, outlook.left, hours) for kwh in ends)
    yield Figure("demand_shed", "kW", *plainly(shed, coverage), limited, least, most)
    highest = np.fmax(limit, outlook.highest_kw)
    risk, least, most = (money_at_risk(kwh, highest, charge, hours) for kwh in ends)
    reason = np.where(np.isnan(kw), MISSING, np.where(np.isnan(highest), NO_DEMAND, KNOWN)).astype(np.uint8)
    yield Figure("demand_risk", stand.prices.currency or "{money}", risk, coverage, reason, charged, least, most)


def _option(stand: Stand, name: str) -> Floats:
    """(n,) an option of the machines' energy entries, NaN where there is none."""
    return np.array([_of(options.energy, name) for options in stand.options])


def _of(energy: EnergyOptions | None, name: str) -> float:
    value = None if energy is None else getattr(energy, name)
    return np.nan if value is None else float(value)
