"""Readings in and records out of a secure installation, by plain clients with a user's own rights."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.encode import encode_single
from schemas.partition import key_of, partition_of
from streams.settings import Settings
from tests.integration.support.secure import PARTITIONS, client
from tests.integration.support.workers import site_from

SECOND = 1_000_000_000
ASSET, NEXT = "penang/smt/line1/oven3", "penang/smt/line1/oven4"
HOME = partition_of(key_of(ASSET), PARTITIONS)
SITE = site_from("""
[site]
store = "all"

[[watch]]
name = "hot"
series = "*"
detector = { kind = "limits", high = 80 }
""")


@asynccontextmanager
async def producing(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**client(settings))
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def put(settings: Settings, *values: float, asset: str = ASSET) -> None:
    """Send readings a second apart, up to now."""
    now = time.time_ns()
    async with producing(settings) as producer:
        for i, value in enumerate(values):
            body, headers = encode_single(asset, "temp", now - (len(values) - 1 - i) * SECOND, value)
            await producer.send_and_wait(settings.topic("reading.v1"), body, key_of(asset), headers=list(headers))


async def write(settings: Settings, name: str) -> None:
    """Write something to a topic. Raises what Kafka says."""
    async with producing(settings) as producer:
        await producer.send_and_wait(settings.topic(name), b"{}", partition=0)


async def read(settings: Settings, name: str, count: int, group: str | None = None) -> list[Any]:
    """The first records of a topic, by partition alone or in a group. Raises what Kafka says."""
    topic = settings.topic(name)
    consumer = AIOKafkaConsumer(
        **client(settings), group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        if group is None:
            consumer.assign([TopicPartition(topic, p) for p in range(PARTITIONS)])
        else:
            consumer.subscribe([topic])
        found: list[Any] = []
        end = time.monotonic() + 15
        while len(found) < count:
            assert time.monotonic() < end, f"{len(found)} of {count} records of {topic}"
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()
