"""`millstream state` on a real broker: what is listed, shown and dropped."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from typer.testing import CliRunner

from schemas.encode import encode_single
from schemas.partition import key_of, partition_of
from streams.cli.main import app
from streams.settings import Settings
from tests.integration.support.produce import Outgoing, send
from tests.integration.support.waiting import until
from tests.integration.support.workers import (
    CONTROL_KEY,
    MemorySink,
    counted,
    running,
    settings_of,
    site_from,
    topics_for,
)
from tests.servers import KafkaServer

SECOND = 1_000_000_000
ASSET = "penang/smt/line1/oven3"
PARTITIONS = 2
HOME = partition_of(key_of(ASSET), PARTITIONS)
SITE = site_from('[[watch]]\nname = "level"\nseries = "*"\ndetector = { kind = "robust_zscore", warmup = 20 }\n')


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = settings_of(real_kafka, topic_prefix, partitions=PARTITIONS)
    topics_for(made)
    given = {"KAFKA": made.kafka, "PREFIX": made.prefix, "GROUP": made.group, "CONTROL_KEY": CONTROL_KEY}
    for name, value in given.items():
        monkeypatch.setenv(f"MILLSTREAM_{name}", value)
    return made


async def run(*arguments: str, status: int = 0) -> str:
    """What a command says, on either channel."""
    result = await asyncio.to_thread(CliRunner().invoke, app, ["state", *arguments])
    assert result.exit_code == status, result.output
    return result.output


async def learned(settings: Settings, values: list[float], episodes: int, first: int = 0) -> tuple[int, int]:
    """Let a worker judge a reading a second, and stop it; how many were warming, and counted."""
    start = time.time_ns() - 600 * SECOND
    messages = [
        Outgoing(*encode_single(ASSET, "temp", start + (first + i) * SECOND, value), key_of(ASSET))
        for i, value in enumerate(values)
    ]
    async with running(settings, SITE, MemorySink()) as worker:
        await send("aiokafka", settings.kafka, settings.topic("reading.v1"), messages)
        await until(lambda: counted(worker) == len(values), 30, "the readings are judged")

        async def saved() -> bool:
            manifest = (await worker.state.newest(HOME)).manifest
            return manifest is not None and manifest.next_offset >= len(values) and manifest.episodes == episodes

        await until(saved, 30, "and saved, with the episodes that they opened")
        return counted(worker, "warming"), counted(worker)


async def test_snapshots_are_listed_shown_and_dropped(settings: Settings) -> None:
    wave = [20.0 + i % 5 * 0.1 for i in range(60)]
    warming, _ = await learned(settings, [*wave, 90.0], 1)
    assert warming > 0

    listed = [json.loads(line) for line in (await run("ls", "--json")).splitlines()]
    assert [row["partition"] for row in listed] == [0, 1]
    home = listed[HOME]
    assert (home["series"], home["episodes"], home["behind"]) == (1, 1, 0)
    assert home["offset"] >= 61
    assert home["bytes"] > 100
    assert 0 <= home["age_s"] < 60
    table = await run("ls")
    assert table.splitlines()[0].split() == [
        "PARTITION", "GENERATION", "OFFSET", "BEHIND", "AGE", "BYTES", "SERIES", "EPISODES", "CONFIG",
    ]  # fmt: skip
    assert SITE.hash in table

    (row,) = [json.loads(line) for line in (await run("show", str(HOME), "--json", "--asset", "*/oven3")).splitlines()]
    assert (row["asset"], row["series"], row["watch"], row["warm"]) == (ASSET, "temp", "level", 1.0)
    assert row["severity"] > 0
    assert "1 baselines, 1 with an open episode" in await run("show", str(HOME), "--watch", "level")
    assert "0 baselines" in await run("show", str(HOME), "--watch", "another")
    assert "has partitions 0 to 1" in await run("show", "7", status=2)

    assert "say --yes" in await run("drop", str(HOME), status=2)
    assert "name the partitions" in await run("drop", "--yes", status=2)
    async with running(settings, SITE, MemorySink()):
        assert "has 1 worker at work" in await run("drop", "--all", "--yes", status=2)
    said = await run("drop", str(HOME), "--yes")
    assert f"partition {HOME}: forgotten (1 series, 1 open episodes)" in said
    assert "learning starts afresh" in said
    listed = [json.loads(line) for line in (await run("ls", "--json")).splitlines()]
    assert "generation" not in listed[HOME]
    assert "generation" in listed[1 - HOME]

    again, seen = await learned(settings, wave, 0, 100)
    assert again == warming, "learning starts afresh"
    assert seen == len(wave), "what was judged before is not judged again"


async def test_without_snapshots_there_is_nothing_to_list_or_drop(settings: Settings) -> None:
    listed = [json.loads(line) for line in (await run("ls", "--json")).splitlines()]
    assert listed == [{"partition": 0}, {"partition": 1}]
    assert "has no snapshot" in await run("show", "0", status=2)
    assert "partition 1: forgotten (there was nothing)" in await run("drop", "--all", "--yes")
