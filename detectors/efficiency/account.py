"""The account of many machines: time by state, parts and energy, booked on the cells of a calendar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import NEVER, UNSEEN
from detectors.efficiency.counter import risen
from detectors.efficiency.machine_state import STATES, MachineState
from detectors.efficiency.roles import Limits, Role
from detectors.efficiency.spans import Pieces, cut
from detectors.efficiency.sums import Sums
from detectors.efficiency.timeline import Timeline

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_HOUR = 3_600e9
_LONGEST = 31 * 86_400_000_000_000
"""Nothing is booked over a longer silence: a clock that was set right is no month of production."""

_COUNTS = (Role.TOTAL, Role.GOOD, Role.REJECT)
_STOPS = (MachineState.DOWN, MachineState.SETUP, MachineState.PLANNED)
_LAST_BOOKED = Role.COOLING
_ACTIVE = (Role.ENERGY, Role.POWER)
_RATES = (Role.POWER, Role.REACTIVE_POWER)
_ASIDE = {Role.AIR_FLOW: ("air", "aired", 60e9), Role.COOLING: ("cooling", "cooled", _HOUR)}
"""Rates of utilities: the columns of their amount and of the time it is of, and the time unit of the rate, ns."""
_STARTUP = Limits._fields.index("startup")


class Shares(NamedTuple):
    """Spans cut where state, product or cell change; (m,) each."""

    of: Ints  # the span
    low: Ints
    high: Ints
    state: Ints
    row: Ints  # of the sums


class Account:
    """Books settled readings. `edges(low, high)` gives ascending cell edges that reach beyond both, ns.

    Definitions. A state holds from its reading until the next one of its series, `hold` at most. A part is of the cell
    that ends at or after the reading of its count; a count that falls has begun again at 0. What a meter counts between
    two readings is spread evenly over the time between them, and shared among states and products by their time in it,
    as they are known by then; power and flows go straight from one reading to the next.
    """

    def __init__(self, edges: Callable[[int, int], Ints]) -> None:
        self.edges = edges
        self.sums = Sums()
        self.states: list[Timeline] = []
        self.products: list[Timeline] = []
        self._limits = np.zeros((len(Limits._fields), 0))
        self._last = np.zeros((len(Role), 0), dtype=np.int64)  # time of each role's newest reading
        self._value = np.zeros((len(Role), 0))
        self._changed = np.zeros(0, dtype=np.int64)  # when state or product last changed
        self._now = np.zeros((2, 0), dtype=np.int64)  # state and product in force
        self.observe: Callable[[Ints, Ints, Ints, Floats], None] | None = None
        """Told what active energy is booked: machine, from, to, kWh, (n,) each, by machine and in order of time."""

    def limit(self, machine: int, limits: Limits) -> None:
        """What holds for a machine from now on."""
        self._limits[:, machine] = limits

    def forget(self, before: int) -> None:
        """Let go of what machines did before a time."""
        for timeline in (*self.states, *self.products):
            timeline.forget(before)

    def snapshot(self) -> dict[str, Any]:
        """All but the limits."""
        return {
            "sums": self.sums.snapshot(),
            "states": [timeline.snapshot() for timeline in self.states],
            "products": [timeline.snapshot() for timeline in self.products],
            "last": self._last.copy(),
            "value": self._value.copy(),
            "changed": self._changed.copy(),
            "now": self._now.copy(),
        }

    def restore(self, saved: dict[str, Any], limits: list[Limits]) -> None:
        """Take up what `snapshot` gave; `limits` are those of its machines."""
        self.sums.restore(saved["sums"])
        self.states = [Timeline.restored(timeline) for timeline in saved["states"]]
        self.products = [Timeline.restored(timeline) for timeline in saved["products"]]
        # a snapshot may be from before there were the last roles
        self._last, self._value = every_role(saved["last"], UNSEEN), every_role(saved["value"], 0.0)
        self._changed, self._now = saved["changed"].copy(), saved["now"].copy()
        self._limits = np.array(limits, dtype=np.float64).reshape(-1, len(Limits._fields)).T.copy()

    def add(self, more: list[Limits]) -> None:
        """More machines, numbered on."""
        n = len(more)
        if not n:
            return
        self._limits = np.append(self._limits, np.array(more, dtype=np.float64).T, axis=1)
        self.states += [Timeline(MachineState.UNKNOWN) for _ in more]
        self.products += [Timeline(0) for _ in more]
        self._last = np.pad(self._last, ((0, 0), (0, n)), constant_values=UNSEEN)
        self._value = np.pad(self._value, ((0, 0), (0, n)))
        self._changed = np.append(self._changed, np.full(n, UNSEEN))
        self._now = np.pad(self._now, ((0, 0), (0, n)))

    @property
    def machines(self) -> int:
        """How many machines there are."""
        return len(self.states)

    def booked(self, role: Ints, machine: Ints) -> Ints:
        """(n,) time of the newest reading that was booked of each series, UNSEEN where there is none."""
        return self._last[role, machine]

    def newest(self) -> Ints:
        """(machines,) time of the newest reading that was booked, UNSEEN where there is none."""
        return np.asarray(self._last.max(axis=0))

    def in_force(self, machine: Ints) -> tuple[Ints, Ints, Ints]:
        """(n,) the state that each machine is in, since when, and how long it holds at most: not booked yet."""
        since = self._last[Role.STATE, machine]
        stated = since != UNSEEN
        return (
            np.where(stated, self._value[Role.STATE, machine], 0).astype(np.int64),
            np.where(stated, since, 0),
            np.where(stated, np.where(stated, since, 0) + self._limits[0, machine].astype(np.int64), 0),
        )

    def take(self, role: Ints, machine: Ints, time: Ints, value: Floats) -> None:
        """Book readings (n,), those of each series in order of time and newer than what it had before."""
        here = np.bincount(role, minlength=len(Role))
        for which in Role:  # what is made, and in which state, is to be known before what it takes
            if not here[which]:
                continue
            at = np.flatnonzero(role == which)
            at = at[np.argsort(machine[at], kind="stable")]
            of, when, what = machine[at], time[at], value[at]
            since, was = self._before(which, of, when, what)
            if which is Role.PRODUCT:
                self._put(self.products, 1, of, when, what)
                continue
            if which is Role.STATE:
                self._states(of, when, what, since)
                continue
            known = (since != UNSEEN) & (when - np.where(since == UNSEEN, when, since) <= _LONGEST)
            if which > _LAST_BOOKED:
                continue
            if which in _COUNTS:
                self._parts(_COUNTS.index(which), of[known], when[known], risen(was, what, 0.0)[known])
                self._counted(which, of[known], since[known], when[known])
            elif which in _ASIDE:
                self._aside(which, of[known], since[known], when[known], was[known], what[known])
            else:
                self._meter(which, of[known], since[known], when[known], was[known], what[known])

    def _before(self, role: Role, machine: Ints, time: Ints, value: Floats) -> tuple[Ints, Floats]:
        """Time and value of the reading before each one, (n,) sorted by machine; UNSEEN where there is none."""
        other = machine[1:] != machine[:-1]
        first, last = np.append(True, other), np.append(other, True)
        since = np.where(first, self._last[role, machine], np.append(UNSEEN, time[:-1]))
        was = np.where(first, self._value[role, machine], np.append(0.0, value[:-1]))
        self._last[role, machine[last]], self._value[role, machine[last]] = time[last], value[last]
        return since, was

    def _put(self, timelines: list[Timeline], now: int, machine: Ints, time: Ints, value: Floats) -> None:
        """Note the changes of a timeline; readings are sorted by machine, then time."""
        first = np.append(True, machine[1:] != machine[:-1])
        was = np.where(first, self._now[now, machine], np.append(0.0, value[:-1]))
        changes = np.flatnonzero(value != was)
        for m, t, v in zip(machine[changes].tolist(), time[changes].tolist(), value[changes].tolist(), strict=True):
            timelines[m].put(t, int(v))
            self._changed[m], self._now[now, m] = max(self._changed[m], t), v

    def _states(self, machine: Ints, time: Ints, value: Floats, since: Ints) -> None:
        known = since != UNSEEN
        hold = self._limits[0, machine].astype(np.int64)
        over = np.where(known, np.minimum(time, np.where(known, since, 0) + hold), time)  # where the one before ends
        silent = over < time
        order = np.lexsort((np.append(over[silent], time), np.append(machine[silent], machine)))
        unknown = np.zeros(int(silent.sum()))
        self._put(
            self.states, 0,
            np.append(machine[silent], machine)[order], np.append(over[silent], time)[order],
            np.append(unknown, value)[order],
        )  # fmt: skip
        span = self._share(machine[known], since[known], over[known])
        booked = span.state != MachineState.UNKNOWN
        _add(self.sums["time"], span.row[booked] * STATES + span.state[booked], (span.high - span.low)[booked])

    def _parts(self, column: int, machine: Ints, time: Ints, more: Floats) -> None:
        made = np.flatnonzero(more > 0)
        machine, time = machine[made], time[made]
        product = [self.products[m].at(t - 1) for m, t in zip(machine.tolist(), time.tolist(), strict=True)]
        pieces = self._cut(time - 1, time)
        rows = self.sums.rows(machine, pieces.cell, np.array(product, dtype=np.int64))
        _add(self.sums["parts"], rows * len(_COUNTS) + column, more[made])
        if self._limits[_STARTUP].any():
            starting = self._starting(machine, time)
            if starting.any():
                _add(self.sums.aside("starting"), rows[starting] * len(_COUNTS) + column, more[made][starting])

    def _starting(self, machine: Ints, time: Ints) -> NDArray[np.bool_]:
        """(n,) whether a machine was down, in set-up or stopped by plan at some moment of `startup` before a time."""
        out = np.zeros(len(time), dtype=bool)
        hold, startup = self._limits[0, machine].astype(np.int64), self._limits[_STARTUP, machine].astype(np.int64)
        stated = self._last[Role.STATE, machine]
        for i in np.flatnonzero((startup > 0) & (stated != UNSEEN)).tolist():
            end, at = int(stated[i] + hold[i]), int(time[i])
            before = self.states[machine[i]].over(at - int(startup[i]), at)
            out[i] = any(state in _STOPS and begin < end for begin, _, state in before)
        return out

    def _counted(self, role: Role, machine: Ints, since: Ints, time: Ints) -> None:
        """Note for which time a machine's parts are known."""
        near = (time - since <= self._limits[0, machine]) & (self._limits[4, machine] == role)
        span = self._share(machine[near], since[near], time[near])
        np.add.at(self.sums["counted"], span.row, span.high - span.low)

    def _meter(self, role: Role, machine: Ints, since: Ints, time: Ints, was: Floats, value: Floats) -> None:
        gap, bridge, modulus = self._limits[1:4, machine]
        if role in _RATES:
            amount = (was + value) * 0.5 * ((time - since) / _HOUR)
            fine = time - since <= bridge
            machine, since, time, amount, gap = machine[fine], since[fine], time[fine], amount[fine], gap[fine]
        else:
            amount = risen(was, value, modulus)
        if role in _ACTIVE and self.observe is not None:
            self.observe(machine, since, time, amount)
        span = self._share(machine, since, time)
        whole, length = (time - since)[span.of], span.high - span.low
        part = amount[span.of] * (length / whole)
        if role not in _ACTIVE:
            np.add.at(self.sums["kvarh"], span.row, part)
            return
        _add(self.sums["kwh"], span.row * STATES + span.state, part)
        np.add.at(self.sums["estimated"], span.row, np.where(whole > gap[span.of], part, 0.0))
        np.add.at(self.sums["metered"], span.row, length)

    def _aside(self, role: Role, machine: Ints, since: Ints, time: Ints, was: Floats, value: Floats) -> None:
        """Book a rate of a utility, which goes straight from one reading to the next."""
        amounts, times, unit = _ASIDE[role]
        near = time - since <= self._limits[2, machine]
        machine, since, time = machine[near], since[near], time[near]
        amount = (was + value)[near] * 0.5 * ((time - since) / unit)
        span = self._share(machine, since, time)
        length = span.high - span.low
        np.add.at(self.sums.aside(amounts), span.row, amount[span.of] * (length / (time - since)[span.of]))
        np.add.at(self.sums.aside(times), span.row, length)

    def _cut(self, low: Ints, high: Ints) -> Pieces:
        return cut(low, high, self.edges(int(low.min()), int(high.max()))) if len(low) else cut(low, high, low)

    def _share(self, machine: Ints, low: Ints, high: Ints) -> Shares:
        """Cut spans (n,) where state, product or cell change."""
        hold = self._limits[0, machine].astype(np.int64)
        stated = self._last[Role.STATE, machine]
        until = np.where((stated == UNSEEN) | (self._now[0, machine] == 0), NEVER - hold, stated) + hold
        alike = (self._changed[machine] <= low) & (high <= until)
        state, product = self._now[:, machine]
        if alike.all():
            of = np.arange(len(machine))
        else:
            rows = np.array(
                [
                    piece
                    for i in np.flatnonzero(~alike).tolist()
                    for piece in self._over(i, int(machine[i]), int(low[i]), int(high[i]), int(until[i]))
                ],
                dtype=np.int64,
            ).reshape(-1, 5)
            simple = np.flatnonzero(alike)
            whole = np.stack((simple, low[simple], high[simple], state[simple], product[simple]), axis=1)
            parts = np.concatenate((whole, rows))
            of, low, high, state, product = parts[np.argsort(parts[:, 0], kind="stable")].T
        pieces = self._cut(low, high)
        of, state, product = of[pieces.span], state[pieces.span], product[pieces.span]
        return Shares(of, pieces.low, pieces.high, state, self.sums.rows(machine[of], pieces.cell, product))

    def _over(self, i: int, machine: int, low: int, high: int, until: int) -> Iterator[tuple[int, int, int, int, int]]:
        for a, b, product in self.products[machine].over(low, high):
            for begin, end, state in self.states[machine].over(a, b):
                if begin < min(end, until):
                    yield i, begin, min(end, until), state, product
                if max(begin, until) < end:
                    yield i, max(begin, until), end, MachineState.UNKNOWN, product


def every_role(saved: NDArray[Any], fill: float) -> NDArray[Any]:
    """A table of roles and machines, with rows for those roles that it was saved without.

    >>> every_role(np.zeros((9, 2)), 1.0).shape
    (14, 2)
    """
    return np.pad(saved, ((0, len(Role) - len(saved)), (0, 0)), constant_values=fill)


def _add(sums: NDArray[Any], at: Ints, more: NDArray[Any]) -> None:
    """Add to sums that lie in one piece, by place; one after the other, in their order."""
    np.add.at(sums.reshape(-1), at, more)
