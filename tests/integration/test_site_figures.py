"""Figures of a site beside those of its machines: workers are killed, rows repeat, and the sums stay plain sums."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from schemas.codecs import HEADER
from schemas.control import CONTENT_TYPE
from schemas.encode import encode_frame
from schemas.kpi import KpiRow
from schemas.partition import key_of
from streams.settings import Settings
from streams.sinks.store_init import init_store
from tests.integration.support.influx import points
from tests.integration.support.process import process
from tests.integration.support.produce import Outgoing, send
from tests.integration.support.topics import whole
from tests.integration.support.waiting import until
from tests.integration.support.workers import (
    CONTROL_KEY,
    influx_sink,
    metrics_of,
    running,
    settings_of,
    site_from,
    topics_for,
)  # fmt: skip
from tests.naive.site_sums import last_rows, sums
from tests.servers import InfluxServer, KafkaServer

SECOND = 1_000_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
POWER = {"penang/smt/line1/press4": 8.0, "penang/smt/line2/oven1": 21.5, "penang/die/line3/saw2": 3.25}
SITE = """
[site]
grace = "1s"
kpi_interval = "1s"
demand_window = "30m"
[[machine]]
assets = "*"
energy = { power = "power" }
"""


def minutes(start: int, first: int, last: int) -> list[Outgoing]:
    """A reading a minute of each machine, a little more each time, in frames of ten minutes."""
    out = []
    for begin in range(first, last, 10):
        span = range(begin, min(begin + 10, last))
        for asset, kw in POWER.items():
            values = {"power": [kw + minute * 0.07 for minute in span]}
            out.append(Outgoing(*encode_frame(asset, [start + m * MINUTE for m in span], values), key_of(asset)))
    return out


async def rows_on(settings: Settings, topic: str) -> list[KpiRow]:
    """Rows of a topic in the order of its partitions, workers' records aside."""
    found = await whole(settings.kafka, settings.topic(topic))
    return [KpiRow.model_validate_json(m.value or b"") for m in found if m.headers.get(HEADER) != CONTENT_TYPE]


def windows_of(rows: Iterable[KpiRow], start: int) -> dict[tuple[str, str, int], KpiRow]:
    """The newest rows of the windows that begin within two hours of `start`, by (asset, kpi, begin)."""
    newest = last_rows(rows).values()
    return {(r.asset, r.kpi, r.start): r for r in newest if start <= r.start < start + 2 * HOUR}


@pytest.mark.parametrize("snapshots", ["500ms", "1h"], ids=["saved", "judged_again"])
async def test_workers_are_killed_rows_repeat_and_the_site_is_the_plain_sum_of_last_revisions(
    real_kafka: KafkaServer, topic_prefix: str, tmp_path: Path, snapshots: str
) -> None:
    settings = settings_of(real_kafka, topic_prefix, tick_interval="1s", snapshot_interval=snapshots)
    topics_for(settings)
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    environment = {
        "MILLSTREAM_KAFKA": settings.kafka, "MILLSTREAM_PREFIX": settings.prefix, "MILLSTREAM_GROUP": settings.group,
        "MILLSTREAM_PARTITIONS": str(settings.partitions), "MILLSTREAM_CONTROL_KEY": CONTROL_KEY,
        "MILLSTREAM_SINK": "none", "MILLSTREAM_TICK_INTERVAL": "1s", "MILLSTREAM_PORT": "0",
        "MILLSTREAM_SNAPSHOT_INTERVAL": snapshots, "MILLSTREAM_SESSION_TIMEOUT": "6s",
        "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    start = time.time_ns() // HOUR * HOUR - 3 * HOUR
    for first, last in ((0, 40), (40, 95), (95, 125)):
        with process(environment, "--config", str(tmp_path / "site.toml")) as worker:
            await send("aiokafka", settings.kafka, settings.topic("reading.v1"), minutes(start, first, last))
            reached = start + (last - 10) // 30 * 30 * MINUTE

            async def told(reached: int = reached, worker: subprocess.Popen[str] = worker) -> bool:
                assert worker.poll() is None
                await asyncio.sleep(0.5)  # the worker needs the processor more than who asks
                rows = await rows_on(settings, "kpi.site.v1")
                return ("penang", "demand", reached) in windows_of(rows, start)

            await until(told, 150, "the site's rows follow what was sent")
            worker.kill()

    async with running(settings, site_from(SITE)):

        async def over() -> bool:
            """Whether all machines told their last of all windows, and the site has followed."""
            await asyncio.sleep(0.5)
            last = windows_of(await rows_on(settings, "kpi.v1"), start)
            newest = windows_of(await rows_on(settings, "kpi.site.v1"), start)
            told = [*last.values(), *newest.values()]
            if len(last) < 3 * (2 + 4) or any(row.status == "provisional" for row in told):
                return False
            latest = {row.asset: row.value or 0.0 for row in told if (row.kpi, row.start) == ("energy", start + HOUR)}
            return latest.get("penang") == pytest.approx(sum(latest[asset] for asset in POWER), rel=1e-9)

        await until(over, 150, "all windows are final")
    machines = await rows_on(settings, "kpi.v1")
    told_of = await rows_on(settings, "kpi.site.v1")
    for rows in (machines, told_of):
        by_revision: dict[tuple[object, ...], KpiRow] = {}
        for row in rows:
            key = row.asset, row.kpi, row.product, row.shift, row.start, row.end, row.revision
            assert by_revision.setdefault(key, row) == row, "a row that is told again is the same"
        if snapshots == "1h":
            assert len(by_revision) < len(rows), "rows did repeat"
    newest = windows_of(told_of, start)
    for place in ("penang", "penang/smt", "penang/die"):
        expected = {
            (place, window[0], window[3]): value
            for window, value in sums(machines, place, ("energy", "demand")).items()
            if start <= window[3] < start + 2 * HOUR
        }
        assert len(expected) == 2 + 4
        found = {key: row.value for key, row in newest.items() if key[0] == place and key[1] in ("energy", "demand")}
        assert found == pytest.approx(expected, rel=1e-9)
    highest = max(row.value or 0.0 for (asset, kpi, _), row in newest.items() if (asset, kpi) == ("penang", "demand"))
    peaks = [row for row in last_rows(told_of).values() if row.kpi == "demand_max"]
    assert max(row.value or 0.0 for row in peaks) == highest


async def test_the_site_reaches_the_store_and_the_metrics(
    real_kafka: KafkaServer, topic_prefix: str, influx: InfluxServer, influx_prefix: str
) -> None:
    init_store(influx.url, influx.token, influx.org, influx_prefix)
    settings = settings_of(real_kafka, topic_prefix, tick_interval="1s")
    topics_for(settings)
    start = time.time_ns() // HOUR * HOUR - 2 * HOUR
    async with running(settings, site_from(SITE), influx_sink(influx, influx_prefix)) as worker:
        await send("aiokafka", settings.kafka, settings.topic("reading.v1"), minutes(start, 0, 62))

        async def final() -> bool:
            found = windows_of(await rows_on(settings, "kpi.site.v1"), start).get(("penang", "energy", start))
            return found is not None and found.status == "final"

        await until(final, 60, "the site's hour is final")

        async def measured() -> bool:  # the newest hour, of which something is booked a little later
            return (await metrics_of(worker)).get(("millstream_kpi", "-", "-", "energy", "-", "penang"), 0.0) > 0

        await until(measured, 20, "the metrics have the site's energy")
    kwh = sum(kw + 30 * 0.07 for kw in POWER.values())
    stored = {
        (p.tags["site"], p.tags["area"], p.tags["line"], p.tags["asset"]): p.fields
        for p in points(influx, f"{influx_prefix}main", "kpi")
        if p.time == start and p.tags["kpi"] == "energy"
    }
    assert stored["penang", "-", "-", "-"]["value"] == pytest.approx(kwh, rel=1e-6)
    assert stored["penang", "die", "-", "-"]["value"] == pytest.approx(3.25 + 30 * 0.07, rel=1e-6)
