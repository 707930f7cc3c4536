"""Cooling of a chiller that says its water's flow and temperatures, each at its own times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import UNSEEN
from detectors.efficiency.utilities import cooling_kw

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FLOW, SUPPLY, RETURN = range(3)


class CoolingState(NamedTuple):
    """k chillers: what each said last and when, (k,) each."""

    flow: Floats  # kg/s
    supply: Floats  # Cel
    back: Floats  # Cel, of the water that returns
    flow_at: Ints
    supply_at: Ints
    back_at: Ints
    told: Ints  # time of the newest cooling that was told


class Cooled(NamedTuple):
    """Cooling at some times, (m,) each, by machine and in order of time."""

    machine: Ints
    time: Ints
    kw: Floats


def init(n: int) -> CoolingState:
    """n chillers of which nothing was read.

    >>> init(2).flow
    array([nan, nan])
    """
    return CoolingState(*np.full((3, n), np.nan), *np.full((4, n), UNSEEN))


def step(state: CoolingState, bridge: Ints, machine: Ints, what: Ints, time: Ints, value: Floats) -> tuple[
    CoolingState, Cooled
]:  # fmt: skip
    """Cooling at the times of readings (n,), of all three as they were last read, `bridge` (k,) ns ago at most; pure.

    Readings are sorted by machine, then time; `what` is FLOW, SUPPLY or RETURN. Those of one time make one value. One
    that is older than what was told already counts from the next time on.

    >>> zero = np.zeros(4, dtype=int)
    >>> what, time = np.array([FLOW, SUPPLY, RETURN, FLOW]), np.array([0, 5, 5, 9])
    >>> step(init(1), np.array([60]), zero, what, time, np.array([24.0, 7.0, 12.0, 12.0]))[1].kw.round(2)
    array([502.32, 251.16])
    """
    if not len(machine):
        return state, Cooled(machine, time, value)
    number = np.arange(len(machine))
    first = np.append(True, machine[1:] != machine[:-1])
    start = np.maximum.accumulate(np.where(first, number, 0))
    ends = np.flatnonzero(np.append(first[1:] | (time[1:] != time[:-1]), True))
    of, now = machine[ends], time[ends]
    values, times = [], []
    for which in (FLOW, SUPPLY, RETURN):
        at = np.maximum.accumulate(np.where(what == which, number, -1))[ends]
        here = at >= start[ends]
        values.append(np.where(here, value[at], state[which][of]))
        times.append(np.where(here, time[at], state[3 + which][of]))
    known = now > state.told[of]
    for read in times:
        known &= (read != UNSEEN) & (now - np.where(read == UNSEEN, now, read) <= bridge[of])
    kw = cooling_kw(values[FLOW], values[RETURN], values[SUPPLY])
    known &= np.isfinite(kw)
    last = np.flatnonzero(np.append(of[1:] != of[:-1], True))
    after = CoolingState._make(column.copy() for column in state)
    for which in (FLOW, SUPPLY, RETURN):
        after[which][of[last]], after[3 + which][of[last]] = values[which][last], times[which][last]
    np.maximum.at(after.told, of[known], now[known])
    return after, Cooled(of[known], now[known], kw[known])
