"""What is still warming up: how far each series is, what it lacks, in metrics and at /warmup."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from detectors.durations import SECOND
from schemas.chunk import Record
from schemas.decode import Decoder
from streams.engine import Engine
from streams.metrics import Metrics
from streams.resolve import resolve
from streams.site import Site
from streams.warming import WarmthMetrics, listed

START = 1_767_600_000 * SECOND
ROBUST = {"name": "level", "series": "*", "detector": {"kind": "robust_zscore", "warmup": 50}}


def fed(watches: list[dict[str, Any]], messages: list[dict[str, Any]]) -> Engine:
    engine = Engine(0, 1, resolve(Site.model_validate({"watch": watches})))
    records = [Record(i, m["time"], None, json.dumps(m).encode()) for i, m in enumerate(messages)]
    engine.feed(Decoder(b"").decode(records, 0))
    return engine


def values(series: str, n: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    return [
        {"asset": "m1", "series": series, "time": START + i * SECOND, "value": 20 + float(rng.normal())}
        for i in range(n)
    ]


def test_it_says_per_cent_and_how_many_readings_are_missing() -> None:
    told = listed([fed([ROBUST], values("a", 20) + values("b", 60))])
    assert told["warming"] == 1
    assert told["series"][0] == {
        "asset": "m1", "series": "a", "watch": "level", "mode": None, "done": 0.4, "missing_readings": 30,
        "missing_s": None, "done_percent": 40.0,
    }  # fmt: skip


def test_of_a_warm_up_stated_as_a_time_it_says_how_long() -> None:
    watch = {**ROBUST, "detector": {"kind": "robust_zscore", "warmup": "2m"}}
    one = listed([fed([watch], values("a", 31))])["series"][0]
    assert one["done"] == pytest.approx(0.25)
    assert one["missing_s"] == pytest.approx(90.0)
    assert one["missing_readings"] is None


def test_each_mode_warms_up_on_its_own() -> None:
    states = [{"asset": "m1", "series": "state", "time": START + i * SECOND, "value": "ab"[i % 2]} for i in range(20)]
    messages = [m for pair in zip(states, values("x", 20), strict=True) for m in pair]
    told = listed([fed([{**ROBUST, "by": "state"}], messages)])
    assert [(one["mode"], one["missing_readings"]) for one in told["series"]] == [("a", 40), ("b", 40)]


def test_asking_changes_nothing() -> None:
    engine = fed([ROBUST], values("a", 20))
    before = repr(engine.snapshot())
    listed([engine])
    assert repr(engine.snapshot()) == before


async def test_metrics_are_by_watch() -> None:
    metrics = Metrics()
    gate = {"name": "stuck", "series": "*", "detector": {"kind": "stuck"}}
    await WarmthMetrics().publish(metrics, [fed([gate, ROBUST], values("a", 20) + values("b", 60))])
    assert metrics.value("millstream_warmup_ratio", watch="level") == pytest.approx(0.7)
    assert metrics.value("millstream_models_warming", watch="level") == 1
    assert metrics.value("millstream_models_unfit", watch="level") == 0
    assert metrics.value("millstream_models_warming", watch="stuck") == 0


async def test_without_readings_there_is_nothing_to_say() -> None:
    metrics = Metrics()
    engine = fed([ROBUST], [])
    await WarmthMetrics().publish(metrics, [engine])
    assert listed([engine]) == {"warming": 0, "series": []}


async def test_counting_waits_fifty_times_as_long_as_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]

    def slow() -> float:
        clock[0] += 1.0
        return clock[0]

    monkeypatch.setattr("streams.warming.time.perf_counter", slow)  # each watch takes a second
    monkeypatch.setattr("streams.warming.time.monotonic", lambda: clock[0])
    metrics, of, engine = Metrics(), WarmthMetrics(), fed([ROBUST], values("a", 20))
    await of.publish(metrics, [engine])
    assert metrics.value("millstream_warmup_ratio", watch="level") == pytest.approx(0.4)
    cold = [fed([ROBUST], values("a", 10))]
    clock[0] += 49.0
    await of.publish(metrics, cold)
    assert metrics.value("millstream_warmup_ratio", watch="level") == pytest.approx(0.4), "not so soon"
    clock[0] += 1.0
    await of.publish(metrics, cold)
    assert metrics.value("millstream_warmup_ratio", watch="level") == pytest.approx(0.2)


def test_a_row_that_starts_over_is_warming_again() -> None:
    engine = fed([ROBUST], values("a", 60))
    assert listed([engine])["warming"] == 0
    (watch,) = engine.watches
    watch.bank.forget(np.array([0]))
    assert [one["done"] for one in listed([engine])["series"]] == [0.0]
