"""`millstream restate` on a real broker: rows read from kpi.v1, and written back with a higher revision."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.kpi import KpiRow
from schemas.partition import key_of
from streams.cli.main import app
from streams.kpi.stored import store_rows
from streams.settings import Settings
from streams.sinks.store_init import init_store
from tests.integration.support.influx import asset_of, points
from tests.integration.support.produce import Outgoing, send
from tests.integration.support.topics import read_topic
from tests.integration.support.workers import influx_sink, settings_of, topics_for
from tests.servers import InfluxServer, KafkaServer

HOUR = 3_600_000_000_000
START = 1_651_363_200_000_000_000  # 2022-05-01T00:00:00Z
ASSET = "penang/smt/line1/press4"
SITE = '[site]\ntimezone = "Asia/Kuala_Lumpur"\n[energy]\ngrid = "peninsular_malaysia"\n'


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = settings_of(real_kafka, topic_prefix)
    topics_for(made)
    for name, value in {"KAFKA": made.kafka, "PREFIX": made.prefix, "SINK": "none"}.items():
        monkeypatch.setenv(f"MILLSTREAM_{name}", value)
    return made


def row(kpi: str, hour: int, value: float, revision: int) -> Outgoing:
    start = START + hour * HOUR
    made = KpiRow(
        asset=ASSET, kpi=kpi, start=start, end=start + HOUR, value=value, unit="kW.h" if kpi == "energy" else "kg",
        coverage=1.0, status="final", revision=revision, config="0" * 12,
    )  # fmt: skip
    return Outgoing(made.model_dump_json().encode(), [], key_of(ASSET, "site"))


async def restate(*arguments: object) -> str:
    result = await asyncio.to_thread(CliRunner().invoke, app, ["restate", *(str(a) for a in arguments)])
    assert result.exit_code == 0, result.output
    return result.output


async def test_carbon_on_the_topic_and_in_the_store_is_restated_once(
    settings: Settings, influx: InfluxServer, influx_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2022 in Peninsular Malaysia: 0.774 kg CO2e/kWh as first published, restated 0.769."""
    await asyncio.to_thread(init_store, influx.url, influx.token, influx.org, influx_prefix)
    of_store = {"SINK": "influx", "URL": influx.url, "TOKEN": influx.token, "ORG": influx.org, "PREFIX": influx_prefix}
    for name, value in of_store.items():
        monkeypatch.setenv("MILLSTREAM_SINK" if name == "SINK" else f"MILLSTREAM_INFLUX_{name}", value)
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    topic = settings.topic("kpi.v1")
    rows = [KpiRow.model_validate_json(row("carbon_location", h, (100.0 + h) * 0.774, 7).value) for h in range(3)]
    await store_rows(influx_sink(influx, influx_prefix), rows)
    told = [row("energy", h, 100.0 + h, 7) for h in range(3)] + [
        row("carbon_location", h, (100.0 + h) * 0.774, 7) for h in range(3)
    ]
    await send("aiokafka", settings.kafka, topic, [*told, Outgoing(b"no figure", [], None), row("energy", 1, 90.0, 6)])
    asked = ("--config", tmp_path / "site.toml", "--from", "2022-05-01", "--to", "2022-05-01T02:00:00Z", "--publish")
    assert "6 rows restated, of 6 windows" in await restate(*asked), "of the machine, its area and its site"
    found = [json.loads(r.value) for r in read_topic(settings.kafka, topic) if r.value and b"restated" in r.value]
    assert [(r["start"], r["revision"]) for r in found] == [(START, 8), (START + HOUR, 8)]
    assert [r["value"] for r in found] == pytest.approx([100 * 0.769, 101 * 0.769])
    kept = {(asset_of(p.tags), p.time): p.fields["value"] for p in points(influx, f"{influx_prefix}main", "kpi")}
    assert [kept["penang", START + h * HOUR] for h in range(2)] == pytest.approx([76.9, 101 * 0.769])
    assert [kept[ASSET, START + h * HOUR] for h in range(3)] == pytest.approx([76.9, 101 * 0.769, 102 * 0.774])
    sums = [json.loads(r.value) for r in read_topic(settings.kafka, settings.topic("kpi.site.v1")) if r.value]
    assert {(r["asset"], r["start"], r["status"]) for r in sums} == {
        (place, START + h * HOUR, "restated") for place in ("penang/smt", "penang") for h in range(2)
    }
    assert {round(r["value"], 6) for r in sums} == {76.9, 77.669}
    keys = {r.key for r in read_topic(settings.kafka, topic) if r.key}
    partitions = {r.partition for r in read_topic(settings.kafka, topic) if r.key}
    assert keys == {key_of(ASSET, "site")}
    assert len(partitions) == 1, "where the worker's rows of the site are"
    assert "0 rows restated" in await restate(*asked)
