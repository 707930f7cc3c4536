"""Key figures of a worker on real servers: on kpi.v1, in the store and in the metrics, the same after a restart."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from schemas.codecs import HEADER
from schemas.control import CONTENT_TYPE
from schemas.encode import encode_frame
from schemas.partition import key_of
from streams.settings import Settings
from streams.sinks.store_init import init_store
from tests.integration.support.influx import points
from tests.integration.support.produce import Outgoing, send
from tests.integration.support.topics import read_topic
from tests.integration.support.waiting import until
from tests.integration.support.workers import influx_sink, metrics_of, running, settings_of, site_from, topics_for
from tests.servers import InfluxServer, KafkaServer

SECOND = 1_000_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
ASSET = "penang/smt/line1/press4"
SITE = site_from("""
[site]
grace = "1s"
kpi_interval = "1s"
[[machine]]
assets = "*"
state = { series = "state", words = { RUN = "producing", STOP = "down" } }
parts = { total = "total", reject = "reject", ideal = "1m" }
energy = { power = "power" }
""")


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str) -> Settings:
    """Settings on topics of this test alone, with ticks, so that figures are told of though nothing comes."""
    made = settings_of(real_kafka, topic_prefix, tick_interval="1s")
    topics_for(made)
    return made


def hour(start: int) -> list[Outgoing]:
    """An hour and a minute: 45 minutes at 8 kW that make a part each, 5 of them rejected, then a stop at 2 kW."""
    out = []
    for first in range(0, 62, 31):
        minutes = range(first, first + 31)
        series: dict[str, list[Any]] = {
            "state": ["RUN" if m < 45 else "STOP" for m in minutes],
            "total": [100 + min(m, 45) for m in minutes],
            "reject": [min(m // 9, 5) for m in minutes],
            "power": [8.0 if m < 45 else 2.0 for m in minutes],
        }
        frame = encode_frame(ASSET, [start + m * MINUTE for m in minutes], series)
        out.append(Outgoing(*frame, key_of(ASSET)))
    return out


def rows(settings: Settings) -> list[dict[str, Any]]:
    """What is on kpi.v1, workers' ticks aside."""
    records = read_topic(settings.kafka, settings.topic("kpi.v1"))
    return [json.loads(record.value or b"") for record in records if record.headers[HEADER] != CONTENT_TYPE]


def finals(settings: Settings, start: int) -> dict[str, dict[str, Any]]:
    """Final rows of the window that begins then, by figure."""
    return {row["kpi"]: row for row in rows(settings) if row["start"] == start and row["status"] != "provisional"}


async def test_oee_and_energy_of_an_hour_reach_topic_store_and_metrics(
    settings: Settings, influx: InfluxServer, influx_prefix: str
) -> None:
    init_store(influx.url, influx.token, influx.org, influx_prefix)
    start = time.time_ns() // HOUR * HOUR - 2 * HOUR
    expected = {
        "availability": 45 / 60, "effectiveness": 1.0, "quality": 40 / 45, "oee": 45 / 60 * 40 / 45,
        "produced": 45.0, "good": 40.0, "energy": (45 * 8 + 15 * 2 - 3) / 60, "idle_energy": 15 * 2 / 60,
    }  # fmt: skip
    async with running(settings, SITE, influx_sink(influx, influx_prefix)) as worker:
        await send("aiokafka", settings.kafka, settings.topic("reading.v1"), hour(start))

        async def told() -> dict[str, dict[str, Any]] | None:
            found = await asyncio.to_thread(finals, settings, start)
            return found if "oee" in found else None

        found = await until(told, 40, "the hour is final on kpi.v1")
        shown = {name: found[name]["value"] for name in expected}
        assert shown == pytest.approx(expected)
        assert {row["status"] for row in found.values()} == {"final"}
        assert found["oee"]["coverage"] == 1.0
        measured = await metrics_of(worker)
        assert measured["millstream_kpi", "smt", "press4", "good", "line1", "penang"] == 0.0, (
            "of the hour that has begun"
        )
    again = {row["revision"] for row in rows(settings) if row["kpi"] == "oee" and row["start"] == start}
    assert len(again) == max(again), "every revision once"
    async with running(settings, SITE, influx_sink(influx, influx_prefix)) as worker:
        await until(lambda: worker.metrics.value("millstream_partitions_assigned") is not None, 20, "it runs again")
    assert finals(settings, start) == found, "a restart tells nothing else"
    stored = {
        point.tags["kpi"]: point.fields
        for point in await asyncio.to_thread(points, influx, f"{influx_prefix}main", "kpi")
        if point.time == start
    }
    assert {name: stored[name]["value"] for name in expected} == pytest.approx(expected)
    assert stored["oee"]["status"] == "final"
