"""Energy in CO2e: each cell's kWh at the grid's factor of its year, location-based and market-based."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors.efficiency import energy
from detectors.efficiency.carbon import FactorsAt
from detectors.efficiency.stated import KNOWN, Stated
from streams.kpi.figures import Figure, Stand, counted_share, made_of, metered_share, of
from streams.segment import Bools, Ints

CARRIED = "the newest factor is carried on: none is published for that time yet"
"""Said of a value that stands on such a factor; it stays provisional."""


def carbons(stand: Stand) -> Iterator[Figure]:
    """Scope 2 of hours and shifts, kg CO2e: location-based, and market-based where there are certificates.

    There is no value before the first factor; beyond the newest one it is carried on, and the figure is provisional.
    """
    supply = stand.prices.supply
    if not supply.grid:
        return
    metered = metered_share(stand.totals)
    counted = np.minimum(metered, counted_share(stand.totals))
    metering = stand.has("energy") & stand.long
    cells, which = stand.totals.booked.distinct()
    location, carried = _emitted(stand, stand.prices.location(cells), which)
    yield Figure("carbon_location", "kg", *of(location, metered), metering, carried=carried)
    per_good = energy.per_good_unit(location.value, made_of(stand).all_good)
    reason = np.where(location.reason == KNOWN, per_good.reason, location.reason)
    parts = metering & stand.has("parts")
    yield Figure("carbon_per_good", "kg/{item}", *of(Stated(per_good.value, reason), counted), parts, carried=carried)
    if supply.certificates:
        market, carried = _emitted(stand, stand.prices.market(cells), which)
        yield Figure("carbon_market", "kg", *of(market, metered), metering, carried=carried)


def _emitted(stand: Stand, factors: FactorsAt, which: Ints) -> tuple[Stated, Bools]:
    """(n,) kg of n windows, and which of them stand on a factor that is carried on; `which` is each row's cell."""
    booked, n = stand.totals.booked, len(stand.told)
    rate = Stated(factors.kg_per_kwh.value[which], factors.kg_per_kwh.reason[which])
    kwh = booked.kwh.sum(axis=1)  # none of it rests on no factor
    return booked.worth(kwh, rate, n), booked.any_of(factors.carried[which] & (kwh != 0), n)
