"""`make soak`: half load for half an hour; memory must stay flat and the lag must not grow.

usage: python -m tests.bench.soak [--minutes 30] [--rate READINGS_PER_S]
Prints a line a minute; ends by itself. The rate defaults to half of what one worker judges as singles on the machine
whose figures docs/benchmarks.md holds; the store is off.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
import uuid
from typing import NamedTuple

import numpy as np
from confluent_kafka import Producer

from schemas.encode import encode_single
from schemas.partition import key_of, partition_of
from streams.topics import ensure_topics
from tests.bench.state_size import PARTITIONS, metric_sum, resident, until, worker_process
from tests.servers import kafka_server

ASSETS, SERIES = 100, 20
SETTLE = 0.2
"""Share of the run at its start that counts for nothing: warm-up, first snapshots, caches."""
MOST_SLOPE = 20e6
"""Growth of memory over the rest of the run, scaled to an hour, bytes."""
MOST_LAG_S = 5.0


class Sample(NamedTuple):
    """The worker at one moment."""

    at: float  # seconds since the start
    rss: int
    lag: float  # records
    judged: float


def load(bootstrap: str, prefix: str, rate: float, stop: threading.Event) -> None:
    """Singles at a steady rate until told to stop."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "log_level": 0})
    names = [f"kulim/hall{i // 50}/line{i // 10}/machine{i}" for i in range(ASSETS)]
    keys = [key_of(name) for name in names]
    homes = [partition_of(key, PARTITIONS) for key in keys]
    # rendered beforehand but for the time: the producer is to leave the cores to broker and worker
    rng, at = np.random.default_rng(7), 1_767_600_000_000_000_000
    heads, tails = [], []
    for i in range(ASSETS * SERIES):
        text, _ = encode_single(names[i // SERIES], f"s{i % SERIES}", at, 20.5, unit="Cel")
        head, tail = text.split(b'"2026-01-05T08:00:00Z"')
        heads.append(head)
        tails.append([tail.replace(b"20.5", b"%.3f" % v) for v in rng.normal(20, 0.1, 16)])
    sent, began = 0, time.monotonic()
    while not stop.is_set():
        due = int((time.monotonic() - began) * rate)
        now = time.time_ns() - sent
        for i in range(sent, due):
            one = i % (ASSETS * SERIES)
            value = b"%s%d%s" % (heads[one], now + i, tails[one][i // (ASSETS * SERIES) % 16])
            a = one // SERIES
            while True:
                try:
                    producer.produce(f"{prefix}reading.v1", value, keys[a], homes[a])
                    break
                except BufferError:
                    producer.poll(0.1)
        sent = due
        producer.poll(0)
        stop.wait(0.02)
    producer.flush(30)


def slope(samples: list[Sample]) -> float:
    """Growth of memory in bytes an hour, by least squares over what follows the settling."""
    rest = [s for s in samples if s.at >= SETTLE * samples[-1].at]
    return float(np.polyfit([s.at for s in rest], [s.rss for s in rest], 1)[0] * 3600)


def soak(bootstrap: str, minutes: float, rate: float) -> list[Sample]:
    """Run the load, and look at the worker every ten seconds."""
    prefix = f"soak{uuid.uuid4().hex[:6]}."
    # half an hour of this is 15 GB: what was judged long ago may go
    bounded = {"reading.v1:retention.bytes": "200000000", "reading.v1:segment.bytes": "50000000"}
    ensure_topics(bootstrap, prefix, PARTITIONS, overrides=bounded)
    samples: list[Sample] = []
    stop = threading.Event()
    sender = threading.Thread(target=load, args=(bootstrap, prefix, rate, stop), daemon=True)
    with worker_process(bootstrap, prefix) as (child, port):
        until(child, lambda: metric_sum(port, "millstream_partitions_assigned") == PARTITIONS, "partitions assigned")
        sender.start()
        began = time.monotonic()
        try:
            while time.monotonic() - began < minutes * 60:
                time.sleep(min(10.0, minutes * 6))
                lag, judged = metric_sum(port, "millstream_lag_records"), metric_sum(port, "millstream_readings_total")
                samples.append(Sample(time.monotonic() - began, resident(child), lag, judged))
                if len(samples) % 6 == 1:
                    last = samples[-1]
                    print(
                        f"{last.at / 60:5.1f} min: {last.rss / 2**20:,.0f} MiB, lag {last.lag:,.0f} records, "
                        f"{last.judged / last.at:,.0f} readings/s",
                        flush=True,
                    )
        finally:
            stop.set()
            sender.join(40)
    return samples


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=100_000.0, help="readings a second")
    given = parser.parse_args()
    kafka = kafka_server(os.environ).server
    if kafka is None or not kafka.real:
        print("this needs a real Kafka; see: python -m tests.servers prepare", file=sys.stderr)
        return 1
    with kafka:
        samples = soak(kafka.bootstrap, given.minutes, given.rate)
    growth, lags = slope(samples), [s.lag for s in samples]
    print(
        f"{given.minutes:g} minutes at {given.rate:,.0f} readings/s: memory {growth / 1e6:+.1f} MB an hour, "
        f"lag at most {max(lags):,.0f} records, {lags[-1]:,.0f} at the end"
    )
    bad = []
    if growth > MOST_SLOPE:
        bad.append(f"memory grows by {growth / 1e6:.1f} MB an hour, at most {MOST_SLOPE / 1e6:.0f}")
    if lags[-1] > MOST_LAG_S * given.rate:
        bad.append(f"the lag has grown to {lags[-1]:,.0f} records")
    for line in bad:
        print(f"NOT STEADY: {line}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
