"""Topics read whole, and where a group stands in them: by kafka-python, which the worker does not consume with."""

from __future__ import annotations

import asyncio
import uuid
from typing import NamedTuple

import orjson
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

MAX_BYTES = 16 * 1024 * 1024


class Message(NamedTuple):
    """One record of a topic."""

    partition: int
    offset: int
    timestamp: int  # ms
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def json(self) -> dict[str, object]:
        """The value, read as JSON."""
        found: dict[str, object] = orjson.loads(self.value or b"")
        return found


def unique() -> str:
    """A prefix nobody else uses."""
    return f"t{uuid.uuid4().hex[:8]}."


def read_topic(bootstrap: str, topic: str) -> list[Message]:
    """All records that a topic holds now, by partition and offset."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=MAX_BYTES,
        fetch_max_bytes=4 * MAX_BYTES,
    )
    try:
        places = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        ends = consumer.end_offsets(places)
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        found: list[Message] = []
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=1000, max_records=50_000).values():
                found += [Message(r.partition, r.offset, r.timestamp, r.key, r.value, dict(r.headers)) for r in records]
    finally:
        consumer.close()
    return sorted(found)


async def whole(bootstrap: str, topic: str) -> list[Message]:
    """`read_topic` beside a running loop."""
    return await asyncio.to_thread(read_topic, bootstrap, topic)


def end_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """Partition -> offset of the next record."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    try:
        places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        return {place.partition: end for place, end in consumer.end_offsets(places).items()}
    finally:
        consumer.close()


def committed(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """Partition -> offset that a group has committed; partitions without one are left out."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        found = admin.list_group_offsets(group).get(group, {})
        return {
            place.partition: position.offset
            for place, position in found.items()
            if place.topic == topic and position.offset >= 0
        }
    finally:
        admin.close()
