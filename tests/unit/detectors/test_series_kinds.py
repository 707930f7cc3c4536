"""What cusum, seasonal, nelson and trend_rul promise a user, shown on made series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.anomaly.average_run_length import average_run_length
from detectors.anomaly.cusum import Cusum
from detectors.anomaly.nelson import Nelson
from detectors.anomaly.seasonal import Seasonal
from detectors.anomaly.trend_rul import TrendRul
from detectors.bank import Bank
from detectors.base import Batch, Detector
from detectors.calibration import Calibration
from detectors.durations import SECOND
from detectors.judgement import Judgement

HOUR = 3600 * SECOND
MONDAY = 1_767_571_200 * SECOND
WEEK_S = 604_800
Floats = NDArray[np.float64]


def judged(detector: Detector[Any], x: Floats, every: int = HOUR, week_s: Any = None) -> tuple[Bank, Judgement]:
    """Readings (t, k) of k series at a steady pace."""
    t, k = x.shape
    bank = Bank(detector, Calibration(rule=detector.limit_rule, rate_per_s=1 / WEEK_S, refractory_ns=HOUR))
    bank.grow(k)
    time = np.repeat(MONDAY + np.arange(t) * every, k)
    week = time // SECOND % WEEK_S if week_s is None else np.repeat(week_s, k)
    dt = np.where(time > MONDAY, every / SECOND, np.nan)
    batch = Batch(time, x.reshape(-1), dt, dt != 0, week.astype(np.int32))
    return bank, bank.run(np.tile(np.arange(k), t), batch)


def state_of(bank: Bank, detector: Detector[Any]) -> Any:
    return type(detector.init(1))(*bank.snapshot()["state"])


def noise(kind: str, t: int, k: int) -> Floats:
    e = np.random.default_rng(len(kind)).normal(size=(t, k))
    if kind == "wandering":
        return np.cumsum(e, axis=0)
    if kind == "daily":
        return e + 5 * np.sin(np.arange(t)[:, None] * np.pi / 12)
    if kind == "slow":
        for i in range(1, t):
            e[i] = 0.9 * e[i - 1] + np.sqrt(1 - 0.81) * e[i]
    return e


@pytest.mark.parametrize("kind", ["white", "slow", "wandering", "daily"])
def test_cusum_keeps_its_budget_after_a_week_on_noise_of_any_memory(kind: str) -> None:
    weeks, k = 4, 100
    _, j = judged(Cusum(), noise(kind, weeks * 168, k))
    alarms = j.alarm.reshape(-1, k)[168:].sum()
    assert alarms / (k * (weeks - 1)) <= 1.15


def test_cusum_finds_a_drift_that_no_single_reading_shows() -> None:
    k, t = 50, 3 * 168
    x = noise("white", t, k)
    x[336:] += 0.05 * np.arange(t - 336)[:, None]  # .05 sigmas an hour
    _, j = judged(Cusum(), x)
    assert j.alarm.reshape(-1, k)[336 : 336 + 48].any(axis=0).mean() > 0.9


def test_a_cusum_with_less_budget_waits_for_more() -> None:
    x = noise("white", 200, 1)
    limits = []
    for rate in (1 / 86_400, 1 / WEEK_S, 1 / (52 * WEEK_S)):
        detector = Cusum().with_budget(rate)
        bank, _ = judged(detector, x)
        limits.append(float(state_of(bank, detector).decision[0]))
    assert limits[0] == 3.0  # the lowest there is
    assert limits == sorted(set(limits))
    assert average_run_length(0.5, limits[2]) * 3600 == pytest.approx(52 * WEEK_S, rel=0.1)


def test_a_level_that_lasts_becomes_the_normal_one_for_cusum() -> None:
    x = noise("white", 400, 1) * 0.2 + 20
    x[300:] += 2
    detector = Cusum()
    bank, j = judged(detector, x)
    state = state_of(bank, detector)
    assert (j.raw[304:320] >= 1).all()  # one long episode
    assert (j.raw[330:] < 1).all()
    assert state.location[0] == pytest.approx(22, abs=0.2)


def plant(days: int) -> tuple[Floats, NDArray[np.int64]]:
    """Hourly load of a plant that works from Monday to Friday, and the second of the week of each hour."""
    hour = np.arange(24 * days)
    works = (hour // 24 % 7 < 5) & (hour % 24 >= 6) & (hour % 24 < 22)
    x = np.where(works, 80.0, 20.0) + np.random.default_rng(4).normal(size=len(hour))
    return x, hour * 3600 % WEEK_S


def test_a_holiday_of_the_calendar_is_no_anomaly_and_one_that_is_not_in_it_is() -> None:
    x, week_s = plant(24)
    day = slice(16 * 24, 17 * 24)  # a Wednesday on which nobody works
    x[day] = plant(24)[0][20 * 24 : 21 * 24]  # as on a Sunday
    told = week_s.copy()
    told[day] = 6 * 86_400 + np.arange(24) * 3600
    _, with_calendar = judged(Seasonal(), x[:, None], week_s=told)
    _, without = judged(Seasonal(), x[:, None], week_s=week_s)
    assert not (with_calendar.raw[day] >= 1).any()
    assert (without.raw[day] >= 1).any()


def test_expected_follows_the_profile_in_the_unit_of_the_series() -> None:
    x, week_s = plant(21)
    _, j = judged(Seasonal(), x[:, None], week_s=week_s)
    last_week = slice(14 * 24, None)
    assert np.abs(j.verdict.expected[last_week] - np.where(x[last_week] > 50, 80, 20)).max() < 4
    assert (j.verdict.low[last_week] < x[last_week]).all()
    assert (j.verdict.high[last_week] > x[last_week]).all()


@pytest.mark.parametrize("kind", ["white", "slow", "wandering"])
def test_without_a_season_the_profile_is_not_used(kind: str) -> None:
    detector = Seasonal()
    bank, _ = judged(detector, 50 + noise(kind, 4 * 168, 40))
    assert (state_of(bank, detector).used == 0).mean() >= 0.95


def test_nelson_tells_how_capable_the_process_is() -> None:
    x = 10 + 0.1 * np.random.default_rng(3).normal(size=(130, 1))
    x[-1] = 11
    detector = Nelson(low=9.4, high=10.6, rules=(1, 2))
    bank, j = judged(detector, x, every=60 * SECOND)
    assert j.raw[-1] >= 1
    told = detector.explain(state_of(bank, detector), 0)
    sigma = float(state_of(bank, detector).mean_range[0]) / 1.128
    assert told["cp"] == pytest.approx(1.2 / (6 * sigma))
    assert 1.5 < told["cpk"] <= told["cp"] < 2.5


def test_frozen_control_limits_stay_and_adapting_ones_follow() -> None:
    rng = np.random.default_rng(5)
    x = 10 + 0.1 * rng.normal(size=(1500, 1)) + np.linspace(0, 0.5, 1500)[:, None]
    centre = {}
    for adapt in (False, True):
        detector = Nelson(adapt=adapt, rules=(1,))
        bank, _ = judged(detector, x)
        centre[adapt] = float(state_of(bank, detector).centre[0])
    assert centre[False] == pytest.approx(x[:100].mean())
    assert centre[True] > 10.35


def test_the_time_to_the_limit_has_an_interval_that_holds_it() -> None:
    rng = np.random.default_rng(6)
    k, t = 40, 24 * 14
    x = 20 + 0.01 * np.arange(t)[:, None] + rng.normal(0, 0.3, (t, k))
    detector = TrendRul(limit=30)  # reached 1,000 hours after the start
    bank, _ = judged(detector, x)
    state = state_of(bank, detector)
    hits = 0
    for row in range(k):
        told = detector.explain(state, row)
        left = (MONDAY + 1000 * HOUR - state.at[row]) / SECOND
        assert told["time_to_limit_s_low"] <= told["time_to_limit_s"] <= told["time_to_limit_s_high"]
        hits += told["time_to_limit_s_low"] <= left <= told["time_to_limit_s_high"]
    assert hits / k > 0.8


@pytest.mark.parametrize("side", ["above", "below"])
def test_a_trend_is_told_of_only_on_the_way_to_its_limit(side: str) -> None:
    t = 24 * 14
    x = 20 + 0.02 * np.arange(t)[:, None] + np.random.default_rng(7).normal(0, 0.3, (t, 1))
    x = x if side == "above" else -x
    towards, away = (27, 0) if side == "above" else (-27, 0)
    _, j = judged(TrendRul(limit=towards, side=side), x)
    assert j.alarm.sum() >= 1
    other = "below" if side == "above" else "above"
    _, j = judged(TrendRul(limit=away, side=other), x)
    assert np.nanmax(j.raw) == 0


def test_noise_has_no_trend_more_often_than_the_confidence_says() -> None:
    k = 200
    detector = TrendRul(limit=1e6)
    bank, _ = judged(detector, noise("white", 24 * 14, k))
    assert (state_of(bank, detector).slope_low > 0).mean() <= 0.06  # 2.5 % of each side
