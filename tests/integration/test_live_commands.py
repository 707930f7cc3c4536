"""Commands on a running worker: from command.v1 through the log to audit.v1, and site files on the fly."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from schemas.audit import Audit
from schemas.encode import encode_single
from schemas.partition import key_of, partition_of
from streams.command_client import configure_command, new_command, records_for
from streams.command_client import send as send_command
from streams.settings import Settings
from tests.integration.support.process import process
from tests.integration.support.produce import Outgoing, send
from tests.integration.support.topics import whole
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
from tests.servers.net import free_port

SECOND = 1_000_000_000
ASSET = "penang/smt/line1/oven3"
PARTITIONS = 3
HOME = partition_of(key_of(ASSET), PARTITIONS)
TOML = """
[site]
version = {version}
store = "all"

[[watch]]
name = "high"
series = "*"
detector = {{ kind = "limits", high = {high} }}
"""


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str) -> Settings:
    """Settings on topics of this test alone, which are there."""
    made = settings_of(real_kafka, topic_prefix, partitions=PARTITIONS)
    topics_for(made)
    return made


async def put(settings: Settings, values: Sequence[float], start: int) -> None:
    messages = [
        Outgoing(*encode_single(ASSET, "temp", start + i * SECOND, value), key_of(ASSET))
        for i, value in enumerate(values)
    ]
    await send("aiokafka", settings.kafka, settings.topic("reading.v1"), messages)


async def ask(settings: Settings, command_of: object) -> list[Audit]:
    """Send a command as the command line does, and give the answers."""

    def act() -> list[Audit]:
        return list(send_command(settings, command_of, records_for(command_of, PARTITIONS), 20.0))  # type: ignore[arg-type]

    return await asyncio.to_thread(act)


async def phases(settings: Settings) -> list[tuple[object, object]]:
    return [(m.json["phase"], m.json["reason"]) for m in await whole(settings.kafka, settings.topic("anomaly.v1"))]


async def test_a_mute_is_answered_kept_over_a_restart_and_ended(settings: Settings) -> None:
    start = time.time_ns() - 300 * SECOND
    site = site_from(TOML.format(version=1, high=30))
    until_ns = time.time_ns() + 3600 * SECOND
    async with running(settings, site, MemorySink()) as worker:
        await put(settings, [20.0, 40.0], start)
        await until(lambda: counted(worker) == 2, 20, "the readings are counted")
        mute = new_command("mute", "ann", target={"asset": ASSET}, payload={"until": until_ns})
        (answer,) = await ask(settings, mute)
        assert (answer.outcome, answer.partition, answer.command_id) == ("accepted", HOME, mute.command_id)
        (again,) = await ask(settings, mute)
        assert again.outcome in ("accepted", "repeated")
        await until(lambda: worker.metrics.value("millstream_events_total", phase="closed") == 1, 10, "it is closed")
    async with running(settings, site, MemorySink()) as worker:
        await put(settings, [50.0, 60.0], start + 10 * SECOND)
        await until(lambda: counted(worker) == 2, 20, "the readings are counted")
        assert counted(worker, "muted") == 2
        unmute = new_command("mute", "ann", target={"asset": ASSET}, payload={"until": 0})
        (answer,) = await ask(settings, unmute)
        assert answer.outcome == "accepted"
        await put(settings, [20.0, 70.0], start + 20 * SECOND)
        await until(lambda: counted(worker) == 4, 20, "the readings are counted")
        assert counted(worker, "scored") == 2
    assert await phases(settings) == [("opened", None), ("closed", "muted"), ("opened", None)]


async def test_a_command_that_is_none_is_refused_with_the_reason_and_the_rest_goes_on(settings: Settings) -> None:
    async with running(settings, site_from(TOML.format(version=1, high=30)), MemorySink()) as worker:
        topic = settings.topic("command.v1")
        await send("aiokafka", settings.kafka, topic, [Outgoing(b'{"command_id": "x", "kind": "dance"}', [], None)])
        (answer,) = await ask(settings, new_command("rebaseline", "ann", target={"asset": ASSET}))
        assert answer.outcome == "refused"
        assert answer.why, "nothing matches yet"

        async def told() -> list[dict[str, object]]:
            rows = [m.json for m in await whole(settings.kafka, settings.topic("audit.v1"))]
            return [row for row in rows if row["command_id"] == "x"]

        (refused,) = await until(told, 20, "the malformed one is answered too")
        assert refused["outcome"] == "refused"
        assert not worker.failed.done()


async def test_a_configuration_is_taken_up_by_all_partitions_without_a_restart(settings: Settings) -> None:
    start = time.time_ns() - 300 * SECOND
    async with running(settings, site_from(TOML.format(version=1, high=30)), MemorySink()) as worker:
        await put(settings, [20.0, 25.0], start)
        await until(lambda: counted(worker) == 2, 20, "the readings are counted")
        stale = await ask(settings, configure_command(site_from(TOML.format(version=1, high=22)), "ann"))
        assert {a.outcome for a in stale} == {"refused"}
        assert "version" in str(stale[0].why)
        answers = await ask(settings, configure_command(site_from(TOML.format(version=2, high=22)), "ann"))
        assert sorted((a.partition, a.outcome) for a in answers) == [(p, "accepted") for p in range(PARTITIONS)]
        await put(settings, [26.0], start + 10 * SECOND)
        await until(lambda: worker.metrics.value("millstream_events_total", phase="opened") == 1, 10, "it is judged so")


def environment(settings: Settings) -> dict[str, str]:
    return {
        "MILLSTREAM_KAFKA": settings.kafka, "MILLSTREAM_PREFIX": settings.prefix, "MILLSTREAM_GROUP": settings.group,
        "MILLSTREAM_PARTITIONS": str(PARTITIONS), "MILLSTREAM_CONTROL_KEY": CONTROL_KEY, "MILLSTREAM_SINK": "none",
        "MILLSTREAM_PORT": str(free_port()), "MILLSTREAM_SNAPSHOT_INTERVAL": "1s",
    }  # fmt: skip


async def test_sighup_puts_the_changed_file_into_force_and_refuses_a_wrong_one_whole(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "site.toml"
    file.write_text(TOML.format(version=1, high=30))
    start = time.time_ns() - 300 * SECOND

    async def configured() -> list[object]:
        rows = [m.json for m in await whole(settings.kafka, settings.topic("audit.v1"))]
        return [row["config"] for row in rows if row["kind"] == "configure" and row["command_id"]]

    with process(environment(settings), "--config", str(file)) as child:
        await put(settings, [20.0, 25.0], start)
        await until_said(child, "worker started")
        file.write_text("[site]\nversion = 2\nnonsense = true\n")
        child.send_signal(signal.SIGHUP)
        assert "nonsense" in await until_said(child, "the site file is wrong")
        assert await configured() == []
        file.write_text(TOML.format(version=2, high=22))
        child.send_signal(signal.SIGHUP)
        await until_said(child, "the site file was read again")
        rows = await until(configured, 40, "a partition has taken it up")
        assert len(set(rows)) == 1
        await put(settings, [27.0], start + 20 * SECOND)

        async def opened() -> bool:
            return ("opened", None) in await phases(settings)

        await until(opened, 20, "readings are judged by it")
        child.terminate()
        output, _ = await asyncio.to_thread(child.communicate, timeout=30)
    assert child.returncode == 0, output
    assert "Traceback" not in output


async def until_said(child: subprocess.Popen[str], words: str) -> str:
    """The next line of a process that has these words in it."""
    assert child.stdout is not None
    while line := await asyncio.wait_for(asyncio.to_thread(child.stdout.readline), 40):
        if words in line:
            return line
    raise AssertionError(f"it ended without saying: {words}")
