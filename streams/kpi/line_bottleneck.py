"""Figures of bottlenecks: who holds a line up, for which share of a window, and what that costs.

They are looked up in the timelines of the account, and nothing else is kept of them: who is the bottleneck at a time
follows from the active periods that run then. So a state that is heard late changes what it should, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from detectors.efficiency.account import Account
from detectors.efficiency.bottleneck import NOBODY, Hold, Periods, Shares, holds, periods_of, shares_of
from detectors.efficiency.machine_state import MachineState
from streams.kpi.figures import NS_S, Figure, Floats, plainly
from streams.kpi.grid import Grid
from streams.kpi.line_figures import LineStand
from streams.kpi.lines import ACTIVE, Lines, LineTold
from streams.segment import Bools

LOST = (MachineState.DOWN.value, MachineState.SETUP.value)
"""Active, and nothing is made."""

_MINUTE = 60 * NS_S

Planned = list[tuple[int, int]]


class Held(NamedTuple):
    """The bottlenecks of a line's window."""

    machines: list[int]  # of the line's parts those that say their state, by place
    said: Shares
    now: int  # index into `machines`, or NOBODY, at the end of what is known
    lost: int  # ns of planned time in which the bottleneck made nothing
    known: float  # least share of the window so far in which a machine's state is known


class Bottlenecks:
    """Looks up the bottlenecks of lines in an account."""

    def __init__(self, account: Account, grid: Grid, lines: Lines) -> None:
        self._account, self._grid, self._lines = account, grid, lines
        self._planned: dict[tuple[int, int], Planned] = {}

    def held(self, one: LineTold, states: list[int]) -> Held:
        """The bottlenecks of a line's window up to its `until`; `states` are the places of machines with states."""
        start, until = one.window.start, one.until
        numbers = [one.line.machines[place] for place in states]
        ends = self._account.in_force(np.array(numbers, dtype=np.int64))[2].tolist()
        timelines = [self._account.states[number] for number in numbers]
        periods: list[Periods] = []
        known = until - start
        for number, timeline, end in zip(numbers, timelines, ends, strict=True):
            periods.append(periods_of(timeline, ACTIVE, self._lines.since(number), start, until, end))
            pieces = timeline.over(start, max(start, min(until, end)))
            known = min(known, sum(high - low for low, high, state in pieces if state))
        found = holds(periods, start, until)
        now = found[-1].machine if found and found[-1].high == until else NOBODY
        lost = sum(self._lost(hold, numbers[hold.machine], start, until) for hold in found)
        unheard = any(entry.state is not None for entry in one.line.unheard)
        share = 0.0 if unheard else known / (until - start)
        return Held(states, shares_of(found, len(numbers), until - start), now, lost, share)

    def _lost(self, hold: Hold, machine: int, start: int, until: int) -> int:
        """Planned time within a hold in which its machine made nothing, ns."""
        stops = [
            (low, high) for low, high, state in self._account.states[machine].over(hold.low, hold.high) if state in LOST
        ]
        if not stops:
            return 0
        planned = self._spans(start, until)
        return sum(max(0, min(high, b) - max(low, a)) for low, high in stops for a, b in planned)

    def _spans(self, start: int, until: int) -> Planned:
        """The planned time in [start, until)."""
        found = self._planned.get((start, until))
        if found is None:
            edges = np.unique(np.clip(self._grid.edges(start, until), start, until)).tolist()
            found = [(a, b) for a, b in pairwise(edges) if self._grid.planned(self._grid.cell(a))]
            self._planned[start, until] = found
        return found


class BottleneckFigures(NamedTuple):
    """Figures of n windows of lines, and of the m windows of their machines."""

    lines: list[Figure]
    machines: list[Figure]


def bottleneck_figures(stand: LineStand, looked_up: Bottlenecks) -> BottleneckFigures:
    """Who held lines up: `bottleneck_sole`, `bottleneck_shifting` and `bottleneck_share`, the sum of both, of machines
    as shares of the window so far; `bottleneck_now` is 1 of the machine that was it at its end, 0 of the others.

    Of lines `bottleneck_lost`, the planned minutes in which the bottleneck was active and made nothing (down, in
    set-up), with `minute_cost` what they cost, and what one minute costs. Source: as of `bottleneck.holds`; Goldratt,
    The Goal (1984): an hour lost at a bottleneck is an hour lost for the entire system.
    """
    n, m = len(stand.told), len(stand.owner)
    has_state = stand.machines.has("state")
    shares, now, lost = np.zeros((2, m)), np.zeros(m), np.zeros(n)
    known, of = np.zeros(n), np.zeros(n, dtype=bool)
    first = 0
    for i, one in enumerate(stand.told):
        states = [place for place in range(len(one.parts)) if has_state[first + place]]
        if states and one.window.kind != "demand" and one.until > one.window.start:
            held = looked_up.held(one, states)
            at = [first + place for place in states]
            shares[:, at] = held.said
            now[at] = np.arange(len(states)) == held.now
            lost[i], known[i], of[i] = held.lost / _MINUTE, held.known, True
        first += len(one.parts)
    return BottleneckFigures(
        list(_of_lines(stand, lost, known, of)),
        list(_of_machines(shares, now, known[stand.owner], of[stand.owner] & has_state)),
    )


def _of_lines(stand: LineStand, lost: Floats, known: Floats, of: Bools) -> Iterator[Figure]:
    cost = np.array([_nan(one.line.options.minute_cost) for one in stand.told])
    unit = stand.machines.prices.currency
    priced = of & ~np.isnan(cost)
    yield Figure("bottleneck_lost", "min", *plainly(lost, known), of)
    yield Figure("bottleneck_cost", unit, *plainly(lost * cost, known), priced)
    yield Figure("bottleneck_minute_cost", f"{unit}/min", *plainly(cost, np.ones(len(cost))), priced)


def _of_machines(shares: Floats, now: Floats, known: Floats, of: Bools) -> Iterator[Figure]:
    sole, shifting = shares
    yield Figure("bottleneck_sole", "1", *plainly(sole, known), of)
    yield Figure("bottleneck_shifting", "1", *plainly(shifting, known), of)
    yield Figure("bottleneck_share", "1", *plainly(sole + shifting, known), of)
    yield Figure("bottleneck_now", "1", *plainly(now, known), of)


def _nan(value: float | None) -> float:
    return np.nan if value is None else value
