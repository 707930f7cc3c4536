"""Losses: where the planned time of hours and shifts went that made no good parts, in minutes and in money."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors.efficiency.losses import Losses, StateTimes, in_money, six_big_losses
from detectors.efficiency.machine_state import MachineState
from detectors.efficiency.oee import Times, planned_times
from detectors.efficiency.stated import KNOWN, MISSING, NO_RUN_TIME, Stated
from streams.kpi.figures import NS_S, Figure, Floats, Stand, counted_share, known_share, made_of, of
from streams.segment import Bools

OF_PARTS = ("speed", "rejects", "startup_rejects", "production_rejects")
"""Losses that follow from parts and their planned run time; the others follow from the state alone."""


def losses(stand: Stand) -> Iterator[Figure]:
    """The planned run time of the good parts, and the six big losses: together they are planned busy time.

    Rejects at start-up and in production are told as one, `loss_rejects`, or apart where the machine's entry says how
    long a start-up is. In money where it says what a minute costs.
    """
    known = known_share(stand.totals)
    counted = np.minimum(known, counted_share(stand.totals))
    timed = stand.has("state") & stand.long
    cost = np.array([np.nan if o.minute_cost is None else o.minute_cost for o in stand.options])
    apart = stand.has("startup")
    lost, done = _lost(stand)
    no_run_time = done.unknown
    productive = _stated(done.good_s / 60.0, no_run_time)
    yield Figure("fully_productive_time", "min", *of(productive, counted), timed & stand.has("parts"))
    money = _named(in_money(lost, cost))
    for name, minutes in _named(lost).items():
        parts = name in OF_PARTS
        of_which = timed & stand.has("parts") if parts else timed
        if name.endswith("rejects"):
            of_which = of_which & (apart != (name == "rejects"))
            if not of_which.any():
                continue
        coverage, why = (counted, no_run_time) if parts else (known, np.zeros(len(cost), dtype=bool))
        yield Figure(f"loss_{name}", "min", *of(_stated(minutes, why), coverage), of_which)
        priced = of_which & ~np.isnan(cost)
        if priced.any():
            said = _stated(money[name], why)
            yield Figure(f"loss_{name}_cost", stand.prices.currency, *of(said, coverage), priced)


def _lost(stand: Stand) -> tuple[Losses, Times]:
    """Losses of n windows in minutes, and the planned run times of what was made in them."""
    totals, made = stand.totals, made_of(stand)
    seconds = {state: totals.time[:, state] / NS_S for state in MachineState}
    busy = np.maximum(totals.planned / NS_S - seconds[MachineState.PLANNED], 0.0)
    states = StateTimes(*(seconds[MachineState[name.upper()]] for name in StateTimes._fields))
    lost = six_big_losses(busy, states, made.run_s, made.total, made.good, made.starting)
    return lost, planned_times(made.run_s, made.total, made.good)


def _named(lost: Losses) -> dict[str, Floats]:
    """Losses by name; all rejects together, and apart."""
    of_all = {**lost._asdict(), "rejects": lost.startup_rejects + lost.production_rejects}
    return {name: of_all[name] for name in ("breakdowns", "setup", "minor_stops", *OF_PARTS, "unknown")}


def _stated(value: Floats, no_run_time: Bools) -> Stated:
    missing = np.where(no_run_time, NO_RUN_TIME, MISSING)
    return Stated(value, np.where(np.isnan(value), missing, KNOWN).astype(np.uint8))
