"""What machines do not say themselves: states that follow from power, and parts that follow from completed cycles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from detectors.efficiency import cycles, power_state
from detectors.efficiency.account import Account
from detectors.efficiency.roles import Role
from streams.arrays import UNSEEN
from streams.kpi.cooling import Cooling
from streams.kpi.counted import Counted
from streams.kpi.held import Block, joined
from streams.kpi.options import MachineOptions
from streams.kpi.words import COMPLETE
from streams.segment import Bools, Ints

_EVER = np.iinfo(np.int64).max
_NONE = np.zeros(0, dtype=np.int64)


class Inferred:
    """Stands in front of an account: readings go in settled, and on to it with what follows from them.

    While it is undecided whether a machine's power has changed its state, what the machine said since waits, so that
    all is booked by the state that is found. It is decided by what the machine says next, or by its silence: `elapse`.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self._levels = power_state.Levels(*np.zeros((4, 0)))  # idle is NaN where power says no state
        self._shortest = np.zeros((3, 0))  # cycle that is a part, NaN where none is; hold; 1 where such parts are good
        self._power, self._cycles = power_state.init(0), cycles.init(0)
        self._waits = joined([])
        self._cooling, self._counted = Cooling(), Counted()

    def configure(self, options: Sequence[MachineOptions | None]) -> None:
        """What holds for all machines, by number."""
        self._levels = power_state.Levels(*np.array([_levels(o) for o in options]).reshape(-1, 4).T)
        self._shortest = np.array([_cycle(o) for o in options]).reshape(-1, 3).T
        self._cooling.configure(options)
        self._counted.configure(options)
        more = len(options) - len(self._power.level)
        if more > 0:
            for name, fresh in (("_power", power_state.init(more)), ("_cycles", cycles.init(more))):
                both = zip(getattr(self, name), fresh, strict=True)
                setattr(self, name, type(fresh)(*(np.append(a, b) for a, b in both)))

    def booked(self, role: Ints, machine: Ints) -> Ints:
        """(n,) time of the newest reading of each series that was booked or waits for it, UNSEEN where none is."""
        newest = self.account.booked(role, machine)
        waits = joined([self._waits, self._counted.waits]) if len(self._counted.waits.time) else self._waits
        if not len(waits.time):
            return newest
        table = np.full((len(Role), len(self._power.level)), UNSEEN)
        np.maximum.at(table, (waits.role, waits.machine), waits.time)
        return np.asarray(np.maximum(newest, table[role, machine]))

    def take(self, block: Block) -> None:
        """Book settled readings, which are sorted by machine, role and time."""
        if self._counted.active:
            block = self._counted.take(block, self.account.newest())
        if np.isfinite(self._levels.idle).any() or len(self._waits.time):
            self._by_power(block, np.zeros(len(self._power.level), dtype=bool))
        else:
            self._on(block)

    def elapse(self, until: int, newest: Ints) -> None:
        """Decide on machines of which nothing has come since `until` (the log's clock) less their shortest stay.

        `newest` (machines,): event time of what came last.
        """
        decided = self._counted.elapse(until, newest, self.account.newest())
        if decided is not None:
            self._on(decided)
        waits = self._waits
        if not len(waits.time):
            return
        came, last = self._last(waits.received), self._last(waits.time)
        heard = newest <= np.maximum(last, self.account.newest())  # nothing newer is still to be settled
        silent = (came != UNSEEN) & (came <= until - self._stay()) & heard
        if silent.any():
            self._by_power(joined([]), silent)

    def next_due(self) -> int | None:
        """The clock, less `grace`, at which silence will decide, None where nothing waits."""
        came = self._last(self._waits.received)
        due = (came + self._stay())[came != UNSEEN].tolist()
        counted = self._counted.next_due()
        return min(due if counted is None else [*due, counted], default=None)

    def frontier(self) -> Ints:
        """(machines,) event time from which on something waits."""
        out = self._counted.frontier(self.account.machines)
        np.minimum.at(out, self._waits.machine, self._waits.time)
        return out

    def _last(self, column: Ints) -> Ints:
        out = np.full(len(self._power.level), UNSEEN)
        np.maximum.at(out, self._waits.machine, column)
        return out

    def _stay(self) -> Ints:
        stay: Ints = np.nan_to_num(self._levels.stay).astype(np.int64)
        return stay

    def _by_power(self, block: Block, silent: Bools) -> None:
        levels = np.isfinite(self._levels.idle)
        again = silent.copy()
        again[block.machine] = True
        again |= ~levels  # no state follows from their power any more
        goes = again[self._waits.machine]
        rest, both = self._waits.of(~goes), joined([self._waits.of(goes), block])
        power = np.flatnonzero((both.role == Role.POWER) & levels[both.machine])
        power = power[np.lexsort((both.time[power], both.machine[power]))]
        until = self.account.newest()
        np.maximum.at(until, both.machine, both.time)
        until[silent] = _EVER // 2
        machine, time = both.machine[power], both.time[power]
        given = self._levels._replace(stay=self._stay())
        self._power, state = power_state.step(self._power, given, machine, time, both.value[power], until)
        open_ = state == power_state.NONE
        since = np.full(len(levels), _EVER)
        np.minimum.at(since, machine[open_], time[open_])
        wait = both.time >= since[both.machine]
        told = power[~open_]
        stated = both.of(told)._replace(role=np.full(len(told), Role.STATE), value=state[~open_].astype(np.float64))
        self._waits = _sorted(joined([rest, both.of(wait)]))
        self._on(joined([both.of(~wait), stated]))

    def _on(self, block: Block) -> None:
        """Book readings, and the parts that follow from their states."""
        states = np.flatnonzero(block.role == Role.STATE) if np.isfinite(self._shortest[0]).any() else _NONE
        counting = np.flatnonzero(np.isfinite(self._shortest[0][block.machine[states]]))
        value = block.value
        if len(counting):
            at = states[counting]
            value = value.copy()
            complete = value[at] >= COMPLETE
            value[at[complete]] -= COMPLETE
            machine, time = block.machine[at], block.time[at]
            shortest, hold = (np.nan_to_num(column).astype(np.int64) for column in self._shortest[:2])
            state = value[at].astype(np.int64)
            self._cycles, count = cycles.step(self._cycles, shortest, hold, machine, time, state, complete)
            block = block._replace(value=value)
            made = block.of(at)._replace(value=count.astype(np.float64), role=np.full(len(at), Role.TOTAL))
            good = made._replace(role=np.full(len(at), Role.GOOD)).of(self._shortest[2][machine] > 0)
            block = joined([block, made, good])
        block = self._cooling.take(block)
        self.account.take(block.role, block.machine, block.time, block.value)

    def snapshot(self) -> dict[str, Any]:
        """What is remembered of machines, and what waits."""
        return {
            "power": {name: column.copy() for name, column in self._power._asdict().items()},
            "cycles": {name: column.copy() for name, column in self._cycles._asdict().items()},
            "cooling": self._cooling.snapshot(),
            "counted": self._counted.snapshot(),
            "waits": {name: column.copy() for name, column in self._waits._asdict().items()},
        }

    def restore(self, saved: dict[str, Any] | None, options: Sequence[MachineOptions | None]) -> None:
        """Take up what `snapshot` gave; None: it is from before there was any of it."""
        self._power, self._cycles, self._waits = power_state.init(0), cycles.init(0), joined([])
        self._cooling.restore(None if saved is None else saved.get("cooling"))
        self._counted.restore(None if saved is None else saved.get("counted"))
        if saved is not None:
            self._power = power_state.PowerState(**{name: a.copy() for name, a in saved["power"].items()})
            self._cycles = cycles.CycleState(**{name: a.copy() for name, a in saved["cycles"].items()})
            self._waits = Block(**{name: a.copy() for name, a in saved["waits"].items()})
        self.configure(options)


def _sorted(block: Block) -> Block:
    return block.of(np.lexsort((block.time, block.role, block.machine)))


def _levels(options: MachineOptions | None) -> tuple[float, float, float, float]:
    power = None if options is None or options.state is None else options.state.power
    if power is None:
        return np.nan, np.nan, np.nan, np.nan
    return power.idle, power.producing, power.hysteresis, float(power.stay)


def _cycle(options: MachineOptions | None) -> tuple[float, float, float]:
    parts = None if options is None else options.parts
    if options is None or parts is None or not parts.cycles:
        return np.nan, np.nan, 0.0
    return float(parts.shortest_ns), float(options.hold), float(parts.good is None and parts.reject is None)
