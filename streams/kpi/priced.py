"""Energy in money: each cell's kWh at the price of its class, by season, day and hour, and fuel adjustment."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors.efficiency import energy
from detectors.efficiency.machine_state import MachineState
from detectors.efficiency.stated import KNOWN, Stated
from streams.kpi.figures import Figure, Floats, Stand, counted_share, known_share, made_of, metered_share, of


def costs(stand: Stand) -> Iterator[Figure]:
    """What hours and shifts cost: energy, energy by good part, energy in states other than producing.

    The price is energy charge and fuel adjustment; what a month alone decides (demand charge, minimum, power factor) is
    in no hour's cost. There is no value where no tariff is valid in a cell of the window.
    """
    if not stand.prices.known:
        return
    unit, metered = stand.prices.currency, metered_share(stand.totals)
    known = np.minimum(metered, known_share(stand.totals))
    counted = np.minimum(metered, counted_share(stand.totals))
    metering = stand.has("energy") & stand.long
    by_state = stand.totals.booked.kwh
    cost = priced(stand, by_state.sum(axis=1))
    yield Figure("energy_cost", unit, *of(cost, metered), metering)
    per_good = energy.per_good_unit(cost.value, made_of(stand).all_good)
    reason = np.where(cost.reason == KNOWN, per_good.reason, cost.reason)
    parts = metering & stand.has("parts")
    yield Figure("energy_cost_per_good", f"{unit}/{{item}}", *of(Stated(per_good.value, reason), counted), parts)
    # energy in a state that is not known is no idle energy
    idle = energy.idle_energy(by_state[:, 1:], MachineState.PRODUCING - 1).kwh
    yield Figure("idle_cost", unit, *of(priced(stand, idle), known), metering & stand.has("state"))


def priced(stand: Stand, kwh: Floats) -> Stated:
    """(n,) money of n windows, of `kwh` (m,) of each row booked in them."""
    booked = stand.totals.booked
    cells, which = booked.distinct()
    price = stand.prices.energy(cells)
    return booked.worth(kwh, Stated(price.value[which], price.reason[which]), len(stand.told))
