"""A small batch that inflates to more than it may: set aside with its reason, and the partition goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from schemas.encode import encode_single
from schemas.partition import key_of, partition_of
from streams.inflate import MAX_BATCH_BYTES
from streams.settings import Settings
from tests.integration.support.topics import whole
from tests.integration.support.waiting import until
from tests.integration.support.workers import MemorySink, counted, get, running, settings_of, site_from, topics_for
from tests.servers import KafkaServer

ASSET = "penang/smt/line1/oven3"
HOME = partition_of(key_of(ASSET), 4)
EVERYTHING = site_from('[site]\nstore = "all"\n')


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str) -> Settings:
    made = settings_of(real_kafka, topic_prefix)
    topics_for(made)
    return made


def _peak_begins_anew() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return memory_mb("VmRSS")


def memory_mb(what: str) -> int:
    """What the kernel says of this process: VmRSS now, VmHWM at most."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what)]
    return int(line.split()[1]) // 1024


@pytest.mark.parametrize("codec", ["zstd", "gzip"])
async def test_a_bomb_is_set_aside_and_the_next_reading_is_served(settings: Settings, codec: str) -> None:
    topic = settings.topic("reading.v1")
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka, compression_type=codec, max_request_size=4 * MAX_BATCH_BYTES,
        max_batch_size=4 * MAX_BATCH_BYTES, linger_ms=200,
    )  # fmt: skip
    await producer.start()
    try:
        good, headers = encode_single(ASSET, "temp", time.time_ns(), 20.0)
        batch = [good, bytes(2 * MAX_BATCH_BYTES), good]
        sent = [await producer.send(topic, value, partition=HOME, headers=list(headers)) for value in batch]
        placed = [await future for future in sent]
        after, headers = encode_single(ASSET, "temp", time.time_ns(), 21.0)
        await producer.send_and_wait(topic, after, partition=HOME, headers=list(headers))
        del batch
    finally:
        await producer.stop()
    offsets = [each.offset for each in placed]
    assert offsets == list(range(offsets[0], offsets[0] + 3)), "one batch"

    sink = MemorySink()
    async with running(settings, EVERYTHING, sink) as worker:
        await until(lambda: counted(worker) == 4, 30, "all four messages are counted")
        assert counted(worker, "rejected") == 3
        await until(lambda: len(sink.points) == 1, 20, "the next reading is served")
        assert await get(worker, "/readyz") == (200, "ok\n")
        assert worker.metrics.value("millstream_records_missing_total") == 0
    told = [message.json for message in await whole(settings.kafka, settings.topic("rejected.v1"))]
    assert [(one["reason"], one["offset"]) for one in told] == [("too_large", offset) for offset in offsets]
    assert all("a compressed batch of 3 messages" in str(one["place"]) for one in told)

    # a restart goes on behind it
    async with running(settings, EVERYTHING, sink) as worker:
        await until(lambda: worker.engines[HOME].next_offset > offsets[-1] + 1, 20, "it stands behind the bomb")
        assert counted(worker, "rejected") == 0


async def test_a_fetch_of_large_messages_is_taken_in_rations(settings: Settings) -> None:
    """What 40 messages of 4 MB hold must not stand in memory at once."""
    topic = settings.topic("reading.v1")
    blank = b" " * 4_000_000
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, compression_type="gzip", max_request_size=8_000_000)
    await producer.start()
    try:
        for i in range(40):
            value, headers = encode_single(ASSET, "temp", time.time_ns() + i, float(i))
            await producer.send_and_wait(topic, value + blank, partition=HOME, headers=list(headers))
    finally:
        await producer.stop()
    before = _peak_begins_anew()
    async with running(settings, EVERYTHING, MemorySink()) as worker:
        await until(lambda: counted(worker) == 40, 60, "all are judged")
        assert counted(worker, "rejected") == 0
    grown = memory_mb("VmHWM") - before
    print(f"40 messages of 4 MB: {grown} MB more at most")
    assert grown < 160
