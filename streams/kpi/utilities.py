"""Utilities: what leaks of compressed air, and what chillers deliver for the power that they take."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors.efficiency.machine_state import MachineState
from detectors.efficiency.stated import KNOWN, MISSING, NOT_RUN, Stated, because, ratio
from detectors.efficiency.utilities import delivered, leak_share
from streams.kpi.aside import Aside
from streams.kpi.figures import NS_H, Figure, Floats, Stand, metered_share, of, plainly
from streams.kpi.priced import priced
from streams.segment import Ints

_MINUTE = 60e9


def utilities(stand: Stand) -> Iterator[Figure]:
    """Leaks and cooling of hours and shifts."""
    aside = stand.totals.aside
    if aside is None:
        return
    yield from _leaks(stand, aside)
    yield from _cooling(stand, aside)


def _leaks(stand: Stand, aside: Aside) -> Iterator[Figure]:
    """What a compressor delivers while nothing is planned leaks: its share, flow, power and money an hour.

    The share is time of load over time of load and unload. The power is that under load, which unloading does not
    take, over the same time; so it is what the leaks take at any other time too.
    """
    totals = stand.totals
    air = [o.air for o in stand.options]
    rest = totals.elapsed - totals.planned
    leaking = np.array([one is not None for one in air]) & stand.long & (rest > 0)
    if not leaking.any():
        return
    stated = leaking & stand.has("state")
    load, unload = aside.time[:, MachineState.PRODUCING], aside.time[:, MachineState.IDLE]
    running: Ints = load + unload
    share = because(leak_share(load, unload), running <= 0, NOT_RUN)
    known = _share(aside.time[:, 1:].sum(axis=1), rest)
    yield Figure("leak_share", "1", *of(share, known), stated)
    measured = np.array([one is not None and one.flow is not None for one in air])
    capacity = np.array([np.nan if one is None or one.capacity is None else one.capacity for one in air])
    flow = ratio(aside.air, aside.aired / _MINUTE, MISSING)
    yield Figure("leak_flow", "m3/min", *of(flow, _share(aside.aired, rest)), leaking & measured)
    yield Figure("leak_flow", "m3/min", *of(_times(share, capacity), known), stated & ~np.isnan(capacity))
    metering = stated & stand.has("energy")
    metered = np.minimum(known, _share(aside.metered, rest))
    booked = totals.booked
    kwh = np.where(totals.rows.planned[: len(booked.owner)], 0.0, booked.kwh[:, MachineState.PRODUCING])
    drawn = np.zeros(len(air))
    np.add.at(drawn, booked.owner, kwh)
    yield Figure("leak_power", "kW", *of(ratio(drawn, running / NS_H, NOT_RUN), metered), metering)
    if stand.prices.known:
        cost = priced(stand, kwh)
        rate = ratio(cost.value, running / NS_H, NOT_RUN)
        said = Stated(rate.value, np.where(cost.reason == KNOWN, rate.reason, cost.reason).astype(np.uint8))
        yield Figure("leak_cost", f"{stand.prices.currency}/h", *of(said, metered), metering)


def _cooling(stand: Stand, aside: Aside) -> Iterator[Figure]:
    """Cooling delivered, kW by refrigeration ton, and COP: of mean powers, each over the time for which it is known."""
    totals = stand.totals
    chilling = np.array([o.chiller is not None for o in stand.options]) & stand.long
    if not chilling.any():
        return
    cooled, metered = _share(aside.cooled, totals.elapsed), metered_share(totals)
    yield Figure("cooling_energy", "kW.h", *plainly(aside.cooling, cooled), chilling)
    delivers = ratio(aside.cooling, aside.cooled / NS_H, MISSING).value
    takes = ratio(totals.kwh.sum(axis=1), totals.metered / NS_H, MISSING).value
    said, both = delivered(delivers, takes), np.minimum(cooled, metered)
    powered = chilling & stand.has("energy")
    yield Figure("kw_per_rt", "kW/{RT}", *of(said.kw_per_rt, both), powered)
    yield Figure("cop", "1", *of(said.cop, both), powered)


def _times(said: Stated, factor: Floats) -> Stated:
    return Stated(said.value * factor, said.reason)


def _share(part: Ints, whole: Ints) -> Floats:
    return np.clip(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0), 0.0, 1.0)
