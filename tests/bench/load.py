"""The load: the same readings as single messages and as frames, produced once and read again by every contender."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from confluent_kafka import Producer

from schemas.encode import encode_frame, encode_single
from schemas.partition import key_of, partition_of
from streams.topics import ensure_topics

PARTITIONS = 4
ASSETS, SERIES, ROWS = 500, 20, 50
SECOND = 1_000_000_000


class Load(NamedTuple):
    """One topic full of readings."""

    name: str
    prefix: str
    messages: int
    readings: int


def produce(bootstrap: str, kind: str, prefix: str, count: int) -> Load:
    """Fill `<prefix>reading.v1` with `count` singles (round-robin over 10,000 series) or frames of 20 x 50."""
    ensure_topics(bootstrap, prefix, PARTITIONS)
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "batch.size": 1_000_000, "log_level": 0})
    rng = np.random.default_rng(7)
    names = [f"kulim/hall{i // 50}/line{i // 10}/machine{i}" for i in range(ASSETS)]
    keys = [key_of(name) for name in names]
    homes = [partition_of(key, PARTITIONS) for key in keys]
    # event times end now, so that nothing is ahead of the broker's clock
    instants = -(-count // (ASSETS * SERIES)) if kind == "singles" else -(-count // ASSETS) * ROWS
    start = time.time_ns() // SECOND * SECOND - instants * SECOND
    for i in range(count):
        asset = i % ASSETS if kind == "frames" else i // SERIES % ASSETS
        if kind == "singles":
            at = start + i // (ASSETS * SERIES) * SECOND
            value, _ = encode_single(names[asset], f"s{i % SERIES}", at, round(20 + rng.normal(0, 0.1), 3), unit="Cel")
        else:
            times = [start + (i // ASSETS * ROWS + row) * SECOND for row in range(ROWS)]
            values = np.round(20 + rng.normal(0, 0.1, (SERIES, ROWS)), 3)
            value, _ = encode_frame(names[asset], times, {f"s{j}": values[j].tolist() for j in range(SERIES)})
        _send(producer, f"{prefix}reading.v1", value, keys[asset], homes[asset])
    producer.flush(60)
    return Load(kind, prefix, count, count if kind == "singles" else count * SERIES * ROWS)


def _send(producer: Producer, topic: str, value: bytes, key: bytes, partition: int) -> None:
    while True:
        try:
            producer.produce(topic, value, key, partition)
            return
        except BufferError:
            producer.poll(0.1)
