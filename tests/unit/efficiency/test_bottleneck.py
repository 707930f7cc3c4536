"""The shifting bottleneck: worked cases of the method, and equality with a slice-by-slice oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.efficiency.bottleneck import NOBODY, cost_per_minute, init, of_intervals, reset, shares, step
from tests.naive.efficiency.bottleneck import naive_shares

Interval = tuple[int, int, int]


def told(intervals: list[Interval], machines: int, window: tuple[int, int]) -> tuple[list[float], list[float]]:
    machine, start, end = np.array(intervals, dtype=np.int64).reshape(-1, 3).T
    said = of_intervals(machine, start, end, machines, window)
    return said.sole.tolist(), said.shifting.tolist()


def test_roser_2002_overlap_of_two_bottlenecks_is_shifting_and_the_rest_sole() -> None:
    # machine 0 works 0-10, machine 1 works 6-20: sole 0-6, shifting 6-10, sole 10-20
    assert told([(0, 0, 10), (1, 6, 20)], 2, (0, 20)) == ([0.3, 0.5], [0.2, 0.2])


def test_a_short_period_within_a_long_one_is_no_bottleneck() -> None:
    assert told([(0, 0, 20), (1, 5, 8)], 2, (0, 20)) == ([1.0, 0.0], [0.0, 0.0])


def test_bottlenecks_that_follow_without_overlap_do_not_shift() -> None:
    assert told([(0, 0, 10), (1, 10, 20)], 2, (0, 20)) == ([0.5, 0.5], [0.0, 0.0])


def test_time_in_which_no_machine_is_active_is_nobodys() -> None:
    assert told([(0, 0, 5)], 1, (0, 20)) == ([0.25], [0.0])


def test_who_is_the_bottleneck_now_is_who_has_been_active_longest() -> None:
    state = step(init(2, 0), 0, np.array([0]), [True])
    state = step(state, 5, np.array([1]), [True])
    assert state.holder[0] == 0
    state = step(state, 9, np.array([0]), [False])
    assert state.holder[0] == 1
    assert step(state, 9, np.array([1]), [False]).holder[0] == NOBODY


def test_instants_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="in order"):
        step(init(1, 5), 4, np.array([0]), [True])


@st.composite
def lines(draw: st.DrawFn) -> list[Interval]:
    out = []
    for machine in range(3):
        at = 0
        for gap, length in draw(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=6)):
            out.append((machine, at + gap, at + gap + length))
            at += gap + length
    return draw(st.permutations(out))


@given(lines(), st.integers(0, 20), st.integers(1, 30))
def test_shares_equal_the_naive_ones(intervals: list[Interval], first: int, length: int) -> None:
    got = told(intervals, 3, (first, first + length))
    slow = naive_shares(intervals, 3, first, first + length)
    np.testing.assert_allclose(got, slow, rtol=0, atol=1e-9)


@given(lines())
def test_windows_one_after_the_other_cover_the_same_bottleneck_time_as_one(intervals: list[Interval]) -> None:
    parts = [told(intervals, 3, (a, a + 20)) for a in (0, 20, 40)]
    whole = told(intervals, 3, (0, 60))

    def held(said: tuple[list[float], list[float]], length: int) -> float:
        return (sum(said[0]) + sum(said[1]) / 2) * length

    assert sum(held(p, 20) for p in parts) == pytest.approx(held(whole, 60), abs=1e-9)


def test_a_state_goes_on_after_a_window_was_read_and_opened() -> None:
    state = step(init(2, 0), 0, np.array([0]), [True])
    assert shares(state, 0, 10).sole.tolist() == [1.0, 0.0]
    state = step(reset(state, 10), 12, np.array([1]), [True])
    state = step(state, 16, np.array([0]), [False])
    said = shares(state, 10, 20)
    assert said.sole.tolist() == [0.2, 0.4]
    assert said.shifting.tolist() == [0.4, 0.4]


def test_a_minute_at_the_bottleneck_costs_a_unit_times_the_rate() -> None:
    assert cost_per_minute([12.0], [2.5])[0] == 30
