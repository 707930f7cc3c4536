"""Gap on series that are sent on change: silent there, and as quick as ever on a series with a pace of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detectors.anomaly.gap import Gap
from detectors.bank import Bank
from detectors.base import Batch
from detectors.calibration import Calibration
from detectors.durations import SECOND

OWN = Calibration(rule="own", rate_per_s=0.0, refractory_ns=0)
DAY_S = 86_400.0


def silences(gaps_s: Any, then_s: float = 0.0, **options: Any) -> list[float]:
    """When silence is told, in seconds from the first reading, of a series with these intervals and then silence."""
    gaps = np.asarray(gaps_s, dtype=float)
    time = np.concatenate(([0.0], gaps.cumsum()))
    at = (time * 1e9).astype(np.int64)
    n = len(at)
    bank = Bank(Gap(**options), OWN)
    bank.grow(1)
    batch = Batch(at, np.zeros(n), np.append(np.nan, gaps), np.ones(n, dtype=bool), np.zeros(n, dtype=np.int32))
    _, found = bank.run_silence(np.zeros(n, dtype=np.int64), batch, at)
    told = [s.time / 1e9 for s in found]
    end = np.array([at[-1] + int(then_s * SECOND)])
    return told + [s.time / 1e9 for s in bank.silent(np.array([0]), end, np.array([-1]))]


def last_told_after(gaps_s: Any, then_s: float) -> float | None:
    """Seconds from the last reading to where its silence is told, None where it is not."""
    told = [t - float(np.sum(gaps_s)) for t in silences(gaps_s, then_s) if t > np.sum(gaps_s)]
    return told[0] if told else None


def bursts(rng: np.random.Generator, n: int) -> Any:
    """Changes of a machine's state: seconds apart while it works, minutes to nights between."""
    return np.where(rng.random(n) < 0.9, rng.uniform(0.1, 3.0, n), 10 * rng.pareto(0.8, n) + 5).clip(0, 3 * DAY_S)


@pytest.mark.parametrize("seed", range(12))
def test_a_series_that_is_sent_on_change_has_no_gaps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gaps = bursts(rng, 4000)
    told = silences(gaps, 7 * DAY_S)
    assert [t for t in told if t > gaps[:300].sum()] == []
    assert len(told) <= 1  # what begins like a sensor with a pace may be taken for one


@pytest.mark.parametrize("interval_s", [0.1, 1.0, 10.0, 300.0, 3600.0])
def test_a_regular_sensors_silence_is_told_after_ten_intervals_or_a_minute(interval_s: float) -> None:
    rng = np.random.default_rng(1)
    for jitter in (0.0, 0.3):
        for n in (5, 20, 500):
            gaps = interval_s * (1 + jitter * rng.uniform(-1, 1, n))
            told = last_told_after(gaps, 100 * interval_s + 600)
            assert told == pytest.approx(max(60.0, 10 * interval_s), rel=0.25)


def test_two_outages_and_lost_messages_leave_a_sensor_its_pace() -> None:
    rng = np.random.default_rng(2)
    gaps = np.where(rng.random(400) < 0.05, 2.0, 1.0)
    gaps[[150, 160]] = 40.0
    assert last_told_after(gaps, 3600.0) == pytest.approx(120.0, rel=0.01)


def test_a_sensor_that_wakes_up_every_hour_is_missed_when_it_does_not() -> None:
    rng = np.random.default_rng(3)
    gaps = np.concatenate([[*rng.uniform(0.8, 1.2, 9), 3600.0 * rng.uniform(0.9, 1.1)] for _ in range(60)])
    told = last_told_after(gaps, 2 * DAY_S)
    assert told == pytest.approx(3 * 3600.0, rel=0.15)
    assert [t for t in silences(gaps) if t > gaps[:200].sum()] == []


def test_each_reading_twice_a_millisecond_apart_is_a_pace_too() -> None:
    gaps = np.tile([0.001, 60.0], 60)
    assert last_told_after(gaps, DAY_S) is not None


def test_with_a_timeout_any_silence_counts() -> None:
    gaps = bursts(np.random.default_rng(5), 300)
    assert len(silences(gaps, DAY_S, timeout="1h")) == int((gaps >= 3600).sum()) + 1


def test_a_series_that_gets_a_pace_is_judged_by_it() -> None:
    gaps = np.concatenate([bursts(np.random.default_rng(6), 500).clip(0, 30), np.full(1000, 1.0)])
    assert last_told_after(gaps, 3600.0) is not None


@pytest.mark.parametrize("version", [1, 2])
def test_state_of_earlier_versions_is_taken_up(version: int) -> None:
    saved = [np.array([5]), np.array([1.0]), np.array([9.0]), np.array([False]), np.array([2.0])][: 3 + version]
    after = Gap().migrate(saved, version)
    assert after is not None
    assert after.ragged.tolist() == [0.0]
    assert Gap().deadline(after)[0] > 5
