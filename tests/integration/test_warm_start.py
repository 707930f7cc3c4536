"""Warm start on a real broker: workers begin with what files have taught, and tell nothing of history."""

from __future__ import annotations

import asyncio
import csv
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.encode import encode_single
from schemas.partition import key_of
from schemas.times import format_time
from streams.cli.main import app
from streams.settings import Settings
from tests.integration.support.produce import Outgoing, send
from tests.integration.support.topics import read_topic
from tests.integration.support.waiting import until
from tests.integration.support.workers import CONTROL_KEY, counted, running, settings_of, site_from, topics_for
from tests.servers import KafkaServer

SECOND = 1_000_000_000
ASSET = "penang/smt/line1/oven3"
SITE = """
[[watch]]
name = "level"
series = "*"
detector = { kind = "robust_zscore", warmup = 200 }
[[watch]]
name = "silence"
series = "*"
detector = { kind = "gap" }
"""


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings on topics of this test alone, which are there; the command line finds them too."""
    made = settings_of(real_kafka, topic_prefix)
    topics_for(made)
    for name, value in (
        ("KAFKA", made.kafka), ("PREFIX", made.prefix), ("GROUP", made.group), ("CONTROL_KEY", CONTROL_KEY),
    ):  # fmt: skip
        monkeypatch.setenv(f"MILLSTREAM_{name}", value)
    return made


def history(path: Path, end: int, seconds: int = 600) -> None:
    """A reading each ten seconds up to `end`, of about 20, and an hour out of line at its end."""
    rng = random.Random(3)
    with open(path, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "temp"])
        for i in range(seconds):
            at = end - (seconds - i) * 10 * SECOND
            rows.writerow([format_time(at), 20 + rng.gauss(0, 0.2) + (9 if i > seconds - 30 else 0)])


Run = Callable[..., Any]


@pytest.fixture
def warm(tmp_path: Path) -> Run:
    """`millstream state warm` on a file of history."""

    def run(end: int) -> Any:
        (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
        history(tmp_path / "history.csv", end)
        arguments = ["--config", str(tmp_path / "site.toml"), "--asset", ASSET]
        return CliRunner().invoke(app, ["state", "warm", str(tmp_path / "history.csv"), *arguments])

    return run


async def put(settings: Settings, *values: float) -> None:
    """Readings of the oven, now."""
    start = time.time_ns()
    messages = [
        Outgoing(*encode_single(ASSET, "temp", start + i * 1_000_000, value), key_of(ASSET))
        for i, value in enumerate(values)
    ]
    await send("aiokafka", settings.kafka, settings.topic("reading.v1"), messages)


async def test_workers_judge_from_the_first_reading_on_and_tell_nothing_of_history(
    settings: Settings, warm: Run
) -> None:
    done = await asyncio.to_thread(warm, time.time_ns() - 2 * 3600 * SECOND)
    assert done.exit_code == 0, done.output
    assert "1 series" in done.output
    async with running(settings, site_from(SITE)) as worker:
        await put(settings, 20.1, 19.9, 35.0)
        await until(lambda: counted(worker, "scored") == 3, 20, "judged from the first reading on")
        assert counted(worker, "warming") == 0
        events = await asyncio.to_thread(read_topic, settings.kafka, settings.topic("anomaly.v1"))
        told = [(event.json["watch"], event.json["phase"], event.json["value"]) for event in events]
        assert told == [("level", "opened", 35.0)], "nothing of the history's own fault, nor of the silence since"
    again = await asyncio.to_thread(warm, time.time_ns() - 3600 * SECOND)
    assert again.exit_code == 2
    assert "have learned something already" in again.output


async def test_history_that_ends_in_the_future_is_refused(settings: Settings, warm: Run) -> None:
    done = await asyncio.to_thread(warm, time.time_ns() + 3600 * SECOND)
    assert done.exit_code == 2
    assert "in the future" in done.output
    assert "--timezone" in done.output
