"""The shifting bottleneck: who was it from when to when, looked up in the active periods of a line's machines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from detectors.base import NEVER, Floats
from detectors.efficiency.timeline import Timeline

NOBODY = -1

BEFORE = int(np.iinfo(np.int64).min)
"""Begin of a period of which nobody knows when it began: longer than all others."""


class Periods(NamedTuple):
    """Active periods of one machine in order of time, none of them empty, none overlapping; ns."""

    begin: list[int]
    end: list[int]

    def running(self, at: int) -> tuple[int, int] | None:
        """Begin and end of the period that runs at a time, as it does from its begin up to before its end."""
        place = bisect_right(self.begin, at) - 1
        return (self.begin[place], self.end[place]) if place >= 0 and self.end[place] > at else None


class Shares(NamedTuple):
    """Of a window, each (m,): shares of 1 of the window's length."""

    sole: Floats
    """The machine alone was the bottleneck."""
    shifting: Floats
    """It was handing over to the next, or taking over: overlapping time counts for both."""


class Hold(NamedTuple):
    """A stretch of time in which one machine was the bottleneck; ns."""

    machine: int
    low: int
    shifts: int  # from here on the next bottleneck was active too; `high` where none was
    high: int
    after: int  # who took over, NOBODY where none was active


def holds(periods: Sequence[Periods], start: int, until: int) -> list[Hold]:
    """The bottlenecks of [start, until), ns, in order of time, from the active periods of m machines.

    Active is neither starved nor blocked: working, down, in set-up. The bottleneck is the machine whose active period
    has been running the longest (on a tie the one of the lowest index); it remains so until that period ends, at
    `until` at the latest, and the next is then the longest running one. The time in which the periods of both ran is
    shifting, and counts for both; what is left is sole. Only hand-overs are looked at, so that a period that becomes
    known late needs no more than a second look. Source: Roser, Nakano, Tanaka: A practical bottleneck detection method
    (WSC 2001), Shifting bottleneck detection (WSC 2002), Comparison of bottleneck detection methods for AGV systems
    (WSC 2003).

    >>> [hold[:4] for hold in holds([Periods([0], [10]), Periods([6], [20])], 0, 20)]
    [(0, 0, 6, 10), (1, 10, 20, 20)]
    """
    out: list[Hold] = []
    at = start
    while at < until:
        holder = _longest(periods, at)
        if holder == NOBODY:
            at = _next_begin(periods, at)
            continue
        found = periods[holder].running(at)
        assert found is not None
        end = min(found[1], until)
        # at the window's end periods are cut as if they ended there; before it, who runs on takes over
        after = _longest(periods, end) if found[1] < until else _longest(periods, until - 1, but=holder)
        begins = end if after == NOBODY else _begin(periods[after], end if found[1] < until else until - 1)
        out.append(Hold(holder, at, min(max(begins, at), end), end, after))
        at = end
    return out


def shares_of(held: Sequence[Hold], machines: int, length: int) -> Shares:
    """Shares of a window of `length` ns, of what `holds` gave.

    >>> shares_of([Hold(0, 0, 6, 10, 1), Hold(1, 10, 20, 20, NOBODY)], 2, 20)
    Shares(sole=array([0.3, 0.5]), shifting=array([0.2, 0.2]))
    """
    sole, shifting = np.zeros(machines, dtype=np.int64), np.zeros(machines, dtype=np.int64)
    for one in held:
        sole[one.machine] += one.shifts - one.low
        shifting[one.machine] += one.high - one.shifts
        if one.after != NOBODY:
            shifting[one.after] += one.high - one.shifts
    return Shares(sole / length, shifting / length)


def periods_of(
    timeline: Timeline, active: frozenset[int], since: int, start: int, until: int, holds_until: int
) -> Periods:
    """The active periods of a machine that reach into [start, until), ns, whole at their begin, cut at `until`.

    `timeline` is of its states, those in `active` are active; changes among them do not end a period. `since` is when
    the period began that was running where the timeline begins (NEVER: none was), and what the timeline ends with
    lasts until `holds_until`.
    """
    out = Periods([], [])
    until = min(until, max(holds_until, timeline.times[-1] if timeline.times else start))
    for low, high, state in timeline.over(start, until):
        if state not in active:
            continue
        if out.end and out.end[-1] == low:
            out.end[-1] = high
        else:
            out.begin.append(low)
            out.end.append(high)
    if out.begin and out.begin[0] == start:
        out.begin[0] = min(start, active_since(timeline, active, since, start))
    return out


def active_since(timeline: Timeline, active: frozenset[int], since: int, at: int) -> int:
    """When the active period that runs at a time began, ns, NEVER where none does; `since` as of `periods_of`.

    >>> states = Timeline(0); states.put(10, 1); states.put(20, 5); states.put(30, 2)
    >>> active_since(states, frozenset({1, 5}), NEVER, 25)
    10
    """
    place = bisect_right(timeline.times, at)
    if timeline.at(at) not in active:
        return NEVER
    while place and timeline.values[place - 1] in active:
        place -= 1
    if place == 0 and timeline.first in active:
        return since if since != NEVER else BEFORE
    return timeline.times[place]


def _longest(periods: Sequence[Periods], at: int, but: int = NOBODY) -> int:
    """The machine whose period, running at a time, began first; NOBODY where none runs."""
    begins = [
        (found[0], machine)
        for machine, one in enumerate(periods)
        if machine != but and (found := one.running(at)) is not None
    ]
    return min(begins)[1] if begins else NOBODY


def _begin(periods: Periods, at: int) -> int:
    found = periods.running(at)
    assert found is not None
    return found[0]


def _next_begin(periods: Sequence[Periods], at: int) -> int:
    """When the next period begins behind a time, NEVER where none does."""
    begins = [one.begin[place] for one in periods if (place := bisect_right(one.begin, at)) < len(one.begin)]
    return min(begins, default=NEVER)
