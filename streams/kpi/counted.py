"""States that follow from a count of parts: what a machine says waits until it is known whether parts keep coming."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from detectors.base import NEVER
from detectors.efficiency import count_state
from detectors.efficiency.roles import Role
from streams.arrays import UNSEEN
from streams.kpi.held import Block, joined
from streams.kpi.options import MachineOptions
from streams.segment import Bools, Ints

_NONE = -1


class Counted:
    """Settled readings go in, and on with the states of machines that are judged by their counts."""

    def __init__(self) -> None:
        self._pace = count_state.Pace(*np.zeros((3, 0), dtype=np.int64))
        self._role = np.zeros(0, dtype=np.int64)  # of each machine's counter, _NONE where the count says no state
        self._state = count_state.init(0)
        self._came = np.zeros(0, dtype=np.int64)  # the log's clock when each machine said its last
        self.waits = joined([])

    def configure(self, options: Sequence[MachineOptions | None]) -> None:
        """What holds for all machines, by number."""
        self._role = np.array([_counter(o) for o in options], dtype=np.int64)
        self._pace = count_state.Pace(*np.array([_pace(o) for o in options], dtype=np.int64).reshape(-1, 3).T)
        more = len(options) - len(self._came)
        fresh = count_state.init(more)
        self._state = count_state.CountState(*(np.append(a, b) for a, b in zip(self._state, fresh, strict=True)))
        self._came = np.append(self._came, np.full(more, UNSEEN))

    @property
    def active(self) -> bool:
        """Whether there is such a machine, or something of one that was waits."""
        return bool((self._role != _NONE).any()) or bool(len(self.waits.time))

    def take(self, block: Block, newest: Ints) -> Block:
        """What is decided of a block and of what waited, sorted anew; `newest` (machines,) is what was booked."""
        np.maximum.at(self._came, block.machine, block.received)
        quiet = np.zeros(len(self._role), dtype=bool)
        return self._decide(block, newest, quiet, quiet)

    def _decide(self, block: Block, newest: Ints, idle: Bools, down: Bools) -> Block:
        both = joined([self.waits, block])
        until = newest.copy()
        np.maximum.at(until, both.machine, both.time)
        at = np.flatnonzero(both.role == self._role[both.machine])
        at = at[np.lexsort((both.time[at], both.machine[at]))]
        # a machine that is judged by its count no more has nothing to wait for
        known = np.where(until == UNSEEN, 0, until)
        was = self._state._replace(told=np.where(self._role == _NONE, count_state.NOTHING, self._state.told))
        self._state, said, open_ = count_state.step(
            was, self._pace, both.machine[at], both.time[at], both.value[at], known, idle, down
        )
        wait = both.time >= open_[both.machine]
        self.waits = _sorted(both.of(wait))
        n = len(said.time)
        state = Block(said.machine, np.full(n, Role.STATE), said.time, said.state.astype(np.float64), said.time)
        return _sorted(joined([both.of(~wait), state]))

    def elapse(self, until: int, newest: Ints, booked: Ints) -> Block | None:
        """What silence decides, None where nothing: of machines of which nothing came since `until`, the log's clock,
        less the time within which they were to speak, and of which nothing newer is held."""
        due = self._due()
        over = (due != UNSEEN) & (due <= until)
        if not over.any():
            return None
        last = booked.copy()
        np.maximum.at(last, self.waits.machine, self.waits.time)
        over &= newest <= last
        if not over.any():
            return None
        stood = self._state.told == count_state.WAITS
        return self._decide(joined([]), booked, over & ~stood, over & stood)

    def next_due(self) -> int | None:
        """The clock at which silence will decide, None where it will not."""
        due = self._due()
        return min(due[due != UNSEEN].tolist(), default=None)

    def _due(self) -> Ints:
        """(machines,) the clock at which silence decides of each, UNSEEN where it does not."""
        judged = (self._role != _NONE) & (self._came != UNSEEN)
        waits = np.zeros(len(judged), dtype=bool)
        waits[self.waits.machine] = True
        soon = judged & (waits | (self._state.told == count_state.RUNS))
        late = judged & (self._state.told == count_state.WAITS) & (self._pace.down < NEVER)
        out = np.full(len(judged), UNSEEN)
        out[soon] = (self._came + self._pace.within)[soon]
        out[late] = self._came[late] + self._pace.down[late]
        return out

    def frontier(self, machines: int) -> Ints:
        """(machines,) event time from which on something waits."""
        out = np.full(machines, NEVER)
        np.minimum.at(out, self.waits.machine, self.waits.time)
        return out

    def snapshot(self) -> dict[str, Any]:
        """What is remembered of machines, and what waits."""
        return {
            "state": {name: column.copy() for name, column in self._state._asdict().items()}
            | {"came": self._came.copy()},
            "waits": {name: column.copy() for name, column in self.waits._asdict().items()},
        }

    def restore(self, saved: dict[str, Any] | None) -> None:
        """Take up what `snapshot` gave, before `configure`; None: it is from before there was any of it."""
        self._state, self._came, self.waits = count_state.init(0), np.zeros(0, dtype=np.int64), joined([])
        if saved is not None:
            columns = {name: column.copy() for name, column in saved["state"].items()}
            self._came = columns.pop("came")
            self._state = count_state.CountState(**columns)
            self.waits = Block(**{name: column.copy() for name, column in saved["waits"].items()})


def _sorted(block: Block) -> Block:
    return block.of(np.lexsort((block.time, block.role, block.machine)))


def _counter(options: MachineOptions | None) -> int:
    if options is None or options.state is None or options.state.count is None or options.parts is None:
        return _NONE
    return Role.TOTAL if options.parts.total is not None else Role.GOOD


def _pace(options: MachineOptions | None) -> tuple[int, int, int]:
    if options is None or options.state is None or options.state.count is None or options.parts is None:
        return 1, 1, NEVER
    count, ideal = options.state.count, options.parts.slowest
    within = count.within_of(ideal)
    return max(options.parts.ideal or ideal, 1), within, NEVER if count.down is None else count.down
