"""Metrics of models: warm-up, fit, and alarms beside their budget, by watch."""

from __future__ import annotations

import pytest

from streams.metrics import Metrics
from streams.model_metrics import ModelMetrics, publish_watches
from streams.resolve import resolve
from streams.site import Site
from streams.warming import listed
from tests.unit.models import ROBUST, fed, values


async def test_metrics_are_by_watch() -> None:
    metrics = Metrics()
    gate = {"name": "stuck", "series": "*", "detector": {"kind": "stuck"}}
    await ModelMetrics().publish(metrics, [fed([gate, ROBUST], values("a", 20) + values("b", 60))])
    assert metrics.value("millstream_warmup_ratio", watch="level") == pytest.approx(0.7)
    assert metrics.value("millstream_models_warming", watch="level") == 1
    assert metrics.value("millstream_models_unfit", watch="level") == 0
    assert metrics.value("millstream_models_warming", watch="stuck") == 0


async def test_without_readings_there_is_nothing_to_say() -> None:
    metrics = Metrics()
    engine = fed([ROBUST], [])
    await ModelMetrics().publish(metrics, [engine])
    assert listed([engine]) == {"warming": 0, "series": []}


async def test_counting_waits_fifty_times_as_long_as_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    metrics, of, engine = Metrics(), ModelMetrics(), fed([ROBUST], values("a", 20))
    cold = [fed([ROBUST], values("a", 10))]

    def slow() -> float:
        clock[0] += 1.0
        return clock[0]

    monkeypatch.setattr("streams.model_metrics.time.perf_counter", slow)  # the watch takes a second, writing another
    monkeypatch.setattr("streams.model_metrics.time.monotonic", lambda: clock[0])
    await of.publish(metrics, [engine])
    assert metrics.value("millstream_warmup_ratio", watch="level") == pytest.approx(0.4)
    clock[0] += 98.0
    await of.publish(metrics, cold)
    assert metrics.value("millstream_warmup_ratio", watch="level") == pytest.approx(0.4), "not so soon"
    clock[0] += 1.0
    await of.publish(metrics, cold)
    assert metrics.value("millstream_warmup_ratio", watch="level") == pytest.approx(0.2)


async def test_alarms_stand_beside_their_budget() -> None:
    """1/day is 1/86,400 a second; ten alarms in the time of two series show as their rate."""
    metrics = Metrics()
    messages = values("a", 200) + values("b", 200)
    for message in messages[100:200:10]:
        message["value"] += 50.0 + message["time"] % 7
    engine = fed([{**ROBUST, "false_alarms": "1/day", "refractory": "1s"}], messages)
    state = engine.watches[0].bank.calibrated
    assert state.alarms.sum() >= 1
    await ModelMetrics().publish(metrics, [engine])
    assert metrics.value("millstream_alarm_budget_per_second", watch="level") == pytest.approx(1 / 86_400)
    assert metrics.value("millstream_alarm_rate_per_second", watch="level") == pytest.approx(
        state.alarms.sum() / state.watched_s.sum()
    )
    low, high = sorted(state.threshold.tolist())
    assert low < high
    assert metrics.value("millstream_alarm_threshold", watch="level") == pytest.approx((low + high) / 2)


def test_watches_say_whether_they_judge_sensors_or_the_process() -> None:
    metrics = Metrics()
    gate = {"name": "stuck", "series": "*", "detector": {"kind": "stuck"}}
    limits = {"kind": "limits", "low": 0.5}
    figure = {"name": "effectiveness", "series": "*/kpi:oee", "detector": limits}
    range_ = {"name": "range", "series": "*", "detector": limits}
    machine = {"assets": "*", "state": {"series": "state", "words": {"r": "producing"}}}
    site = Site.model_validate({"watch": [gate, ROBUST, figure, range_], "machine": [machine]})
    publish_watches(metrics, [resolve(site)])
    assert metrics.value("millstream_watch_info", watch="range", kind="limits", judges="health") == 1
    assert metrics.value("millstream_watch_info", watch="effectiveness", kind="limits", judges="process") == 1
    assert metrics.value("millstream_watch_info", watch="stuck", kind="stuck", judges="health") == 1
    assert metrics.value("millstream_watch_info", watch="level", kind="robust_zscore", judges="process") == 1
