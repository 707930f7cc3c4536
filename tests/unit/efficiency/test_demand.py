"""Demand forecasts: equal to a slow oracle, indifferent to batching, better than going on, honest intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.efficiency.demand import Demand, DemandState, Forecast
from detectors.efficiency.demand_risk import demand_kw, money_at_risk, shed_kw
from tests.bench.demand import incomer, measure, simulated, steel
from tests.naive.efficiency.demand import NaiveDemand


def stream(seed: int, slots: int, windows: int) -> list[tuple[int, float]]:
    """Slots as they come: levels that last, noise, lost values, slots and windows left out, a standstill."""
    rng = np.random.default_rng(seed)
    out, level = [], 5.0
    for n in range(windows):
        if rng.random() < 0.3:
            level = rng.choice([0.0, 2.0, 5.0, 20.0])
        for s in range(slots):
            if rng.random() < 0.02:
                continue
            kwh = level * rng.uniform(0.7, 1.3)
            out.append((s, float("nan") if rng.random() < 0.01 else float(np.round(kwh, int(n % 3)))))
    return out


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
@settings(max_examples=10)
def test_equals_the_naive_forecast(seed: int, slots: int) -> None:
    demand, slow = Demand(slots=slots, memory=64, neighbours=10), NaiveDemand(slots, 64, 10)
    state = demand.init(1)
    for i, (slot, kwh) in enumerate(stream(seed, slots, 80)):
        asked = i % 7 != seed % 7
        state, said = demand.step(state, np.array([slot]), np.array([kwh]), np.array([asked]))
        got = [said.end_kwh[0], said.low_kwh[0], said.high_kwh[0]]
        np.testing.assert_allclose(got, slow.take(slot, kwh, asked), rtol=1e-9)


def test_meters_together_give_the_same_bits_as_each_alone() -> None:
    demand = Demand(slots=3, memory=64, neighbours=10)
    rng = np.random.default_rng(3)
    kwh = rng.gamma(3, 2, (4, 100, 3))
    state = demand.init(4)
    alone = [demand.init(1) for _ in range(4)]
    for n in range(100):
        for s in range(3):
            slot = np.array([s, (s + 1) % 3, s, s])  # the second meter's windows begin elsewhere
            before = state
            state, said = demand.step(state, slot, kwh[:, n, s])
            again, _ = demand.step(before, slot, kwh[:, n, s])
            same(again, state)  # pure: the state that was given is as it was
            for i in range(4):
                alone[i], own = demand.step(alone[i], slot[[i]], kwh[[i], n, s])
                assert all(np.array_equal(a[[i]], b, equal_nan=True) for a, b in zip(said, own, strict=True))
    for i in range(4):
        same(DemandState(*(a[[i]] for a in state)), alone[i])


def same(a: tuple[np.ndarray, ...], b: tuple[np.ndarray, ...]) -> None:
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def run(demand: Demand, windows: list[list[float]]) -> tuple[DemandState, Forecast]:
    state = demand.init(1)
    for window in windows:
        for s, kwh in enumerate(window):
            state, said = demand.step(state, np.array([s]), np.array([kwh]))
    return state, said


def test_before_it_knows_enough_windows_it_goes_on_at_the_mean_without_an_interval() -> None:
    _, said = run(Demand(slots=2), [[5.0, 6.0], [7.0]])
    assert said.end_kwh[0] == 14
    assert np.isnan(said.low_kwh[0])
    assert said.warm[0] == 1 / 50


def test_a_load_that_always_drops_to_half_is_forecast_so_and_not_doubled() -> None:
    _, said = run(Demand(slots=2), [[10.0 + i % 5, (10.0 + i % 5) / 2] for i in range(60)] + [[12.0]])
    assert said.end_kwh[0] == pytest.approx(18)
    assert said.low_kwh[0] <= 18 <= said.high_kwh[0]


def test_slots_that_one_reading_fills_are_forecast_from_as_one_slot_would_be() -> None:
    """A 15-minute meter in windows cut into minutes: what a reading says is spread evenly."""
    rng = np.random.default_rng(8)
    few, many = Demand(slots=2), Demand(slots=30)
    one, other = few.init(1), many.init(1)
    for _ in range(90):
        for half, kwh in enumerate(rng.gamma(3, 2, 2)):
            one, said = few.step(one, np.array([half]), np.array([kwh]))
            for minute in range(15):
                asked = np.array([minute == 14])
                other, same_said = many.step(other, np.array([15 * half + minute]), np.array([kwh / 15]), asked)
            for a, b in zip(said, same_said, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9)


def test_a_window_with_a_lost_slot_says_nothing_and_teaches_nothing() -> None:
    demand = Demand(slots=2)
    state, said = run(demand, [[5.0, 6.0], [float("nan"), 6.0]])
    assert np.isnan(said.end_kwh[0])
    assert state.seen[0] == 1
    state, said = demand.step(state, np.array([1]), np.array([6.0]))  # slot 0 never came
    assert np.isnan(said.end_kwh[0])
    assert state.seen[0] == 1


def test_a_slot_outside_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="slots from 0 to 1, got 2"):
        Demand(slots=2).step(Demand(slots=2).init(1), np.array([2]), np.array([1.0]))


def test_300_kw_h_in_half_an_hour_are_600_kw_and_100_kw_over_target_at_half_time_ask_for_200() -> None:
    assert demand_kw([300.0], 0.5)[0] == 600
    assert shed_kw([300.0], [500.0], [0.5], 0.5)[0] == 200
    assert shed_kw([240.0, np.nan], [500.0], [0.5], 0.5)[0] == 0
    assert shed_kw([300.0], [500.0], [0.0], 0.5)[0] == np.inf
    assert money_at_risk([300.0], [500.0], 97.06, 0.5)[0] == pytest.approx(9706)


@pytest.mark.slow
def test_steel_plant_at_half_window_beats_doubling_and_the_interval_holds(shared_data: Path) -> None:
    (said,) = measure(steel(shared_data), 15, [0])
    assert said.plain_median == pytest.approx(6.54, abs=0.01)
    assert said.median < 5.8
    assert said.p90 < 22
    assert 0.85 <= said.held <= 0.95


@pytest.mark.slow
def test_simulated_minutes_beat_going_on_and_the_interval_holds() -> None:
    for said in measure(simulated(), 1, [4, 9, 14, 19, 24]):
        assert said.median < 0.85 * said.plain_median
        assert 0.85 <= said.held <= 0.95


@pytest.mark.slow
def test_the_demo_plants_incomer_beats_going_on_and_the_interval_holds() -> None:
    for said in measure(incomer(), 1, [4, 9, 14, 19, 24]):
        assert said.median < said.plain_median
        assert said.p90 < said.plain_p90
        assert 0.85 <= said.held <= 0.95
