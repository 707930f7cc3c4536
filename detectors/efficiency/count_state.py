"""The state of a machine that tells nothing but how many parts it made: by whether parts keep coming."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import NEVER, UNSEEN
from detectors.efficiency.counter import risen
from detectors.efficiency.machine_state import MachineState

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NOTHING, RUNS, WAITS, STANDS = range(4)
"""What was told of a machine last."""
STATE_OF = np.array(
    [MachineState.UNKNOWN, MachineState.PRODUCING, MachineState.IDLE, MachineState.DOWN], dtype=np.int64
)


class Pace(NamedTuple):
    """What holds for k machines, ns, each (k,)."""

    cycle: Ints  # planned run time of a part, 1 at least
    within: Ints  # the next part comes so soon, `cycle` at least, or the machine has stopped
    down: Ints  # a stop that lasts longer is a breakdown from then on, `within` at least; NEVER: none is


class CountState(NamedTuple):
    """k machines as of their last reading that is decided, each (k,)."""

    shown: Floats  # by the counter, NaN before the first reading
    part: Ints  # when the newest part came
    told: Ints  # NOTHING, RUNS, WAITS or STANDS
    last: Ints  # time of the newest state that was told


class Stated(NamedTuple):
    """States at some times, (m,) each, by machine and in order of time."""

    machine: Ints
    time: Ints
    state: Ints


def init(n: int) -> CountState:
    """n machines of which nothing was read.

    >>> init(1).told
    array([0])
    """
    return CountState(np.full(n, np.nan), np.full(n, UNSEEN), np.zeros(n, dtype=np.int64), np.full(n, UNSEEN))


def step(
    was: CountState, pace: Pace, machine: Ints, time: Ints, count: Floats, until: Ints, idle: Bools, down: Bools
) -> tuple[CountState, Stated, Ints]:
    """States that follow from readings of counters (n,); and from when on (k,) a machine's are not decided; pure.

    Readings are sorted by machine, those of a machine by time and behind all of its that are decided. What is not
    decided, at or after the times given, is to be given again, in front of what comes next. `until` (k,) is the time
    up to which all is known, `idle` and `down` (k,) whether so much silence has passed that there will be no more.

    Definition. A machine produces from a part on if the next one comes `within` that time. If none does, it is idle
    from one `cycle` after the part on, and down from `down` after it on, until the next part comes. Before its first
    part it is judged by its first reading, as if one had come, but for the cycle. A state is told at each reading.

    >>> pace = Pace(*(np.array([ns]) for ns in (10, 30, 100)))
    >>> time, none = np.array([0, 10, 20, 70, 80]), np.zeros(1, dtype=bool)
    >>> count = np.array([0.0, 1, 2, 3, 4])
    >>> _, said, waits = step(init(1), pace, np.zeros(5, dtype=int), time, count, np.array([85]), none, none)
    >>> said.time.tolist(), said.state.tolist(), waits.tolist()
    ([0, 10, 20, 30, 70, 80], [1, 1, 1, 2, 1, 1], [90])
    """
    first = np.append(True, machine[1:] != machine[:-1])[: len(machine)]
    before = np.where(first, was.shown[machine], np.append(np.nan, count[:-1])[: len(machine)])
    begins = np.isnan(before)
    comes = begins | (risen(np.where(begins, count, before), count, 0.0) > 0)
    marks = _marks(was, pace, machine[comes], time[comes], begins[comes], until, idle, down)
    # a machine's marks are the newest part of before, if there was one, and those among its readings
    mark = np.cumsum(was.told != NOTHING)[machine] + np.cumsum(comes) - 1
    since = time - marks.time[mark]
    stopped = marks.idle[mark] & (since >= marks.offset[mark])
    told = np.where(stopped, np.where(marks.down[mark] & (since >= pace.down[machine]), STANDS, WAITS), RUNS)
    fine = np.flatnonzero(marks.decided[mark] | (since < marks.offset[mark]))
    waits = np.flatnonzero(marks.idle & (marks.stage < WAITS))
    stands = np.flatnonzero(marks.down & (marks.stage < STANDS))
    of = np.concatenate((machine[fine], marks.machine[waits], marks.machine[stands]))
    at = np.concatenate(
        (time[fine], (marks.time + marks.offset)[waits], (marks.time + pace.down[marks.machine])[stands])
    )
    state = STATE_OF[np.concatenate((told[fine], np.full(len(waits), WAITS), np.full(len(stands), STANDS)))]
    order = np.lexsort((at, of))
    said = Stated(of[order], np.maximum(at, was.last[of])[order], state[order])
    return _after(was, marks, said, machine[fine], count[fine]), said, _open(marks, len(was.told))


class _Marks(NamedTuple):
    """Parts, and first readings, from which machines are judged; by machine and in order of time."""

    machine: Ints
    time: Ints
    stage: Ints  # told of it before
    offset: Ints  # ns from it on that are production whatever follows
    decided: Bools
    idle: Bools  # the machine stopped behind it
    down: Bools  # and for so long that it is a breakdown
    last: Bools  # of its machine


def _marks(
    was: CountState, pace: Pace, machine: Ints, time: Ints, begins: Bools, until: Ints, idle: Bools, down: Bools
) -> _Marks:
    """The newest part of each machine, and what came since."""
    old = np.flatnonzero(was.told != NOTHING)
    of, at = np.append(old, machine), np.append(was.part[old], time)
    stage = np.append(was.told[old], np.zeros(len(machine), dtype=np.int64))
    offset = np.append(pace.cycle[old], np.where(begins, 0, pace.cycle[machine]))
    order = np.argsort(of, kind="stable")
    of, at, stage, offset = of[order], at[order], stage[order], offset[order]
    last = np.append(of[1:] != of[:-1], True)[: len(of)]
    gap = np.where(last, until[of], np.append(at[1:], 0)[: len(of)]) - at
    stops = (gap > pace.within[of]) | (last & idle[of]) | (stage >= WAITS)
    stands = stops & ((gap > pace.down[of]) | (last & down[of]) | (stage == STANDS))
    return _Marks(of, at, stage, offset, ~last | stops, stops, stands, last)


def _after(was: CountState, marks: _Marks, said: Stated, machine: Ints, count: Floats) -> CountState:
    after = CountState._make(column.copy() for column in was)
    ends = np.append(machine[1:] != machine[:-1], True)[: len(machine)]
    after.shown[machine[ends]] = count[ends]
    kept = marks.last & (marks.decided | (marks.offset > 0))  # else not even the first reading is decided
    of = marks.machine[kept]
    after.part[of] = marks.time[kept]
    after.told[of] = np.where(marks.down, STANDS, np.where(marks.idle, WAITS, RUNS))[kept]
    np.maximum.at(after.last, said.machine, said.time)
    return after


def _open(marks: _Marks, k: int) -> Ints:
    out = np.full(k, NEVER)
    at = np.flatnonzero(~marks.decided)
    out[marks.machine[at]] = (marks.time + marks.offset)[at]
    return out
