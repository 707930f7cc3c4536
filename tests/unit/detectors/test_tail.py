"""`hold`: the tail rule against its twin, in every way that calibration runs, and when it is switched on or off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import compiled
from detectors.anomaly.robust_zscore import RobustZscore
from detectors.bank import Bank
from detectors.calibration import Calibration, CalibrationState
from tests.contract.readings import START, run, same_bits, stream
from tests.naive.tail import NaiveTail
from tests.strict import NO_WARNINGS

pytestmark = NO_WARNINGS

SEEDS = st.integers(0, 2**32 - 1)
ROWS = 3
RULES = [(1e-6, 0), (1e-4, 60 * 10**9), (1e-2, 5 * 10**9)]


def scores(seed: int, t: int = 120) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    raw = np.exp(rng.normal(-0.3, 1.0, (t, ROWS)))
    raw[rng.random(raw.shape) < 0.1] = np.nan
    raw[rng.random(raw.shape) < 0.05] = 1e6
    raw[rng.random(raw.shape) < 0.1] = 1.0
    raw[rng.random(raw.shape) < 0.1] = 0.0
    time = START + np.cumsum(rng.integers(1, 10**11, raw.shape), axis=0)
    return time, raw, np.vstack([np.full((1, ROWS), np.nan), np.diff(time, axis=0) / 1e9])


@pytest.mark.parametrize(("rate", "refractory"), RULES)
@given(seed=SEEDS)
@settings(max_examples=15)
def test_it_says_what_its_twin_says(rate: float, refractory: int, seed: int) -> None:
    calibration = Calibration(rule="budget", rate_per_s=rate, refractory_ns=refractory, hold=True)
    time, raw, dt = scores(seed)
    twins = [NaiveTail(calibration) for _ in range(ROWS)]
    slow = [
        [twins[j].judge(int(time[i, j]), float(raw[i, j]), float(dt[i, j])) for j in range(ROWS)]
        for i in range(len(time))
    ]
    state, fast = calibration.scan(calibration.init(ROWS), time, raw, dt)
    for field, which in zip(fast, range(3), strict=True):
        expected = [[cell[which] for cell in line] for line in slow]
        np.testing.assert_allclose(field, expected, rtol=1e-9, equal_nan=True)
    assert state.alarms.tolist() == [twin.alarms for twin in twins]


@pytest.mark.skipif(not compiled.available, reason="needs numba")
@pytest.mark.parametrize(("rate", "refractory"), RULES)
@given(seed=SEEDS)
@settings(max_examples=10)
def test_step_plain_and_compiled_kernel_give_the_same_bits(rate: float, refractory: int, seed: int) -> None:
    calibration = Calibration(rule="budget", rate_per_s=rate, refractory_ns=refractory, hold=True)
    given_ = scores(seed)
    state, fast = calibration.scan(calibration.init(ROWS), *given_)
    step, said = calibration.init(ROWS), []
    for line in zip(*given_, strict=True):
        step, out = calibration.step(step, *line)
        said.append(out.threshold)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "available", False)
        plain, slow = calibration.scan(calibration.init(ROWS), *given_)
    assert same_bits(tuple(state), tuple(step))
    assert same_bits(tuple(state), tuple(plain))
    assert same_bits(fast.threshold, np.stack(said))
    assert same_bits(tuple(fast), tuple(slow))


def test_peaks_are_kept_only_where_the_rule_asks_for_them() -> None:
    def size(**options: Any) -> int:
        state = Calibration(**({"rule": "budget", "rate_per_s": 1e-6, "refractory_ns": 0} | options)).init(1)
        return sum(a.nbytes for a in state)

    assert size(hold=True) == size() + 8 * (7 + 32)
    assert size(hold=True, rule="own") == size(hold=False, rule="own")


def bank(hold: bool) -> Bank:
    detector = RobustZscore(warmup=5, half_life="2m", accept_after="1m")
    made = Bank(detector, Calibration(rule="budget", rate_per_s=1e-3, refractory_ns=0, hold=hold))
    made.grow(4)
    return made


@pytest.mark.parametrize("hold", [True, False])
def test_switching_it_keeps_thresholds_and_alarms(hold: bool) -> None:
    whole = stream(3, bank(hold).detector, r=400)
    switched = bank(hold)
    run(switched, whole.part(slice(0, 300)))
    before: CalibrationState = switched.calibrated
    switched.calibration = switched.calibration.model_copy(update={"hold": not hold})
    after: CalibrationState = switched.calibrated
    for kept, was in zip(after[:6], before[:6], strict=True):
        assert same_bits(kept, was)
    run(switched, whole.part(slice(300, 400)))
    moved = switched.calibrated.threshold / before.threshold
    assert ((moved > 0.2) & (moved < 20)).all()


def test_state_of_a_version_without_it_is_taken_up() -> None:
    whole = stream(3, bank(False).detector, r=300)
    old = bank(False)
    run(old, whole)
    saved = old.snapshot()
    saved["calibration"] = saved["calibration"][:6]
    for hold in (False, True):
        restored = bank(hold)
        assert restored.restore(saved)
        assert same_bits(restored._calibrated.threshold[:4], old._calibrated.threshold[:4])
        run(restored, whole)


@pytest.mark.parametrize("cut", [0, 1, 57, 200])
def test_restoring_and_batching_are_invisible(cut: int) -> None:
    whole = stream(11, bank(True).detector, r=300)
    at_once, stopped, started = bank(True), bank(True), bank(True)
    run(at_once, whole)
    run(stopped, whole.part(slice(0, cut)))
    started.restore(stopped.snapshot())
    run(started, whole.part(slice(cut, 300)))
    assert same_bits(started.snapshot(), at_once.snapshot())


@pytest.mark.parametrize("kind", ["normal", "heavy"])
def test_it_keeps_to_the_budget_on_noise_and_takes_less_of_it_in_the_first_week(kind: str) -> None:
    # 40 series of eight weeks, every five minutes, at one alarm a week
    rng = np.random.default_rng(5)
    n, k, week = 8 * 2016, 40, 604_800.0
    raw = np.abs(rng.normal(size=(n, k)) if kind == "normal" else rng.standard_t(3, (n, k)))
    time = START + np.repeat(np.arange(n)[:, None] * 300 * 10**9, k, axis=1)
    first = {}
    for hold in (True, False):
        calibration = Calibration(rule="budget", rate_per_s=1 / week, refractory_ns=43_200 * 10**9, hold=hold)
        _, out = calibration.scan(calibration.init(k), time, raw, np.full((n, k), 300.0))
        first[hold], after = out.alarm[:2016].sum() / k, out.alarm[2016:].sum() / k / 7
        assert not hold or 0.5 < after <= 1.15
    assert first[True] < first[False]
