"""The worker at its edges: stores that are away, bugs, silence, signals, wrong settings, workers that come and go."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from detectors.anomaly.robust_zscore import RobustZscore
from detectors.base import Batch, Verdict
from detectors.registry import REGISTRY
from schemas.encode import encode_frame, encode_single
from schemas.errors import Misconfigured, Retry
from schemas.partition import key_of, partition_of
from streams.run import check_before
from streams.settings import Settings, load_settings
from streams.sinks.store_init import init_store
from streams.worker import Worker
from tests.integration.support.influx import asset_of, points
from tests.integration.support.process import accepts, arguments_of, listening, process
from tests.integration.support.produce import Outgoing, send
from tests.integration.support.topics import committed, end_offsets, whole
from tests.integration.support.waiting import until
from tests.integration.support.workers import (
    CONTROL_KEY,
    MemorySink,
    counted,
    get,
    influx_sink,
    running,
    settings_of,
    site_from,
    topics_for,
)
from tests.servers import InfluxServer, KafkaServer
from tests.servers.net import free_port

SECOND = 1_000_000_000
EVERYTHING = site_from('[site]\nstore = "all"\n')
PARTITIONS = 4
ASSET = "penang/smt/line1/oven3"
HOME = partition_of(key_of(ASSET), PARTITIONS)


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str) -> Settings:
    """Settings on topics of this test alone, which are there."""
    made = settings_of(real_kafka, topic_prefix, partitions=PARTITIONS)
    topics_for(made)
    return made


def singles(count: int, start: int, asset: str = ASSET, series: str = "temp") -> list[Outgoing]:
    """Readings of one series, a millisecond apart."""
    return [
        Outgoing(*encode_single(asset, series, start + i * 1_000_000, 20.0 + i % 7), key_of(asset))
        for i in range(count)
    ]


async def put(settings: Settings, messages: Sequence[Outgoing]) -> None:
    """Send messages to the reading topic."""
    await send("aiokafka", settings.kafka, settings.topic("reading.v1"), messages)


async def position(settings: Settings) -> dict[int, int]:
    """What the group has committed of the reading topic."""
    return await asyncio.to_thread(committed, settings.kafka, settings.group, settings.topic("reading.v1"))


async def ends(settings: Settings) -> dict[int, int]:
    """Where the reading topic ends."""
    return await asyncio.to_thread(end_offsets, settings.kafka, settings.topic("reading.v1"))


async def settled(settings: Settings, worker: Worker) -> dict[int, int]:
    """Wait until the worker has committed all there is, its own control records too."""

    async def all_committed() -> dict[int, int] | None:
        assert not worker.failed.done()
        there = await ends(settings)
        return there if await position(settings) == {p: n for p, n in there.items() if n} else None

    found: dict[int, int] = await until(all_committed, 20, "everything committed")
    return found


# --- at least once


async def test_while_the_store_is_away_nothing_is_acknowledged_and_nothing_is_lost(settings: Settings) -> None:
    sink, start = MemorySink(), time.time_ns()
    async with running(settings, EVERYTHING, sink) as worker:
        before = await settled(settings, worker)
        sink.away = True
        await put(settings, singles(500, start))
        await until(lambda: len(sink.failed_at) >= 3, 20, "three tries")
        first_try = sink.failed_at[0]
        await put(settings, singles(500, start + SECOND))
        # longer than the commit interval of a second, with more readings waiting behind
        await until(lambda: sink.failed_at[-1] - first_try > 1.5, 40, "tries over more than a commit interval")
        assert await position(settings) == before
        assert sink.points == {}
        assert worker.metrics.value("millstream_sink_retries_total", sink="sink") >= 3
        assert not worker.failed.done()
        sink.away = False
        await until(lambda: counted(worker) == 1000, 40, "all readings counted")
        after = await settled(settings, worker)
    assert after[HOME] == before[HOME] + 1000
    assert {when for _, _, when in sink.points} == {
        start + second * SECOND + i * 1_000_000 for second in (0, 1) for i in range(500)
    }


async def test_a_bug_in_the_sink_fails_the_worker_and_commits_nothing(settings: Settings) -> None:
    sink = MemorySink()
    async with running(settings, EVERYTHING, sink) as worker:
        before = await settled(settings, worker)
        sink.bug = RuntimeError("a bug of the sink")
        await put(settings, singles(10, time.time_ns()))
        await until(worker.failed.done, 20, "the worker says that it failed")
        with pytest.raises(RuntimeError, match="a bug of the sink"):
            worker.failed.result()
        assert (await get(worker, "/healthz"))[0] == 503
        assert (await get(worker, "/readyz"))[0] == 503
        await put(settings, singles(10, time.time_ns()))
    assert sink.tries == 1, "nothing is taken after the bug"
    assert await position(settings) == before
    sink.bug = None
    async with running(settings, EVERYTHING, sink) as worker:
        await until(lambda: counted(worker) == 20, 20, "the next worker takes them all")


class Buggy(RobustZscore):
    """A detector with a bug."""

    kernel = None  # or the compiled way would pass over what is overridden here

    def step(self, state: Any, batch: Batch) -> tuple[Any, Verdict]:
        if (batch.x > 1000).any():
            raise ZeroDivisionError("a bug of the detector")
        return super().step(state, batch)


async def test_a_bug_in_the_engine_fails_the_worker_and_commits_nothing(settings: Settings) -> None:
    registry = REGISTRY | {"robust_zscore": Buggy}
    async with running(settings, EVERYTHING, MemorySink(), registry=registry) as worker:
        await put(settings, singles(1, time.time_ns()))
        await until(lambda: counted(worker) == 1, 20, "a good reading counted")
        before = await settled(settings, worker)
        bad = encode_single(ASSET, "temp", time.time_ns(), 1001.0)
        await put(settings, [Outgoing(*bad, key_of(ASSET))])
        await until(worker.failed.done, 20, "the worker says that it failed")
        assert isinstance(worker.failed.exception(), ZeroDivisionError)
    assert await position(settings) == before


# --- before the start


def test_missing_topics_are_named_with_the_command_that_makes_them(real_kafka: KafkaServer, topic_prefix: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        check_before(settings_of(real_kafka, topic_prefix))
    first, *_ = lines = str(caught.value).splitlines()
    assert first.startswith(f"topic {topic_prefix}reading.v1: missing")
    assert all("run: millstream topics" in line for line in lines)


def test_a_missing_or_short_control_key_is_named_before_anything_starts(
    real_kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MILLSTREAM_CONTROL_KEY", raising=False)
    for key in (None, "short"):
        settings = load_settings(kafka=real_kafka.bootstrap, control_key=key)
        with pytest.raises(Misconfigured, match=r"MILLSTREAM_CONTROL_KEY .* openssl rand -hex 32"):
            check_before(settings)


def test_no_broker_is_the_worlds_fault() -> None:
    nobody = f"127.0.0.1:{free_port()}"
    with pytest.raises(Retry, match=nobody):
        check_before(load_settings(kafka=nobody, control_key=CONTROL_KEY))


# --- readiness


async def test_a_worker_whose_store_is_not_ready_says_why(settings: Settings) -> None:
    sink = MemorySink()
    async with running(settings, EVERYTHING, sink) as worker:
        assert await get(worker, "/readyz") == (200, "ok\n")
        sink.why = "the disk is full; make room"
        assert await get(worker, "/readyz") == (503, "the disk is full; make room\n")
        assert await get(worker, "/healthz") == (200, "ok\n"), "a restart would not help"


async def test_a_worker_without_partitions_is_not_ready(real_kafka: KafkaServer, topic_prefix: str) -> None:
    settings = settings_of(real_kafka, topic_prefix, partitions=1)
    topics_for(settings)
    async with running(settings, EVERYTHING) as first:
        second = Worker(settings, EVERYTHING, None)
        try:
            await second.start()

            async def refused() -> tuple[Worker, str] | None:
                # in the middle of a rebalance neither has it
                idle, busy = sorted((first, second), key=lambda w: len(w.assigned))
                status, text = await get(idle, "/readyz")
                return (idle, text) if busy.assigned and not idle.assigned and status == 503 else None

            idle, text = await until(refused, 30, "one of two workers on one partition is not ready")
            assert text.startswith("no partition is assigned")
            assert "millstream topics" in text
            assert (await get(idle, "/healthz"))[0] == 200
        finally:
            await second.stop()


# --- silence

GAP = """
[[watch]]
name = "gap"
series = "*"
detector = { kind = "gap", timeout = "1s" }
"""


async def test_a_series_that_falls_silent_is_told_of_on_time_with_nothing_else_in_the_partition(
    real_kafka: KafkaServer, topic_prefix: str
) -> None:
    settings = settings_of(real_kafka, topic_prefix, partitions=PARTITIONS, tick_interval="200ms")
    topics_for(settings)
    topic = settings.topic("anomaly.v1")
    async with running(settings, site_from(GAP)) as worker:
        last = time.time_ns()
        await put(settings, singles(1, last))
        await until(lambda: worker.metrics.value("millstream_events_total", phase="opened"), 15, "the gap is told of")
        (opened,) = (m.json for m in await whole(settings.kafka, topic))
        # back again
        back = time.time_ns()
        await put(settings, singles(1, back))
        await until(lambda: worker.metrics.value("millstream_events_total", phase="closed"), 15, "the gap is closed")
        _, closed = (m.json for m in await whole(settings.kafka, topic))
        assert counted(worker) == 2, "ticks are no readings"
    arrived = [m.timestamp * 1_000_000 for m in await whole(settings.kafka, settings.topic("reading.v1")) if m.key]
    assert (opened["time"], opened["phase"], opened["watch"]) == (last + SECOND, "opened", "gap")
    assert opened["received"] == arrived[0] + SECOND, "the deadline, not the tick that noticed it"
    assert 0 <= int(str(opened["detected"])) - int(str(opened["received"])) < 2 * SECOND
    assert (closed["time"], closed["phase"], closed["episode_id"]) == (back, "closed", opened["episode_id"])


# --- the process


async def test_a_worker_process_listens_on_loopback_alone_and_ends_well_on_sigterm(
    settings: Settings, influx: InfluxServer, influx_prefix: str
) -> None:
    init_store(influx.url, influx.token, influx.org, influx_prefix)
    port, start = free_port(), time.time_ns()
    environment = {
        "MILLSTREAM_KAFKA": settings.kafka, "MILLSTREAM_PREFIX": settings.prefix, "MILLSTREAM_GROUP": settings.group,
        "MILLSTREAM_PARTITIONS": str(PARTITIONS), "MILLSTREAM_CONTROL_KEY": CONTROL_KEY,
        "MILLSTREAM_PORT": str(port), "MILLSTREAM_INFLUX_URL": influx.url, "MILLSTREAM_INFLUX_TOKEN": influx.token,
        "MILLSTREAM_INFLUX_ORG": influx.org, "MILLSTREAM_INFLUX_PREFIX": influx_prefix,
        "MILLSTREAM_LOG_LEVEL": "debug",
    }  # fmt: skip
    with process(environment) as child:
        await until(lambda: child.poll() is not None or accepts(port), 30, "the worker listens")
        assert child.poll() is None, child.stdout.read() if child.stdout else ""
        await put(settings, singles(100, start))

        async def taken() -> bool:
            return (await position(settings)).get(HOME, 0) >= 100

        await until(taken, 30, "the readings are taken and committed")
        if sys.platform == "linux":
            assert listening(child.pid) == {f"0100007F:{port:04X}"}
            words = arguments_of(child.pid)
            assert CONTROL_KEY not in words
            assert influx.token not in words
        child.send_signal(signal.SIGTERM)
        ended = time.monotonic()
        output, _ = await asyncio.to_thread(child.communicate, timeout=20)
        assert time.monotonic() - ended < 15
    assert child.returncode == 0, output
    assert "worker started" in output
    assert "worker stopped" in output
    assert "Traceback" not in output
    assert CONTROL_KEY not in output
    assert influx.token not in output
    assert points(influx, f"{influx_prefix}raw", "reading")


@pytest.mark.parametrize(
    ("environment", "said", "status"),
    [
        ({}, "Kafka, 127.0.0.1:{free}", 1),
        ({"MILLSTREAM_CONTROL_KEY": ""}, "MILLSTREAM_CONTROL_KEY", 2),
        ({"MILLSTREAM_PARTITIONS": "many"}, "MILLSTREAM_PARTITIONS: ", 2),
    ],
    ids=["wrong address", "no key", "wrong number"],
)
def test_a_worker_that_cannot_start_says_why_in_one_line(
    environment: dict[str, str], said: str, status: int, real_kafka: KafkaServer
) -> None:
    free = free_port()
    token = "a-token-that-nobody-may-see"
    basic = {
        "MILLSTREAM_KAFKA": f"127.0.0.1:{free}", "MILLSTREAM_CONTROL_KEY": CONTROL_KEY, "MILLSTREAM_INFLUX_TOKEN": token
    }  # fmt: skip
    with process(basic | environment) as child:
        output, _ = child.communicate(timeout=30)
    assert child.returncode == status, output
    (line,) = output.strip().splitlines()
    assert line.startswith("millstream: ")
    assert said.format(free=free) in line
    assert CONTROL_KEY not in line
    assert token not in line


# --- workers that come and go


async def test_two_workers_share_the_partitions_and_no_reading_is_lost_when_one_leaves(
    settings: Settings, influx: InfluxServer, influx_prefix: str
) -> None:
    init_store(influx.url, influx.token, influx.org, influx_prefix)
    assets = [f"penang/smt/line{n}/oven" for n in range(12)]
    assert {partition_of(key_of(a), PARTITIONS) for a in assets} == set(range(PARTITIONS))
    start, sent, stop = time.time_ns(), 0, asyncio.Event()

    async def keep_sending() -> None:
        nonlocal sent
        while not stop.is_set():
            times = start + (sent + np.arange(10)) * 1_000_000
            frames = [encode_frame(a, times.tolist(), {"temp": [20.0] * 10}) for a in assets]
            await put(settings, [Outgoing(*frame, key_of(a)) for a, frame in zip(assets, frames, strict=True)])
            sent += 10

    sender = asyncio.create_task(keep_sending())
    try:
        async with running(settings, EVERYTHING, influx_sink(influx, influx_prefix)) as stays:
            async with running(settings, EVERYTHING, influx_sink(influx, influx_prefix)) as leaves:
                half = PARTITIONS // 2
                await until(lambda: len(stays.assigned) == len(leaves.assigned) == half, 30, "they share evenly")
                assert not stays.assigned & leaves.assigned
                await until(lambda: counted(leaves) > 500 and counted(stays) > 500, 30, "both take readings")
            await until(lambda: len(stays.assigned) == PARTITIONS, 30, "one takes over what the other left")
            took = counted(stays)
            await until(lambda: counted(stays) > took + 500, 30, "it goes on")
            stop.set()
            await sender
            await settled(settings, stays)
            assert counted(stays) + counted(leaves) >= len(assets) * sent
    finally:
        stop.set()
        await sender
    stored = {(asset_of(p.tags), p.time) for p in points(influx, f"{influx_prefix}raw", "reading")}
    assert stored == {(a, start + i * 1_000_000) for a in assets for i in range(sent)}
