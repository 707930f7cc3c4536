"""Three producers behind one face: each sends messages in the order given and tells where each one went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer
from kafka import KafkaProducer

Client = Literal["kafka-python", "aiokafka", "confluent-kafka"]
CLIENTS: tuple[Client, ...] = ("kafka-python", "aiokafka", "confluent-kafka")

MAX_REQUEST = 16 * 1024 * 1024


class Outgoing(NamedTuple):
    """A message to send; the client's own partitioner chooses where, unless `partition` does."""

    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    key: bytes | None = None
    partition: int | None = None


class Sent(NamedTuple):
    """Where the broker put a message."""

    partition: int
    offset: int
    timestamp: int  # ms, the broker's own where the topic has LogAppendTime


async def send(
    client: Client, bootstrap: str, topic: str, messages: Sequence[Outgoing], codec: str | None = None
) -> list[Sent]:
    """Send messages in order and wait until all are acknowledged."""
    if client == "aiokafka":
        return await _by_aiokafka(bootstrap, topic, messages, codec)
    by: Callable[..., list[Sent]] = _by_kafka_python if client == "kafka-python" else _by_confluent
    return await asyncio.to_thread(by, bootstrap, topic, messages, codec)


def _by_kafka_python(bootstrap: str, topic: str, messages: Sequence[Outgoing], codec: str | None) -> list[Sent]:
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, linger_ms=5, compression_type=codec, max_request_size=MAX_REQUEST,
        batch_size=262_144,
    )  # fmt: skip
    try:
        futures = [
            producer.send(topic, m.value, key=m.key, headers=list(m.headers), partition=m.partition) for m in messages
        ]
        producer.flush(60)
        placed = [future.get(timeout=30) for future in futures]
    finally:
        producer.close()
    return [Sent(each.partition, each.offset, each.timestamp) for each in placed]


async def _by_aiokafka(bootstrap: str, topic: str, messages: Sequence[Outgoing], codec: str | None) -> list[Sent]:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, linger_ms=5, compression_type=codec, max_request_size=MAX_REQUEST,
        enable_idempotence=True, max_batch_size=262_144,
    )  # fmt: skip
    await producer.start()
    try:
        futures = [
            await producer.send(topic, m.value, key=m.key, headers=list(m.headers), partition=m.partition)
            for m in messages
        ]
        await producer.flush()
        placed = await asyncio.gather(*futures)
    finally:
        await producer.stop()
    return [Sent(each.partition, each.offset, each.timestamp) for each in placed]


def _by_confluent(bootstrap: str, topic: str, messages: Sequence[Outgoing], codec: str | None) -> list[Sent]:
    # no partitioner is named: librdkafka's default, consistent_random, is what gateways use unless told
    producer = Producer(
        {
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "log_level": 0,
            "compression.type": codec or "none", "message.max.bytes": MAX_REQUEST,
            "queue.buffering.max.messages": 1_000_000, "queue.buffering.max.kbytes": 1_000_000,
        }
    )  # fmt: skip
    placed: list[Sent | None] = [None] * len(messages)

    def told(place: int) -> Callable[..., None]:
        def on_delivery(error: object, message: Any) -> None:
            assert error is None, error
            placed[place] = Sent(message.partition(), message.offset(), message.timestamp()[1])

        return on_delivery

    for place, m in enumerate(messages):
        where = {} if m.partition is None else {"partition": m.partition}
        producer.produce(topic, m.value, key=m.key, headers=list(m.headers), on_delivery=told(place), **where)
        producer.poll(0)
    assert producer.flush(60) == 0, "messages were left unsent"
    done = [each for each in placed if each is not None]
    assert len(done) == len(messages), "a message was not delivered"
    return done
