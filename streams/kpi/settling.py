"""Settling: readings of machines wait a while for older ones, and are booked in the order of their time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.account import Account
from streams.arrays import UNSEEN
from streams.kpi.held import Block, Bounds, Held
from streams.kpi.inferred import Inferred
from streams.kpi.options import MachineOptions
from streams.segment import Bools, Ints

Floats = NDArray[np.float64]


class Said(NamedTuple):
    """Readings (n,) of machines, in the log's order."""

    message: Ints
    machine: Ints
    role: Ints
    time: Ints
    value: Floats
    received: Ints

    def of(self, which: NDArray[Any]) -> Said:
        """Some of the readings."""
        return Said._make(column[which] for column in self)


class Settling:
    """Holds a machine's readings until its newest is `grace` past them, and books them.

    One that comes when that has been is booked at once, if it is newer than what was booked of its series. Else it is
    too late for any figure, and counted in `late`. `elapse` books what has waited for `grace` on the log's clock.
    """

    def __init__(self, account: Account, grace: int) -> None:
        self.account = account
        self.grace = grace
        self.late = 0
        self._newest = np.zeros(0, dtype=np.int64)
        self._held = Held()
        self.inferred = Inferred(account)

    def take(self, said: Said) -> None:
        """Take readings in; any split of the log into segments books the same."""
        if not len(said.time):
            return
        self._know()
        behind = np.unique(said.machine[self._behind(said)])
        if len(behind):
            alone = np.isin(said.machine, behind)
            for some in _by_message(said, np.flatnonzero(alone)):
                self._hold(some)
                self._settle(np.unique(some.machine))
            said = said.of(~alone)
        self._hold(said)
        self._settle(None)

    def _know(self) -> None:
        more = self.account.machines - len(self._newest)
        self._newest = np.append(self._newest, np.full(more, UNSEEN))

    def elapse(self, clock: int) -> None:
        """The log's clock has come to `clock`: what came `grace` ago waits no longer."""
        until = clock - self.grace
        self._book(self._held.take(lambda bound: bound.received <= until, lambda block: block.received <= until))
        self._know()
        self.inferred.elapse(until, self._newest)

    def next_due(self) -> int | None:
        """The clock at which something will have waited long enough, None where nothing waits."""
        known = [at for at in (self._held.earliest(), self.inferred.next_due()) if at is not None]
        return min(known) + self.grace if known else None

    def frontier(self) -> Ints:
        """(machines,) event time up to which everything is booked but for what is late; UNSEEN before the first."""
        booked = self.account.newest()
        self._know()
        settled = np.maximum(booked, np.maximum(self._newest, booked) - self.grace)
        return np.where(booked == UNSEEN, UNSEEN, np.minimum(settled, self.inferred.frontier()))

    def _behind(self, said: Said) -> Bools:
        """(n,) readings that come when their machine is `grace` past them already."""
        newest = self._newest.copy()
        np.maximum.at(newest, said.machine, said.time)
        if (said.time > newest[said.machine] - self.grace).all():
            return np.zeros(len(said.time), dtype=bool)  # none is, in whichever order they came
        order = np.argsort(said.machine, kind="stable")
        machine, message, time = said.machine[order], said.message[order], said.time[order]
        starts = np.flatnonzero(np.append(True, (machine[1:] != machine[:-1]) | (message[1:] != message[:-1])))
        of, newest = machine[starts], np.maximum.reduceat(time, starts)
        # running maximum within each machine, over ranks, which leave room for the machine in front
        values, rank = np.unique(newest, return_inverse=True)
        number = np.cumsum(np.append(False, of[1:] != of[:-1])) * len(values)
        so_far = values[np.maximum.accumulate(rank + number) - number]
        first = np.append(True, of[1:] != of[:-1])
        before = np.where(first, UNSEEN, np.append(UNSEEN, so_far[:-1]))
        before = np.maximum(before, self._newest[of])
        group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(time))))
        out = np.zeros(len(time), dtype=bool)
        out[order] = (before[group] != UNSEEN) & (time <= np.where(before == UNSEEN, 0, before)[group] - self.grace)
        return out

    def _hold(self, said: Said) -> None:
        if not len(said.time):
            return
        self._held.put(Block(said.machine, said.role, said.time, said.value, said.received))
        np.maximum.at(self._newest, said.machine, said.time)

    def _settle(self, asked: Ints | None) -> None:
        """Book what machines' newest readings let go: of those asked for, or of all."""
        newest = self._newest if asked is None else self._newest[asked]
        latest = int(newest.max()) - self.grace

        def may(bound: Bounds) -> bool:
            return bound.time <= latest

        def due(block: Block) -> Bools:
            settled: Bools = block.time <= self._newest[block.machine] - self.grace
            return settled if asked is None else settled & np.isin(block.machine, asked)

        self._book(self._held.take(may, due))

    def _book(self, block: Block) -> None:
        if not len(block.time):
            return
        block = block.of(np.lexsort((block.time, block.role, block.machine)))
        machine, role, time, *_ = block
        again = (machine[1:] == machine[:-1]) & (role[1:] == role[:-1]) & (time[1:] == time[:-1])
        fine = ~np.append(False, again) & (time > self.inferred.booked(role, machine))
        self.late += int((~fine).sum())
        self.inferred.take(block.of(fine))

    def snapshot(self) -> dict[str, Any]:
        """What is held, and what waits to be decided."""
        inferred = self.inferred.snapshot()
        return {"held": self._held.snapshot(), "newest": self._newest.copy(), "inferred": inferred}

    def restore(self, saved: dict[str, Any], options: Sequence[MachineOptions | None]) -> None:
        """Take up what `snapshot` gave, behind the account; `options` of its machines."""
        self._held.restore(saved["held"])
        self._newest = saved["newest"].copy()
        self.inferred.restore(saved.get("inferred"), options)


def _by_message(said: Said, at: Ints) -> Iterator[Said]:
    message = said.message[at]
    cuts = [0, *(np.flatnonzero(message[1:] != message[:-1]) + 1).tolist(), len(at)]
    for a, b in pairwise(cuts):
        yield said.of(at[a:b])
