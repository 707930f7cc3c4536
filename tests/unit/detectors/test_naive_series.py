"""Detectors that look at how a series moves over hours and days give what their slow, obvious twins give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from detectors.anomaly.cusum import Cusum
from detectors.anomaly.level_shift import LevelShift
from detectors.anomaly.nelson import Nelson
from detectors.anomaly.seasonal import Seasonal, SeasonalState
from detectors.anomaly.trend_rul import TrendRul
from detectors.base import Batch, pick
from detectors.durations import SECOND
from tests.contract.readings import START, Stream, same_bits, stream
from tests.naive.cusum import NaiveCusum
from tests.naive.level_shift import NaiveLevelShift
from tests.naive.nelson import NaiveNelson
from tests.naive.seasonal import NaiveSeasonal
from tests.naive.trend_rul import NaiveTrendRul
from tests.strict import NO_WARNINGS
from tests.unit.detectors.test_naive import ROWS, SEEDS, SOME, by_twin, equal, plain_bank

pytestmark = NO_WARNINGS

FIELDS = ("raw", "expected", "low", "high", "warm")


def same(judged: Any, slow: list[tuple[float, ...]], rtol: float = 1e-9) -> None:
    v = judged.verdict
    for fast, which in zip((judged.raw, v.expected, v.low, v.high, v.warm), zip(*slow, strict=True), strict=True):
        equal(fast, which, rtol)


CUSUM: list[dict[str, Any]] = [
    {"every": "1s", "warmup": 4, "accept_after": "10s", "half_life": "1m"},
    {"every": "100ms", "warmup": "1m", "accept_after": "2m", "shift": 0.4},
    {"every": "1m", "warmup": 3, "accept_after": "5m", "shift": 3, "resolution": 0.5, "floor": 0},
]


@pytest.mark.parametrize("options", CUSUM)
@pytest.mark.parametrize("rate", [None, 1e-3, 1e-12])
@given(seed=SEEDS)
@SOME
def test_cusum(options: dict[str, Any], rate: float | None, seed: int) -> None:
    detector = Cusum(**options)
    if rate is not None:
        detector = detector.with_budget(rate)
    whole = stream(seed, detector, r=250, rows=ROWS)
    slow = by_twin(lambda: NaiveCusum(detector, 1 / 604_800 if rate is None else rate), whole)
    same(plain_bank(detector).run(whole.rows, whole.batch), slow)


LEVEL_SHIFT: list[dict[str, Any]] = [
    {"every": "1s", "warmup": "5s", "limit": 1},
    {"every": "1s", "warmup": "1m", "resolution": 0.1, "floor": 0},
]


@pytest.mark.parametrize("options", LEVEL_SHIFT)
@given(seed=SEEDS)
@SOME
def test_level_shift(options: dict[str, Any], seed: int) -> None:
    detector = LevelShift(**options)
    whole = stream(seed, detector, r=250, rows=ROWS)
    same(plain_bank(detector).run(whole.rows, whole.batch), by_twin(lambda: NaiveLevelShift(detector), whole))


@given(seed=SEEDS)
@settings(max_examples=6)
def test_level_shift_over_days_in_which_levels_come_and_go(seed: int) -> None:
    detector = LevelShift(every="10m", warmup="1d", limit=0.5)
    whole = weeks(seed, Seasonal())
    slow = by_twin(lambda: NaiveLevelShift(detector), whole)
    judged = plain_bank(detector).run(whole.rows, whole.batch)
    same(judged, slow)
    assert (judged.raw > 0).any()


SEASONAL: list[dict[str, Any]] = [
    {"every": "10m", "warmup": "1m", "accept_after": "30m", "limit": 3},
    {"every": "1d", "warmup": "1h", "half_life": "1d", "resolution": 0.5, "floor": 0},
]


def by_week_twin(detector: Seasonal, whole: Stream) -> list[tuple[float, ...]]:
    """What a twin a row says of each reading, told the local time of the week."""
    twins = [NaiveSeasonal(detector) for _ in range(ROWS)]
    b = whole.batch
    columns = (whole.rows.tolist(), b.time.tolist(), b.x.tolist(), b.learn.tolist(), b.week_s.tolist())
    return [twins[row].judge(time, x, learn, week_s) for row, time, x, learn, week_s in zip(*columns, strict=True)]


@pytest.mark.parametrize("options", SEASONAL)
@given(seed=SEEDS)
@SOME
def test_seasonal(options: dict[str, Any], seed: int) -> None:
    detector = Seasonal(**options)
    whole = stream(seed, detector, r=250, rows=ROWS)
    same(plain_bank(detector).run(whole.rows, whole.batch), by_week_twin(detector, whole))


@pytest.mark.parametrize("options", [{}, {"every": "2h", "accept_after": "12h", "limit": 3}])
@given(seed=SEEDS)
@settings(max_examples=6)
def test_seasonal_over_weeks_in_which_the_season_comes_and_goes(options: dict[str, Any], seed: int) -> None:
    detector = Seasonal(**options)
    whole = weeks(seed, detector)
    judged = plain_bank(detector).run(whole.rows, whole.batch)
    same(judged, by_week_twin(detector, whole))
    state, verdicts = detector.init(ROWS), []
    for i in range(0, len(whole.rows), ROWS):
        state, verdict = detector.step(state, pick(whole.batch, slice(i, i + ROWS)))
        verdicts.append(verdict)
    assert same_bits(np.concatenate([v.score for v in verdicts]), judged.raw)
    assert same_bits(np.concatenate([v.low for v in verdicts]), judged.verdict.low)


def test_every_profile_is_used_in_these_weeks() -> None:
    used: set[int] = set()
    known_on_its_own = False
    for seed in range(6):
        detector = Seasonal()
        whole, bank = weeks(seed, detector), plain_bank(detector)
        for i in range(0, len(whole.rows), 24 * ROWS):
            part = whole.part(slice(i, i + 24 * ROWS))
            bank.run(part.rows, part.batch)
            state = SeasonalState(*bank.snapshot()["state"])
            used |= set(state.used.tolist())
            known_on_its_own |= bool((state.visits & 64).any())
    assert used == {0, 1, 2}
    assert known_on_its_own


def weeks(seed: int, detector: Seasonal) -> Stream:
    """Hourly readings of 5 weeks: days alike, then each its own, then noise; with holes, spikes and a new level."""
    rng = np.random.default_rng(seed)
    n = 24 * 35
    rows = np.repeat(np.arange(ROWS), n).reshape(ROWS, n).T.reshape(-1)
    hour = np.repeat(np.arange(n), ROWS)
    time = START // (7 * 86_400 * SECOND) * (7 * 86_400 * SECOND) + hour * 3600 * SECOND
    time = time + rng.integers(0, 1200 * SECOND, len(time))
    week_s = ((time // SECOND + rng.integers(7) * 86_400) % 604_800).astype(np.int32)
    days = rng.choice([0.0, 3.0, 20.0], 7)[week_s // 86_400]
    x = 5 * np.sin(hour * np.pi / 12) * (hour < 24 * 28) + days * (hour > 24 * 4) + rng.normal(0, 0.3, len(time))
    x = np.where(hour > 24 * rng.integers(10, 30), x + rng.choice([0.0, 50.0]), x)
    x = np.where(rng.random(len(x)) < 0.02, rng.choice([np.nan, 1e3], len(x)), x)
    return Stream(rows, Batch(time, x, np.full(len(x), 3600.0), rng.random(len(x)) < 0.98, week_s))


EIGHT = (1, 2, 3, 4, 5, 6, 7, 8)
NELSON: list[dict[str, Any]] = [
    {"warmup": 5, "rules": EIGHT, "ranges": True, "adapt": True},
    {"warmup": 20, "rules": EIGHT, "resolution": 2.0},
    {"warmup": 4, "subgroup": 3, "ranges": True, "rules": (1, 2), "low": 0, "high": 10},
    {"warmup": "1m", "rules": (4, 7)},
    *({"warmup": 8, "rules": (n,)} for n in EIGHT),
]


@pytest.mark.parametrize("options", NELSON)
@given(seed=SEEDS)
@SOME
def test_nelson(options: dict[str, Any], seed: int) -> None:
    detector = Nelson(**options)
    whole = stream(seed, detector, r=250, rows=ROWS)
    slow = by_twin(lambda: NaiveNelson(detector), whole)
    same(plain_bank(detector).run(whole.rows, whole.batch), slow)


@pytest.mark.parametrize("rule", EIGHT)
def test_each_of_nelsons_rules_fires_where_its_twin_says(rule: int) -> None:
    detector = Nelson(warmup=50, rules=(rule,))
    rng = np.random.default_rng(rule)
    time = START + np.arange(4000) * SECOND
    one, x = np.ones(4000), rng.normal(size=4000)
    x[2000:3000] *= 2.5
    x[3000:] *= 0.4
    whole = Stream(np.zeros(4000, dtype=np.int64), Batch(time, x, one, one > 0, one.astype(np.int32)))
    twin = NaiveNelson(detector)
    slow = [twin.judge(t, x, 1.0, True)[0] for t, x in zip(time.tolist(), whole.batch.x.tolist(), strict=True)]
    judged = plain_bank(detector).run(whole.rows, whole.batch)
    equal(judged.raw, slow, 1e-9)
    assert (judged.raw >= 1).sum() >= 3


TREND: list[dict[str, Any]] = [
    {"limit": 5, "window": "1h", "horizon": "1h", "confidence": 0.5},
    {"limit": -100, "side": "below", "window": "10h", "horizon": "100d", "confidence": 0.6, "least": 4},
    {"window": "42s"},
    {"limit": 40, "window": "10m"},
]


@pytest.mark.parametrize("options", TREND)
@given(seed=SEEDS)
@SOME
def test_trend_rul(options: dict[str, Any], seed: int) -> None:
    detector = TrendRul(**options)
    whole = drifting(seed, detector)
    slow = by_twin(lambda: NaiveTrendRul(detector), whole)
    same(plain_bank(detector).run(whole.rows, whole.batch), slow)


def drifting(seed: int, detector: TrendRul) -> Stream:
    """A stream as others, or one of a steady pace, with a drift of its own."""
    rng = np.random.default_rng(seed)
    whole = stream(seed, detector, r=250, rows=ROWS)
    time = whole.batch.time
    if seed % 3:
        time = START + np.cumsum(rng.integers(1, detector.window // 50, 250))
    x = whole.batch.x + rng.choice([0.0, 1.0, -30.0]) * (time - time[0]) / detector.window
    return whole._replace(batch=whole.batch._replace(x=x, time=time))


def test_these_drifts_are_seen_and_reach_their_limit() -> None:
    detector = TrendRul(limit=5, window="1h", horizon="1h", confidence=0.5)
    judged = [plain_bank(detector).run(s.rows, s.batch) for s in (drifting(seed, detector) for seed in range(30))]
    raw = np.concatenate([j.raw for j in judged])
    assert (raw == 0).sum() > 100
    assert ((raw > 0) & (raw < 1)).sum() > 20
    assert (raw >= 1).sum() > 20
