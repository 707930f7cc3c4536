"""The shifting bottleneck: worked cases of the method, and equality with looking at every slice and every second."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.base import NEVER
from detectors.efficiency.bottleneck import NOBODY, Hold, Periods, active_since, holds, periods_of, shares_of
from detectors.efficiency.timeline import Timeline
from tests.naive.efficiency.bottleneck import naive_shares
from tests.naive.efficiency.line import ACTIVE, naive_holders
from tests.unit.efficiency.job_shop import job_shop

MACHINES = 3
STATES = frozenset(ACTIVE)


@st.composite
def periods(draw: st.DrawFn) -> list[Periods]:
    out = []
    for _ in range(MACHINES):
        at, one = 0, Periods([], [])
        for gap, length in draw(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 9)), max_size=6)):
            one.begin.append(at + gap)
            one.end.append(at + gap + length)
            at += gap + length
        out.append(one)
    return out


def intervals(of: list[Periods]) -> list[tuple[int, int, int]]:
    return [(m, a, b) for m, one in enumerate(of) for a, b in zip(*one, strict=True)]


@given(periods(), st.integers(0, 20), st.integers(1, 30))
def test_shares_equal_the_naive_ones(of: list[Periods], first: int, length: int) -> None:
    got = shares_of(holds(of, first, first + length), MACHINES, length)
    np.testing.assert_allclose(got, naive_shares(intervals(of), MACHINES, first, first + length), rtol=0, atol=1e-9)


@given(periods())
def test_windows_one_after_the_other_cover_the_same_bottleneck_time_as_one(of: list[Periods]) -> None:
    def held(first: int, last: int) -> int:
        return sum(hold.high - hold.low for hold in holds(of, first, last))

    assert sum(held(first, first + 20) for first in (0, 20, 40)) == held(0, 60)


@given(st.lists(st.lists(st.sampled_from([0, 1, 2, 5, 6, 7]), min_size=40, max_size=40), min_size=1, max_size=4),
       st.integers(0, 30), st.integers(0, 12))  # fmt: skip
def test_the_holder_of_each_second_is_who_has_been_active_longest(
    state: list[list[int]], start: int, forgotten: int
) -> None:
    of = []
    for values in state:
        timeline = Timeline(0)
        for second, value in enumerate(values):
            timeline.put(second, value)
        since, cut = NEVER, sum(t <= forgotten for t in timeline.times) - 1
        if cut > 0:  # what began before the timeline is remembered when it is cut
            since = active_since(timeline, STATES, NEVER, timeline.times[cut] - 1)
        timeline.forget(forgotten)
        of.append(periods_of(timeline, STATES, since, max(start, forgotten), 40, 40))
    begin = max(start, forgotten)
    got: list[int | None] = [None] * (40 - begin)
    for hold in holds(of, begin, 40):
        got[hold.low - begin : hold.high - begin] = [hold.machine] * (hold.high - hold.low)
    assert got == naive_holders(state, begin)


def shares(of: list[Periods], until: int) -> tuple[list[float], list[float]]:
    said = shares_of(holds(of, 0, until), len(of), until)
    return said.sole.tolist(), said.shifting.tolist()


def test_roser_2002_overlap_of_two_bottlenecks_is_shifting_and_the_rest_sole() -> None:
    # machine 0 works 0-10, machine 1 works 6-20: sole 0-6, shifting 6-10, sole 10-20
    of = [Periods([0], [10]), Periods([6], [20])]
    assert holds(of, 0, 20) == [Hold(0, 0, 6, 10, 1), Hold(1, 10, 20, 20, NOBODY)]
    assert shares(of, 20) == ([0.3, 0.5], [0.2, 0.2])


def test_a_short_period_within_a_long_one_is_no_bottleneck() -> None:
    assert shares([Periods([0], [20]), Periods([5], [8])], 20) == ([1.0, 0.0], [0.0, 0.0])


def test_bottlenecks_that_follow_without_overlap_do_not_shift() -> None:
    assert shares([Periods([0], [10]), Periods([10], [20])], 20) == ([0.5, 0.5], [0.0, 0.0])


def test_time_in_which_no_machine_is_active_is_nobodys() -> None:
    assert shares([Periods([0], [5])], 20) == ([0.25], [0.0])


def test_down_and_set_up_do_not_end_an_active_period_and_the_end_of_the_hold_does() -> None:
    states = Timeline(0)
    for time, value in ((2, 1), (5, 5), (8, 6), (11, 3), (15, 1)):
        states.put(time, value)
    assert periods_of(states, STATES, NEVER, 0, 40, 30) == Periods([2, 15], [11, 30])
    assert periods_of(states, STATES, NEVER, 6, 10, 30) == Periods([2], [10]), "it began before the window"


def test_the_job_shop_logs_bottlenecks_day_by_day_equal_the_slow_oracle(shared_data: Path) -> None:
    machines, worked = job_shop(shared_data)
    of = [Periods([], []) for _ in machines]
    for number, start, end in worked:
        of[number].begin.append(start)
        of[number].end.append(end)
    days = range(worked_from(worked), max(end for _, _, end in worked), 1440)
    assert len(days) > 70
    held = 0
    for first, last in pairwise(days):
        near = [one for one in worked if one[1] < last and one[2] > first]
        found = holds(of, first, last)
        got = shares_of(found, len(machines), 1440)
        np.testing.assert_allclose(got, naive_shares(near, len(machines), first, last), rtol=0, atol=1e-9)
        held += sum(hold.high - hold.low for hold in found)
    assert held > 1440 * 30, "a month of bottlenecks, or there would be nothing to compare"


def worked_from(worked: list[tuple[int, int, int]]) -> int:
    return min(start for _, start, _ in worked) // 1440 * 1440
