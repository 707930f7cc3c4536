"""Which key figures add over machines. All others (shares, ratios, times of states) say nothing when added."""

from __future__ import annotations

from typing import NamedTuple


class Adds(NamedTuple):
    """How one figure of machines adds."""

    metered: bool  # of the meters: a site's main meter, where it has one, stands for the sum
    always: bool = True  # told of every window, so that one who does not tell it is missing; else it may just be zero


ADDS: dict[str, Adds] = {
    "energy": Adds(metered=True),
    "energy_estimated": Adds(metered=True, always=False),
    "energy_cost": Adds(metered=True),
    "carbon_location": Adds(metered=True),
    "carbon_market": Adds(metered=True),
    "reactive_energy": Adds(metered=True),
    "demand": Adds(metered=True),
    "idle_energy": Adds(metered=False),
    "idle_cost": Adds(metered=False),
    "idle_carbon": Adds(metered=False),
}
"""By name; the unit is what the rows say, and has to be one."""

_LOSSES = "loss_"
_MONEY = "_cost"


def adds(kpi: str) -> Adds | None:
    """How a figure adds, None where it does not; money lost is any `loss_..._cost`.

    >>> adds("energy").metered, adds("oee"), adds("loss_breakdown_cost")
    (True, None, Adds(metered=False, always=False))
    """
    if kpi.startswith(_LOSSES) and kpi.endswith(_MONEY):
        return Adds(metered=False, always=False)
    return ADDS.get(kpi)
