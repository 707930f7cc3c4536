"""OEE and the six big losses of one machine and window, one product after the other, straight from ISO 22400-2."""

from __future__ import annotations

import math

NAN = math.nan


def naive_oee(pbt: float, apt: float, products: list[tuple[float, float, float]]) -> tuple[float, float, float, float]:
    """`products` holds (PRI, PQ, GQ) of each."""
    planned = well = 0.0
    for pri, pq, gq in products:
        if pq > 0:
            planned += pri * pq
            well += pri * gq
    a = apt / pbt if pbt > 0 else NAN
    e = planned / apt if apt > 0 else NAN
    q = well / planned if planned > 0 else NAN
    return a, e, q, a * e * q


def naive_losses(
    pbt: float, states: dict[str, float], products: list[tuple[float, float, float, float]]
) -> dict[str, float]:
    """Minutes; `products` holds (PRI, PQ, GQ, start-up rejects) of each."""
    lost = {"breakdowns": states["down"] / 60, "setup": states["setup"] / 60}
    lost["minor_stops"] = (states["idle"] + states["starved"] + states["blocked"]) / 60
    lost["speed"] = states["producing"] / 60
    lost["startup_rejects"] = lost["production_rejects"] = 0.0
    for pri, pq, gq, rejected in products:
        if pq > 0:
            lost["speed"] -= pri * pq / 60
            lost["startup_rejects"] += pri * rejected / 60
            lost["production_rejects"] += pri * (pq - gq - rejected) / 60
    lost["unknown"] = (pbt - sum(states.values())) / 60
    return lost
