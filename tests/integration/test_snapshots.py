"""State that outlives workers: restored learning, episodes that are not told of again, damage, poison, rebalances."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from detectors.anomaly.robust_zscore import RobustZscore
from detectors.base import Batch, Verdict
from detectors.registry import REGISTRY
from schemas.encode import encode_single
from schemas.partition import key_of, partition_of
from streams.settings import Settings
from streams.worker import Worker
from tests.integration.support.produce import Outgoing, send
from tests.integration.support.topics import whole
from tests.integration.support.waiting import until
from tests.integration.support.workers import (
    MemorySink,
    counted,
    get,
    metrics_of,
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
SITE = site_from(
    """
[site]
store = "all"

[[watch]]
name = "level"
series = "*"
refractory = "1m"
detector = { kind = "robust_zscore", warmup = 20 }
"""
)


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str) -> Settings:
    """Settings on topics of this test alone, which are there; snapshots every half second."""
    made = settings_of(real_kafka, topic_prefix, partitions=PARTITIONS)
    topics_for(made)
    return made


def readings(values: Sequence[float], start: int, series: str = "temp") -> list[Outgoing]:
    """One reading a second."""
    return [
        Outgoing(*encode_single(ASSET, series, start + i * SECOND, value), key_of(ASSET))
        for i, value in enumerate(values)
    ]


async def put(settings: Settings, messages: Sequence[Outgoing]) -> None:
    await send("aiokafka", settings.kafka, settings.topic("reading.v1"), messages)


async def saved(worker: Worker) -> None:
    """Wait until the newest snapshot of the partition covers all that was judged."""
    owned = worker.owned[HOME]

    def up_to_date() -> bool:
        assert not worker.failed.done()
        return bool(owned.manifest and owned.engine and owned.manifest.next_offset == owned.engine.next_offset)

    await until(up_to_date, 20, "the newest snapshot covers all")


def wave(n: int) -> list[float]:
    return [20.0 + i % 5 * 0.1 for i in range(n)]


async def kill(worker: Worker) -> None:
    """End a worker as a kill would: nothing is saved, nothing is committed."""
    worker._save_all = _nothing  # type: ignore[method-assign]
    await worker.stop()


async def _nothing() -> None: ...


async def test_a_restarted_worker_goes_on_with_what_was_learned_and_tells_nothing_again(settings: Settings) -> None:
    start = time.time_ns() - 600 * SECOND
    async with running(settings, SITE, MemorySink()) as first:
        await put(settings, readings([*wave(100), 90.0], start))
        await until(lambda: counted(first) == 101, 20, "the readings are counted")
        await until(lambda: first.metrics.value("millstream_events_total", phase="opened") == 1, 5, "an episode opens")
        await saved(first)
        learned = counted(first, "warming")
        assert learned > 0
    topic = settings.topic("anomaly.v1")
    before = await whole(settings.kafka, topic)
    async with running(settings, SITE, MemorySink()) as second:
        shown = {k[2:] for k, v in (await metrics_of(second)).items() if k[0] == "millstream_episode_severity"}
        assert len(shown) == 1, "the open episode is in the metrics before anything is read"
        episode = str(before[0].json["episode_id"])
        assert (await get(second, f"/episodes/{episode}"))[0] == 200
        await put(settings, readings(wave(100), start + 101 * SECOND))
        await until(lambda: counted(second) == 100, 20, "the new readings are counted")
        assert counted(second, "warming") == 0, "nothing has to be learned again"
    after = await whole(settings.kafka, topic)
    assert [m.json["event_id"] for m in after[: len(before)]] == [m.json["event_id"] for m in before]
    assert [(m.json["phase"], m.json["episode_id"]) for m in after[len(before) :]] == [("closed", episode)]


async def test_after_a_kill_what_was_published_beyond_the_snapshot_is_not_published_again(settings: Settings) -> None:
    start = time.time_ns() - 600 * SECOND
    topic = settings.topic("anomaly.v1")
    async with running(settings, SITE, MemorySink()) as first:
        await put(settings, readings(wave(100), start))
        await until(lambda: counted(first) == 100, 20, "the readings are counted")
        await saved(first)
        first.settings.__dict__["snapshot_interval"] = 3600 * SECOND  # no further snapshot
        await put(settings, readings([90.0, *wave(100)], start + 100 * SECOND))
        await until(lambda: counted(first) == 201, 20, "the rest is counted")
        before = await whole(settings.kafka, topic)
        assert [m.json["phase"] for m in before] == ["opened", "closed"]
        await kill(first)
    async with running(settings, SITE, sink := MemorySink()) as second:
        await until(lambda: counted(second) == 101, 20, "what no snapshot covers is judged again")
        severities = [k for k in await metrics_of(second) if k[0] == "millstream_episode_severity"]
        assert len(severities) <= 1, "closed, but shown for metrics_hold"
        await put(settings, readings([90.0], start + 500 * SECOND))
        await until(lambda: counted(second) == 102, 20, "another reading is counted")
    assert len(sink.points) == 102, "the store gets them again, idempotently"
    after = await whole(settings.kafka, topic)
    ids = [m.json["event_id"] for m in after]
    assert ids[:2] == [m.json["event_id"] for m in before]
    assert len(ids) == len(set(ids))


async def test_the_group_never_commits_what_no_snapshot_covers(settings: Settings) -> None:
    sink, start = MemorySink(), time.time_ns() - 600 * SECOND
    async with running(settings, SITE, sink) as worker:
        await put(settings, readings(wave(50), start))
        await until(lambda: counted(worker) == 50, 20, "the readings are counted")
        await saved(worker)
        owned = worker.owned[HOME]
        assert owned.manifest is not None
        safe = owned.manifest.next_offset
        sink.away = True
        await put(settings, readings(wave(50), start + 50 * SECOND))
        await until(lambda: counted(worker) == 100, 20, "judged and published while the store is away")
        await until(lambda: len(sink.failed_at) >= 6, 30, "the store was tried for longer than a snapshot interval")
        assert owned.manifest.next_offset == safe
        assert (await worker.log.committed(settings.topic("reading.v1"), HOME) or 0) <= safe
        sink.away = False
        await until(lambda: len(sink.points) == 100, 40, "the store has all")
        await saved(worker)


async def test_a_damaged_snapshot_is_passed_over_for_none_and_no_reading_is_lost(settings: Settings) -> None:
    start = time.time_ns() - 600 * SECOND
    async with running(settings, SITE, MemorySink()) as first:
        await put(settings, readings(wave(50), start))
        await until(lambda: counted(first) == 50, 20, "the readings are counted")
        await saved(first)
        manifest = first.owned[HOME].manifest
        assert manifest is not None
        broken = manifest.model_copy(
            update={"generation": "broken", "next_offset": manifest.next_offset + 1,
                    "pieces": [p.model_copy(update={"sha256": "0" * 64}) for p in manifest.pieces]}
        )  # fmt: skip
        await first.state.put_manifest(broken)
    async with running(settings, SITE, MemorySink()) as second:
        assert second.metrics.value("millstream_snapshots_damaged_total") == 1
        await put(settings, readings(wave(50), start + 50 * SECOND))
        await until(lambda: counted(second) == 50, 20, "the new readings are counted")
        assert counted(second, "warming") == 0


async def test_a_manifest_of_another_key_is_no_snapshot(settings: Settings) -> None:
    start = time.time_ns() - 600 * SECOND
    async with running(settings, SITE, MemorySink()) as first:
        await put(settings, readings(wave(50), start))
        await until(lambda: counted(first) == 50, 20, "the readings are counted")
        await saved(first)
        manifest = first.owned[HOME].manifest
        assert manifest is not None
        first.state._key = b"another-key-0123456789"
        await first.state.put_manifest(manifest.model_copy(update={"generation": "forged", "next_offset": 10_000}))
        first.state._key = settings.key
    async with running(settings, SITE, MemorySink()) as second:
        owned = second.owned[HOME]
        assert owned.manifest is not None
        assert owned.manifest.generation != "forged"


async def test_of_two_owners_the_snapshot_that_goes_further_wins(settings: Settings) -> None:
    start = time.time_ns() - 600 * SECOND
    async with running(settings, SITE, MemorySink()) as first:
        await put(settings, readings(wave(30), start))
        await until(lambda: counted(first) == 30, 20, "the readings are counted")
        await saved(first)
        early = first.owned[HOME].manifest
        assert early is not None
        kept = early.model_copy(update={"generation": "late-zombie"})
        first.state.drop = _keep  # type: ignore[method-assign]
        await put(settings, readings(wave(30), start + 30 * SECOND))
        await until(lambda: counted(first) == 60, 20, "more readings are counted")
        await saved(first)
        late = first.owned[HOME].manifest
        assert late is not None
        await first.state.put_manifest(kept)  # an older owner wakes up and finishes its snapshot
        found = await first.state.newest(HOME)
        assert found.manifest is not None
        assert found.manifest.generation == late.generation


async def _keep(*_: Any) -> None: ...


class Picky(RobustZscore):
    """A detector that fails on one value."""

    kernel = None  # or the compiled way would pass over what is overridden here

    def step(self, state: Any, batch: Batch) -> tuple[Any, Verdict]:
        if (batch.x == 666.0).any():
            raise ZeroDivisionError("a bug of the detector")
        return super().step(state, batch)

    def scan(self, state: Any, batches: Batch) -> tuple[Any, Verdict]:
        if (batches.x == 666.0).any():
            raise ZeroDivisionError("a bug of the detector")
        return super().scan(state, batches)


async def test_a_message_on_which_the_engine_fails_is_set_aside_the_third_time_and_alone(settings: Settings) -> None:
    registry, start = REGISTRY | {"robust_zscore": Picky}, time.time_ns() - 600 * SECOND
    values = [*wave(50), 666.0, *wave(50)]
    for turn in range(2):
        async with running(settings, SITE, MemorySink(), registry=registry) as worker:
            if turn == 0:
                await put(settings, readings(values, start))
            await until(worker.failed.done, 20, "the worker fails on it")
            assert isinstance(worker.failed.exception(), ZeroDivisionError)
    async with running(settings, SITE, MemorySink(), registry=registry) as third:
        await until(lambda: counted(third) == 101, 20, "all are counted")
        assert counted(third, "rejected") == 1
        await saved(third)
    (rejected,) = await whole(settings.kafka, settings.topic("rejected.v1"))
    assert (rejected.json["reason"], rejected.json["partition"]) == ("poison", HOME)
    assert "a bug of the detector" in str(rejected.json["place"])
    async with running(settings, SITE, MemorySink(), registry=registry) as fourth:
        assert fourth.owned[HOME].fault is None, "the note is gone with the snapshot that goes beyond it"


async def test_kills_never_make_a_message_poison(settings: Settings) -> None:
    start = time.time_ns() - 600 * SECOND
    for turn in range(3):
        async with running(settings, SITE, MemorySink()) as worker:
            if turn == 0:
                await put(settings, readings(wave(50), start))
            await until(lambda w=worker: w.owned[HOME].engine.received > 0, 20, "something is judged")  # type: ignore[misc]
            assert worker.owned[HOME].fault is None
            await kill(worker)


async def test_partitions_that_stay_keep_their_engines_when_a_worker_joins_and_leaves(settings: Settings) -> None:
    start = time.time_ns() - 600 * SECOND
    async with running(settings, SITE, MemorySink()) as stays:
        await put(settings, readings(wave(50), start))
        await until(lambda: counted(stays) == 50, 20, "the readings are counted")
        await saved(stays)
        engines = stays.engines
        async with running(settings, SITE, MemorySink()) as joins:
            await until(lambda: len(stays.assigned) == len(joins.assigned) == 1, 30, "they share")
            (kept,) = stays.assigned
            assert stays.engines[kept] is engines[kept]
            moved = joins.engines[HOME] if HOME in joins.assigned else stays.engines[HOME]
            assert len(moved.roster.refs) == 1, "the state came along"
            await put(settings, readings(wave(10), start + 50 * SECOND))
            await until(lambda: counted(stays) + counted(joins) == 60, 20, "the new readings are counted")
            assert counted(joins, "warming") == 0
        await until(lambda: len(stays.assigned) == PARTITIONS, 30, "all partitions are back")
        await put(settings, readings(wave(10), start + 60 * SECOND))
        await until(lambda: counted(stays) + counted(joins) == 70, 20, "and go on")


async def test_what_a_killed_worker_left_half_written_is_removed(settings: Settings) -> None:
    async with running(settings, SITE, MemorySink()) as first:
        await first.state.put_chunk(HOME, "half-written", 0, b"x" * 1000)
        await put(settings, readings(wave(10), time.time_ns() - 100 * SECOND))
        await until(lambda: counted(first) == 10, 20, "the readings are counted")
        await saved(first)
    async with running(settings, SITE, MemorySink()):
        state = settings.topic("state.v1")

        async def dropped() -> bool:
            newest = {}
            consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, auto_offset_reset="earliest")
            await consumer.start()
            try:
                tp = TopicPartition(state, HOME)
                consumer.assign([tp])
                end = (await consumer.end_offsets([tp]))[tp]
                while await consumer.position(tp) < end:
                    for record in (await consumer.getmany(tp, timeout_ms=200)).get(tp, ()):
                        newest[record.key] = record.value
            finally:
                await consumer.stop()
            return [v for k, v in newest.items() if b"half-written" in k] == [None]

        await until(dropped, 20, "its chunk has a tombstone")


async def test_a_worker_stops_in_time_though_its_store_is_away(settings: Settings) -> None:
    sink = MemorySink()
    async with running(settings, SITE, sink) as worker:
        sink.away = True
        await put(settings, readings(wave(10), time.time_ns() - 100 * SECOND))
        await until(lambda: counted(worker) == 10, 20, "the readings are judged")
        began = asyncio.get_running_loop().time()
        await worker.stop()
        assert asyncio.get_running_loop().time() - began < 20
    async with running(settings, SITE, sink) as again:
        sink.away = False
        await until(lambda: counted(again) == 10, 20, "they are judged again")
        await until(lambda: len(sink.points) == 10, 20, "and stored")
