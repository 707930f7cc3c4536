"""Parts of a machine that counts none: a cycle that its controller says is complete is one, if it was long enough."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.machine_state import MachineState

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class CycleState(NamedTuple):
    """k machines as of their last reading of state, each (k,)."""

    known: Bools  # there was one
    time: Ints
    state: Ints
    complete: Bools  # it said that a cycle is complete
    active: Ints  # ns of producing since the cycle before was complete
    parts: Ints


def init(n: int) -> CycleState:
    """n machines of which nothing was read."""
    none, no = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    return CycleState(no, none, none, no, none, none)


def step(
    was: CycleState, shortest: Ints, hold: Ints, machine: Ints, time: Ints, state: Ints, complete: Bools
) -> tuple[CycleState, Ints]:
    """Parts made up to each reading of state (n,), counted from 0; pure.

    Readings are sorted by machine, those of a machine by time. `state` is the MachineState from then on, `complete`
    whether it says that a cycle is over; `shortest` and `hold` (k,) in ns. A cycle is over at the first of readings
    that say so in a row. It made a part if the machine was producing for `shortest` or more since the one before was
    over: what is shorter was a trial, a warm-up or a single feature. A state holds until the next one, `hold` at most.

    >>> four = np.array([0, 60, 90, 95]); run, done = MachineState.PRODUCING, MachineState.IDLE
    >>> states, complete = np.array([run, done, run, done]), np.array([False, True, False, True])
    >>> step(init(1), np.array([10]), np.array([1000]), np.zeros(4, dtype=int), four, states, complete)[1]
    array([0, 1, 1, 1])
    """
    if not len(machine):
        return was, np.zeros(0, dtype=np.int64)
    first = np.append(True, machine[1:] != machine[:-1])
    last = np.append(first[1:], True)
    since = np.where(first, np.where(was.known[machine], was.time[machine], time), np.append(0, time[:-1]))
    before = np.where(first, was.state[machine], np.append(0, state[:-1]))
    told = np.where(first, was.complete[machine], np.append(False, complete[:-1]))
    active = np.where(before == MachineState.PRODUCING, np.minimum(time - since, hold[machine]), 0)
    active += np.where(first, was.active[machine], 0)
    so_far = np.cumsum(active)
    over = complete & ~told
    # since the machine's cycle before: behind its last end, or from its first reading here
    start = np.maximum.accumulate(np.where(first, np.arange(len(time)), 0))
    ended = np.append(-1, np.maximum.accumulate(np.where(over, np.arange(len(time)), -1))[:-1])
    base = np.where(ended >= start, so_far[ended], so_far[start] - active[start])
    part = over & (so_far - base >= shortest[machine])
    made = np.cumsum(part)
    count = was.parts[machine] + made - (made - part)[start]
    at, left = machine[last], np.where(over, 0, so_far - base)[last]
    after = CycleState._make(column.copy() for column in was)
    after.known[at], after.time[at], after.state[at], after.complete[at] = True, time[last], state[last], complete[last]
    after.active[at], after.parts[at] = left, count[last]
    return after, count
