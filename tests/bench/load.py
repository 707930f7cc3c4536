"""The load: the same readings as single messages and as frames, produced once and read again by every contender."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from confluent_kafka import OFFSET_END, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.chunk import Record
from schemas.encode import encode_frame, encode_single
from schemas.partition import key_of, partition_of
from streams.resolve import resolve
from streams.site import DEFAULT_WATCHES, Site
from streams.topics import ensure_topics

PARTITIONS = 4
LIGHT = resolve(
    Site.model_validate(
        {"watch": [w for w in DEFAULT_WATCHES if w["name"] in ("limits", "stuck", "gap", "robust_zscore")]}
    )
)
"""The light load's site: what the other contenders compute too."""
ASSETS, SERIES, ROWS = 500, 20, 50
SECOND = 1_000_000_000


def to_records(batch: Sequence[Any]) -> list[Record]:
    """aiokafka's records as ours, for loops without our transport."""
    new = tuple.__new__  # half of what a named tuple's own constructor costs
    return [new(Record, (r.offset, r.timestamp * 1_000_000, r.key, r.value, r.headers)) for r in batch]


class Load(NamedTuple):
    """One topic full of readings."""

    name: str
    prefix: str
    messages: int
    readings: int


class Message(NamedTuple):
    """A reading message and where it goes."""

    value: bytes
    key: bytes
    partition: int


class Plant(NamedTuple):
    """The assets of the load, with their keys and partitions."""

    names: list[str]
    keys: list[bytes]
    homes: list[int]


def plant() -> Plant:
    """500 machines on 50 lines."""
    names = [f"kulim/hall{i // 50}/line{i // 10}/machine{i}" for i in range(ASSETS)]
    keys = [key_of(name) for name in names]
    return Plant(names, keys, [partition_of(key, PARTITIONS) for key in keys])


def messages(kind: str, count: int) -> Iterator[Message]:
    """`count` singles (round-robin over 10,000 series) or frames of 20 x 50; event times end now."""
    rng, of = np.random.default_rng(7), plant()
    # nothing may be ahead of the broker's clock
    instants = -(-count // (ASSETS * SERIES)) if kind == "singles" else -(-count // ASSETS) * ROWS
    start = time.time_ns() // SECOND * SECOND - instants * SECOND
    for i in range(count):
        asset = i % ASSETS if kind == "frames" else i // SERIES % ASSETS
        if kind == "singles":
            at = start + i // (ASSETS * SERIES) * SECOND
            value, _ = encode_single(
                of.names[asset], f"s{i % SERIES}", at, round(20 + rng.normal(0, 0.1), 3), unit="Cel"
            )
        else:
            times = [start + (i // ASSETS * ROWS + row) * SECOND for row in range(ROWS)]
            values = np.round(20 + rng.normal(0, 0.1, (SERIES, ROWS)), 3)
            value, _ = encode_frame(of.names[asset], times, {f"s{j}": values[j].tolist() for j in range(SERIES)})
        yield Message(value, of.keys[asset], of.homes[asset])


def topics(bootstrap: str, prefix: str) -> None:
    """Make the topics; the state topic so that `forget_state` can empty it."""
    ensure_topics(bootstrap, prefix, PARTITIONS, overrides={"state.v1:cleanup.policy": "compact,delete"})


def forget_state(bootstrap: str, prefix: str) -> None:
    """Empty the state topic: each run of a worker is to start from nothing."""
    places = [TopicPartition(f"{prefix}state.v1", p, OFFSET_END) for p in range(PARTITIONS)]
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for done in admin.delete_records(places).values():
        done.result(30)


def produce(bootstrap: str, kind: str, prefix: str, count: int) -> Load:
    """Fill `<prefix>reading.v1`."""
    topics(bootstrap, prefix)
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "batch.size": 1_000_000, "log_level": 0})
    for message in messages(kind, count):
        send(producer, f"{prefix}reading.v1", message)
    producer.flush(60)
    return Load(kind, prefix, count, count if kind == "singles" else count * SERIES * ROWS)


def send(producer: Producer, topic: str, message: Message) -> None:
    """Produce a message, waiting where the producer's buffer is full."""
    while True:
        try:
            producer.produce(topic, *message)
            return
        except BufferError:
            producer.poll(0.1)
