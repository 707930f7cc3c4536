"""The shifting bottleneck: the machine that has been active longest without a break, and when it hands over."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from detectors.base import NEVER, Floats, Ints

NOBODY = -1


class BottleneckState(NamedTuple):
    """A line of m machines; arrays (m,), and numbers as arrays (1,)."""

    active_since: Ints  # ns; NEVER while inactive
    holder: Ints  # (1,) machine that is the bottleneck, NOBODY where none is active
    since: Ints  # (1,) ns since when it is
    sole_ns: Ints
    shifting_ns: Ints
    now: Ints  # (1,) ns


class Shares(NamedTuple):
    """Of a window, each (m,): shares of 1 of the window's length."""

    sole: Floats
    """The machine alone was the bottleneck."""
    shifting: Floats
    """It was handing over to the next, or taking over: overlapping time counts for both."""


def init(machines: int, at: int) -> BottleneckState:
    """All inactive at `at`, ns."""
    zero = np.zeros(machines, dtype=np.int64)
    one = np.array([at], dtype=np.int64)
    return BottleneckState(np.full(machines, NEVER), np.array([NOBODY]), one, zero, zero, one)


def step(state: BottleneckState, at: int, machines: Ints, active: ArrayLike) -> BottleneckState:
    """What changed at one instant `at`, ns: `machines` (c,) become active or inactive, `active` (c,) bool.

    Instants come in order; an instant before the state's raises ValueError. Active is neither starved nor blocked:
    working, down, in set-up. A machine that is told active while it is stays so from when it began. One that ends a
    period and begins the next at the same instant is told so twice, inactive first.

    Who is the bottleneck: at each moment the machine whose active period, still running, is the longest so far (on a
    tie the one of the lowest index). It remains so until that period ends, and the next is then the longest running
    one. The time in which the periods of both ran is shifting, and counts for both; what is left is sole. Source:
    Roser, Nakano, Tanaka: A practical bottleneck detection method (WSC 2001), Shifting bottleneck detection (WSC
    2002), Comparison of bottleneck detection methods for AGV systems (WSC 2003).
    """
    if at < state.now[0]:
        raise ValueError(f"expected instants in order, got {at} after {int(state.now[0])}")
    since = state.active_since.copy()
    for machine, on in zip(np.asarray(machines).tolist(), np.asarray(active).tolist(), strict=True):
        since[machine] = NEVER if not on else min(int(since[machine]), at)
    now = np.array([at], dtype=np.int64)
    holder = int(state.holder[0])
    if holder != NOBODY and since[holder] == state.active_since[holder]:
        return state._replace(active_since=since, now=now)
    after, sole, shifting = _handed_over(state, since, at)
    return BottleneckState(since, np.array([after]), now, sole, shifting, now)


def shares(state: BottleneckState, start: int, until: int) -> Shares:
    """Of the window [start, until), ns, which `reset` opened, as if the bottleneck's period ended at `until`."""
    _, sole, shifting = _handed_over(state, _without_holder(state), until)
    return Shares(sole / (until - start), shifting / (until - start))


def reset(state: BottleneckState, at: int) -> BottleneckState:
    """Opens a window at `at`, ns: shares begin at 0, periods that are running go on."""
    zero = np.zeros(len(state.sole_ns), dtype=np.int64)
    one = np.array([at], dtype=np.int64)
    return state._replace(sole_ns=zero, shifting_ns=zero, since=np.maximum(state.since, one), now=one)


def of_intervals(machine: Ints, start: Ints, end: Ints, machines: int, window: tuple[int, int]) -> Shares:
    """Shares of a window [from, until), ns, from active periods: arrays (n,) of machine, start and end, ns.

    Periods of one machine do not overlap; those that touch are two. Empty ones are nobody's. The same as `step`, over
    all of them in order of time.

    >>> said = of_intervals(np.array([0, 1]), np.array([0, 6]), np.array([10, 20]), 2, (0, 20))
    >>> said.sole, said.shifting
    (array([0.3, 0.5]), array([0.2, 0.2]))
    """
    first, last = window
    real = end > start
    begins = [(int(t), 1, int(m)) for m, t in zip(machine[real], start[real], strict=True)]
    ends = [(int(t), 0, int(m)) for m, t in zip(machine[real], end[real], strict=True)]
    events = sorted(e for e in begins + ends if e[0] <= last)
    state = init(machines, min([first, *(e[0] for e in events)]))
    opened, i = False, 0
    while i < len(events):
        j = i
        while j < len(events) and events[j][0] == events[i][0]:
            j += 1
        at = events[i][0]
        if at >= first and not opened:
            state, opened = reset(state, first), True
        if at < last:
            state = step(state, at, np.array([e[2] for e in events[i:j]]), [e[1] == 1 for e in events[i:j]])
        i = j
    return shares(state if opened else reset(state, first), first, last)


def cost_per_minute(money_per_good_unit: ArrayLike, line_rate_per_min: ArrayLike) -> Floats:
    """What a minute lost at the bottleneck costs the line: what a good unit earns x good units a minute.

    A minute lost elsewhere costs nothing while buffers last. Source: Goldratt, The Goal (1984): an hour lost at a
    bottleneck is an hour lost for the entire system.

    >>> cost_per_minute([12.0], [2.5])
    array([30.])
    """
    return np.asarray(np.asarray(money_per_good_unit, dtype=np.float64) * np.asarray(line_rate_per_min))


def _handed_over(state: BottleneckState, running: Ints, at: int) -> tuple[int, Ints, Ints]:
    """The next bottleneck of what is `running`, and the times of all with the holder's up to `at`."""
    after = int(np.argmin(running)) if len(running) and running.min() < NEVER else NOBODY
    holder, sole, shifting = int(state.holder[0]), state.sole_ns.copy(), state.shifting_ns.copy()
    if holder != NOBODY:
        held_from = int(state.since[0])
        overlap_from = min(max(int(running[after]), held_from), at) if after != NOBODY else at
        sole[holder] += overlap_from - held_from
        shifting[holder] += at - overlap_from
        if after != NOBODY:
            shifting[after] += at - overlap_from
    return after, sole, shifting


def _without_holder(state: BottleneckState) -> Ints:
    running = state.active_since.copy()
    if state.holder[0] != NOBODY:
        running[state.holder[0]] = NEVER
    return running
