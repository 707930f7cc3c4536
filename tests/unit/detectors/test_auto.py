"""`auto`: its twin, its pace at any interval, its memory, and what it finds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import compiled
from detectors.anomaly.auto import Auto
from detectors.anomaly.auto_state import AutoState
from detectors.bank import Bank
from detectors.base import Batch, Verdict, pick, take
from detectors.calibration import Calibration
from detectors.durations import SECOND, budget_per_s, duration_ns
from tests.contract.readings import START, Stream, same_bits, stream
from tests.naive.auto import NaiveAuto
from tests.strict import NO_WARNINGS

pytestmark = NO_WARNINGS

SEEDS = st.integers(0, 2**32 - 1)
ROWS = 2
OPTIONS: list[dict[str, Any]] = [{"warmup": "10s"}, {"warmup": "1s", "floor": 0}, {"warmup": "30s", "resolution": 4.0}]


def twice(detector: Auto, whole: Stream, rtol: float) -> None:
    twins = [NaiveAuto(detector) for _ in range(ROWS)]
    b = whole.batch
    columns = zip(whole.rows.tolist(), b.time.tolist(), b.x.tolist(), b.learn.tolist(), b.week_s.tolist(), strict=True)
    slow = [twins[row].judge(time, x, learn, week_s) for row, time, x, learn, week_s in columns]
    _, verdict = detector.walk(detector.init(ROWS), whole.rows, b)
    for fast, which in zip(verdict, zip(*slow, strict=True), strict=False):
        np.testing.assert_allclose(np.array(fast), np.array(which), rtol=rtol, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("options", OPTIONS)
@given(seed=SEEDS)
@settings(max_examples=10)
def test_it_says_what_its_twin_says(options: dict[str, Any], seed: int) -> None:
    detector = Auto(**options)
    twice(detector, stream(seed, detector, r=300, rows=ROWS), 1e-9)


@pytest.mark.parametrize("every_s", [1, 60, 120, 300, 3600])
def test_it_says_what_its_twin_says_at_any_interval(every_s: int) -> None:
    # long enough for all boxes to be in use, ranges to close in and vigilance to move
    whole = course(every_s, 3000 if every_s >= 60 else 600, seed=every_s, noise=2.0)
    twice(Auto(warmup="50m"), whole, 1e-9)


def course(every_s: int, n: int, seed: int = 0, noise: float = 0.3, rows: int = 1) -> Stream:
    """A daily swing with noise."""
    rng = np.random.default_rng(seed)
    time = START + np.arange(n) * every_s * SECOND
    x = 20 + 5 * np.sin(time / SECOND * 2 * np.pi / 86_400) + rng.normal(0, noise, n)
    dt = np.append(np.nan, np.full(n - 1, float(every_s)))
    return Stream(np.arange(n) % rows, Batch(time, x, dt, dt == dt, ((time // SECOND) % 604_800).astype(np.int32)))


@pytest.mark.skipif(not compiled.available, reason="needs numba")
@given(seed=SEEDS)
@settings(max_examples=5)
def test_step_plain_and_compiled_kernel_give_the_same_bits(seed: int) -> None:
    detector = Auto(warmup="10s")
    whole = stream(seed, detector, r=200, rows=ROWS)
    ways = [by_kernel(detector, whole), by_step(detector, whole)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "available", False)
        ways.append(by_kernel(detector, whole))
    for state, verdict in ways[1:]:
        assert same_bits(list(state), list(ways[0][0]))
        assert same_bits(list(verdict[:5]), list(ways[0][1][:5]))


def by_kernel(detector: Auto, whole: Stream) -> tuple[AutoState, Verdict]:
    return detector.walk(detector.init(ROWS), whole.rows, whole.batch)


def by_step(detector: Auto, whole: Stream) -> tuple[AutoState, Verdict]:
    state, said = detector.init(ROWS), []
    for i, row in enumerate(whole.rows):
        one, verdict = detector.step(take(state, [row]), pick(whole.batch, [i]))
        for mine, its in zip(state, one, strict=True):
            mine[row] = its[0]
        said.append([a[0] for a in verdict[:5]])
    return state, Verdict(*np.array(said).T)


def alarms(whole: Stream, options: dict[str, Any] | None = None, budget: str = "1/week") -> list[int]:
    detector = Auto(**(options or {}))
    rest = duration_ns(detector.refractory_default)
    bank = Bank(detector, Calibration(rule="budget", rate_per_s=budget_per_s(budget), refractory_ns=rest))
    bank.grow(1)
    return np.flatnonzero(bank.run(np.zeros_like(whole.rows), whole.batch).alarm).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("every_s", [60, 300, 600])
def test_a_course_never_seen_is_an_alarm_and_its_repetition_is_not(every_s: int) -> None:
    whole = course(every_s, 12 * 86_400 // every_s)
    hour = 3600 // every_s
    at = [9 * 24 * hour + 3 * hour, 10 * 24 * hour + 3 * hour]
    for start in at:
        whole.batch.x[start : start + hour] += 6.0
    found = [i for i in alarms(whole) if i >= 7 * 24 * hour]
    assert any(at[0] <= i < at[0] + hour for i in found)
    assert not any(at[1] <= i < at[1] + hour for i in found)


@pytest.mark.parametrize("every_s", [1, 30, 60, 120, 300, 900, 3600])
def test_the_interval_is_learned_and_warm_up_takes_its_time(every_s: int) -> None:
    detector, whole = Auto(warmup="2h"), course(every_s, 40)
    state, verdict = by_kernel(detector, whole)
    assert state.interval_s[0] == every_s
    per_reading = min(every_s, 300) / 7200
    assert verdict.warm[39] == pytest.approx(min(39 * per_reading, 1.0), rel=0.05, abs=0.01)


def test_state_a_row_is_below_8_kb_at_any_interval() -> None:
    for every_s in (1, 300):
        state, _ = by_kernel(Auto(), course(every_s, 500))
        assert sum(a.nbytes for a in take(state, slice(0, 1))) < 8000


def test_expected_and_its_band_hold_the_values_it_finds_normal() -> None:
    whole = course(300, 10 * 288)
    _, v = by_kernel(Auto(), whole)
    late = np.arange(2880) > 7 * 288
    inside = (v.low <= whole.batch.x) & (whole.batch.x <= v.high)
    assert inside[late].mean() > 0.99
    assert np.nanmean(np.abs(v.expected - whole.batch.x)[late]) < 3.0
    assert (v.low <= v.expected)[late].all()
    assert (v.expected <= v.high)[late].all()


def test_a_jump_on_a_constant_scores_a_number() -> None:
    whole = course(300, 400)
    whole.batch.x[:] = 0.0
    whole.batch.x[300] = 1.0
    _, v = by_kernel(Auto(), whole)
    assert v.score[299] == 0.0
    assert 1e3 < v.score[300] <= 1e6
    assert not math.isnan(v.score[301])
