"""Each fast detector gives what its slow, obvious twin gives, over streams of everything that can come in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.anomaly.gap import Gap
from detectors.anomaly.limits import Limits
from detectors.anomaly.robust_zscore import RobustZscore
from detectors.anomaly.stuck import Stuck
from detectors.bank import Bank
from detectors.base import Detector
from detectors.calibration import Calibration
from tests.contract.readings import START, Stream, stream
from tests.naive.calibration import NaiveCalibration
from tests.naive.gap import NaiveGap
from tests.naive.limits import NaiveLimits
from tests.naive.robust_zscore import NaiveRobustZscore
from tests.naive.stuck import NaiveStuck
from tests.strict import NO_WARNINGS

pytestmark = NO_WARNINGS

SEEDS = st.integers(0, 2**32 - 1)
SOME = settings(max_examples=25)
ROWS = 3


def by_twin(make: Callable[[], Any], whole: Stream) -> list[tuple[float, ...]]:
    """What a twin a row says of each reading."""
    twins = [make() for _ in range(ROWS)]
    b = whole.batch
    readings = zip(whole.rows.tolist(), b.time.tolist(), b.x.tolist(), b.dt.tolist(), b.learn.tolist(), strict=True)
    return [twins[row].judge(time, x, dt, learn) for row, time, x, dt, learn in readings]


def plain_bank(detector: Detector[Any]) -> Bank:
    bank = Bank(detector, Calibration(rule="own", rate_per_s=0.0, refractory_ns=0))
    bank.grow(ROWS)
    return bank


def equal(fast: Any, slow: Any, rtol: float = 0.0) -> None:
    np.testing.assert_allclose(np.array(fast), np.array(slow), rtol=rtol, atol=0, equal_nan=True)


LIMITS = [{}, {"low": 0}, {"high": 3}, {"low": -1, "high": 5, "deadband": 1}, {"rate": 0.5}, {"high": 0, "rate": 1e-9}]


@pytest.mark.parametrize("options", [*LIMITS, {"low": -1e308, "high": 1e308, "rate": 1e-300}])
@given(seed=SEEDS)
@SOME
def test_limits(options: dict[str, Any], seed: int) -> None:
    detector = Limits(**options)
    whole = stream(seed, detector, rows=ROWS)
    slow = by_twin(lambda: NaiveLimits(detector), whole)
    judged = plain_bank(detector).run(whole.rows, whole.batch)
    equal(judged.raw, [s for s, _, _ in slow])
    equal(judged.verdict.low, [low for _, low, _ in slow])
    equal(judged.verdict.high, [high for _, _, high in slow])


@given(seed=SEEDS, own=st.lists(st.tuples(*[st.none() | st.floats(-3, 3)] * 2, st.none() | st.just(0.1)), min_size=3))
@SOME
def test_limits_that_each_series_declares(
    seed: int, own: list[tuple[float | None, float | None, float | None]]
) -> None:
    detector = Limits(low=-20, deadband=0.2)
    whole = stream(seed, detector, rows=ROWS)
    bank = Bank(detector, Calibration(rule="own", rate_per_s=0.0, refractory_ns=0))
    for limits in own[:ROWS]:
        given_ = zip(("low", "high", "rate"), limits, strict=True)
        bank.grow(1, {name: np.array([math.nan if x is None else x]) for name, x in given_})
    twins = iter(own[:ROWS])
    slow = by_twin(lambda: NaiveLimits(detector, *next(twins)), whole)
    equal(bank.run(whole.rows, whole.batch).raw, [s for s, _, _ in slow])


STUCK = [
    {"warmup": 2, "at_least": "1s", "factor": 1.5},
    {"warmup": 3, "resolution": 0.3, "at_least": "1ms"},
    {"after": "10s"},
]


@pytest.mark.parametrize("options", STUCK)
@given(seed=SEEDS)
@SOME
def test_stuck(options: dict[str, Any], seed: int) -> None:
    detector = Stuck(**options)
    whole = stream(seed, detector, rows=ROWS)
    slow = by_twin(lambda: NaiveStuck(detector), whole)
    judged = plain_bank(detector).run(whole.rows, whole.batch)
    equal(judged.raw, [s for s, _ in slow])
    equal(judged.verdict.warm, [warm for _, warm in slow])


ROBUST = [
    {"warmup": 4, "half_life": "1m", "accept_after": "30s"},
    {"warmup": "1m", "half_life": "1h", "accept_after": "2m", "limit": 3},
    {"warmup": 8, "resolution": 1.0, "floor": 0.0},
]


@pytest.mark.parametrize("options", ROBUST)
@given(seed=SEEDS)
@SOME
def test_robust_zscore(options: dict[str, Any], seed: int) -> None:
    detector = RobustZscore(**options)
    whole = stream(seed, detector, r=200, rows=ROWS)
    slow = by_twin(lambda: NaiveRobustZscore(detector), whole)
    judged = plain_bank(detector).run(whole.rows, whole.batch)
    v = judged.verdict
    for fast, which in zip((judged.raw, v.expected, v.low, v.high, v.warm), zip(*slow, strict=True), strict=True):
        equal(fast, which)


@pytest.mark.parametrize("options", [{"timeout": "20s"}, {"at_least": "1s", "factor": 2}, {}])
@given(seed=SEEDS)
@SOME
def test_gap(options: dict[str, Any], seed: int) -> None:
    detector = Gap(**options)
    whole = stream(seed, detector, rows=ROWS)
    twins = [NaiveGap(detector) for _ in range(ROWS)]
    b, silences, scores = whole.batch, [], []
    for row, time, x, dt, learn in zip(whole.rows.tolist(), *(a.tolist() for a in b[:4]), strict=True):
        silences += [(row, *gap) for gap in twins[row].silence(time)]
        scores.append(twins[row].read(time, x, dt, learn))
    end = int(b.time[-1]) + 10**16
    silences += [(row, *gap) for row in range(ROWS) for gap in twins[row].silence(end)]
    bank = plain_bank(detector)
    judged, found = bank.run_silence(whole.rows, b, b.time)
    found += bank.silent(np.arange(ROWS), np.full(ROWS, end), np.full(ROWS, -1))
    assert sorted((s.row, s.time, float(s.judged.raw[s.at])) for s in found) == sorted(silences)
    equal(judged.raw, scores)


def test_a_deadline_does_not_overflow_at_the_end_of_time() -> None:
    detector = Gap(timeout="36525d")
    last = np.array([9_214_646_399_999_999_999])
    state = detector.init(1)._replace(last=last)
    assert detector.deadline(state)[0] > last[0]


RULES = [("budget", 1e-4, 0), ("budget", 1e-2, 5 * 10**9), ("own", 0.0, 0)]


@pytest.mark.parametrize(("rule", "rate", "refractory"), RULES)
@given(seed=SEEDS)
@SOME
def test_calibration(rule: Any, rate: float, refractory: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    calibration = Calibration(rule=rule, rate_per_s=rate, refractory_ns=refractory)
    t, k = 60, ROWS
    raw = np.exp(rng.normal(-0.3, 1.0, (t, k)))
    raw[rng.random((t, k)) < 0.1] = np.nan
    raw[rng.random((t, k)) < 0.05] = 1e6
    raw[rng.random((t, k)) < 0.1] = 1.0
    time = START + np.cumsum(rng.integers(1, 10**10, (t, k)), axis=0)
    dt = np.vstack([np.full((1, k), np.nan), np.diff(time, axis=0) / 1e9])
    twins = [NaiveCalibration(calibration) for _ in range(k)]
    slow = [[twins[j].judge(int(time[i, j]), float(raw[i, j]), float(dt[i, j])) for j in range(k)] for i in range(t)]
    state, fast = calibration.scan(calibration.init(k), time, raw, dt)
    for field, which in zip(fast, range(3), strict=True):
        equal(field, [[cell[which] for cell in line] for line in slow], rtol=1e-12)
    assert state.alarms.tolist() == [twin.alarms for twin in twins]
    equal(state.watched_s, [twin.watched_s for twin in twins], rtol=1e-12)
