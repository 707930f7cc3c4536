"""The state of a machine that tells nothing but its power: by level, with hysteresis and a shortest stay."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.machine_state import MachineState

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

STATE_OF = np.array([MachineState.DOWN, MachineState.IDLE, MachineState.PRODUCING], dtype=np.int64)
"""By level: below `idle`, from there on, and from `producing` on."""
NONE = -1


class Levels(NamedTuple):
    """What holds for k machines, each (k,)."""

    idle: Floats  # kW from which a machine is on
    producing: Floats  # kW from which it produces, above `idle`
    hysteresis: Floats  # a level is left when power is this share below it
    stay: Ints  # ns that a level has to last


class PowerState(NamedTuple):
    """k machines as of their last reading whose state is decided, each (k,)."""

    level: Ints  # that power shows, NONE before the first reading
    force: Ints  # level that counts
    since: Ints  # when power began to show `level`


def init(n: int) -> PowerState:
    """n machines of which nothing was read."""
    return PowerState(np.full(n, NONE), np.full(n, NONE), np.zeros(n, dtype=np.int64))


def step(
    state: PowerState, levels: Levels, machine: Ints, time: Ints, kw: Floats, until: Ints
) -> tuple[PowerState, Ints]:
    """The state of each reading (n,), a MachineState, or NONE where it is not decided yet; pure.

    Readings are sorted by machine, those of a machine by time and behind all of its that are decided. What is NONE is
    always the end of a machine's readings, and is to be given again, in front of what comes next.

    Definition. Power shows `producing` from that level on until it is `hysteresis` below it, likewise `idle`, and else
    down. What a reading shows lasts until the next one of its machine; the newest one lasts until `until` (k,) at
    least: so far nothing else was read. Readings in a row that show one level count if together they last `stay` or
    longer; shorter ones are of the state before them. The first of all count in any case.

    >>> one = Levels(*(np.array([v]) for v in (1.0, 5.0, 0.1)), np.array([30]))
    >>> time = np.arange(0, 80, 10)
    >>> kw = np.array([6.0, 6.0, 2.0, 6.0, 2.0, 2.0, 2.0, 2.0])
    >>> step(init(1), one, np.zeros(8, dtype=int), time, kw, np.array([70]))[1].tolist()
    [1, 1, 1, 1, 2, 2, 2, 2]
    """
    if not len(machine):
        return state, np.zeros(0, dtype=np.int64)
    n = len(machine)
    first = np.append(True, machine[1:] != machine[:-1])
    level = np.zeros(n, dtype=np.int64)
    for threshold, number in ((levels.idle, 1), (levels.producing, 2)):
        level += _shown(machine, first, kw, threshold, levels.hysteresis, state.level >= number)
    was = np.where(first, state.level[machine], np.append(NONE, level[:-1]))
    run = np.cumsum(first | (level != was)) - 1
    begin = np.flatnonzero(np.append(True, run[1:] != run[:-1]))
    end = np.append(begin[1:], n) - 1
    of = machine[begin]
    goes_on = first[begin] & (level[begin] == state.level[of])
    since = np.where(goes_on, state.since[of], time[begin])
    last = np.append(of[1:] != of[:-1], True)
    ends = np.where(last, np.maximum(time[end], until[of]), time[np.minimum(end + 1, n - 1)])
    counts = (ends - since >= levels.stay[of]) | (first[begin] & (state.force[of] == NONE))
    force = _filled(np.where(counts, level[begin], NONE), first[begin], state.force[of])
    decided = ~last | counts | (level[begin] == force)
    final = np.where(decided, np.arange(len(begin)), np.arange(len(begin)) - 1)[last]  # of each machine
    kept = decided[last] | ~first[begin][last]  # some of its readings are decided
    moved, final = of[last][kept], final[kept]
    after = PowerState(*(column.copy() for column in state))
    after.level[moved], after.force[moved], after.since[moved] = level[begin][final], force[final], since[final]
    return after, np.where(decided, STATE_OF[force], NONE)[run]


def _shown(machine: Ints, first: Bools, kw: Floats, threshold: Floats, hysteresis: Floats, on: Bools) -> Bools:
    """(n,) whether power is at a threshold or above, with hysteresis; `on` (k,) whether it was before."""
    rises = kw >= threshold[machine]
    falls = kw < (threshold * (1.0 - hysteresis))[machine]
    filled = _filled(np.where(rises, 1, np.where(falls, 0, NONE)), first, on[machine].astype(np.int64))
    return np.equal(filled, 1)


def _filled(values: Ints, first: Bools, before: Ints) -> Ints:
    """Values (n,), NONE filled with the one in front, at the first of a machine with `before`."""
    known = np.where(first & (values == NONE), before, values)
    at = np.maximum.accumulate(np.where(first | (known != NONE), np.arange(len(values)), 0))
    return known[at]
