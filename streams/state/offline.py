"""The state topic while no worker runs: for commands that look at what is remembered, and for growing partitions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.errors import Reject, Retry
from streams.broker import Broker
from streams.security import aiokafka_options
from streams.settings import Settings
from streams.state.log import Log
from streams.state.manifest import MANIFEST, Manifest, from_record, parts_of
from streams.state.store import StateStore


@asynccontextmanager
async def offline(
    settings: Settings, at: Broker, partitions: int, topic: str = "reading.v1"
) -> AsyncIterator[tuple[StateStore, Log]]:
    """A store of the snapshots that a topic's engines made for so many partitions, and the log it reads by. Raises
    Retry."""
    options = aiokafka_options(settings)

    async def committed(topic: str, partition: int) -> int | None:
        return at.committed(topic).get(partition)

    log = Log(settings.kafka, committed, options)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, acks="all", **options)

    async def send(
        topic: str, key: bytes | None, value: bytes | None, partition: int | None, timestamp: float | None, headers: Any
    ) -> Awaitable[Any]:
        future: Awaitable[Any] = await producer.send(topic, value, key, partition, timestamp, list(headers))
        return future

    try:
        try:
            await log.start()
            await producer.start()
            names = settings.topic("state.v1"), settings.topic(topic)
            yield StateStore(log, send, *names, partitions, settings.key), log
        finally:
            await log.stop()
            await producer.stop()
    except (KafkaError, TimeoutError) as error:
        raise Retry(f"Kafka at {settings.kafka}: {error or error!r}") from error


async def alive(settings: Settings, store: StateStore, log: Log, partition: int) -> dict[bytes, Manifest | None]:
    """Keys of all records of a partition's engine that have no tombstone, with the manifests among them."""
    begin, end = await log.bounds(store.state, partition)
    found: dict[bytes, Manifest | None] = {}
    async for record in log.read(store.state, partition, begin, end):
        topic, of, _, what = parts_of(record.key) or ("", -1, "", "")
        if topic != store.topic or of != partition:
            continue
        found.pop(record.key, None)
        if record.value is not None:
            found[record.key] = None
            if what == MANIFEST:
                with suppress(Reject):
                    found[record.key] = from_record(record.value, record.headers, settings.key)
    return found
