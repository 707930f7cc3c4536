"""State at scale: memory, standstill for a snapshot, and time to restore, of a worker process with many series.

usage: python -m tests.bench.state_size [SERIES]   (default 100,000 on 8 partitions)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from confluent_kafka import Producer
from prometheus_client.parser import text_string_to_metric_families

from schemas.encode import encode_frame
from schemas.partition import key_of, partition_of
from streams.topics import ensure_topics
from tests.servers import kafka_server
from tests.servers.net import free_port

PARTITIONS = 8
PER_ASSET, INSTANTS = 10, 20
SECOND = 1_000_000_000
MOST_RSS = 1024**3
MOST_PAUSE_S = 0.05
MOST_RESTORE_S = 5.0
PATIENCE_S = 180.0


class Size(NamedTuple):
    """What a run showed."""

    series: int
    rss: int  # bytes, the highest of the first worker's life
    state: int  # bytes of all snapshots
    pause_s: float  # the longest standstill for a snapshot of one partition
    restore_s: float  # of all partitions, by the second worker
    rss_restored: int

    def faults(self) -> list[str]:
        """Bounds that are not kept."""
        bounds = (
            ("memory", self.rss, MOST_RSS, "bytes"),
            ("memory after restoring", self.rss_restored, MOST_RSS, "bytes"),
            ("standstill", self.pause_s, MOST_PAUSE_S, "s"),
            ("restoring", self.restore_s, MOST_RESTORE_S, "s"),
        )
        return [f"{what}: {found:,} {unit}, at most {most:,}" for what, found, most, unit in bounds if found > most]

    def __str__(self) -> str:
        return (
            f"{self.series:,} series on {PARTITIONS} partitions: {self.rss / 2**20:,.0f} MiB resident at most "
            f"({self.rss_restored / 2**20:,.0f} MiB after a restart), {self.state / 1e6:.1f} MB of snapshots, longest "
            f"standstill {self.pause_s * 1e3:.1f} ms, restored in {self.restore_s:.2f} s"
        )


def measure(bootstrap: str, series: int) -> Size:
    """Fill the topic, let a worker learn and save it all, and another restore it."""
    prefix = f"size{uuid.uuid4().hex[:6]}."
    ensure_topics(bootstrap, prefix, PARTITIONS)
    readings = _produce(bootstrap, prefix, series)
    with worker_process(bootstrap, prefix) as (child, port):
        until(child, lambda: metric_sum(port, "millstream_readings_total") >= readings, f"{readings:,} readings")
        until(child, lambda: metric_sum(port, "millstream_snapshot_behind_records") == 0, "all of it in snapshots")
        pause = max(_values(port, "millstream_snapshot_pause_seconds"))
        state, rss = int(metric_sum(port, "millstream_snapshot_bytes")), resident(child, "VmHWM")
    with worker_process(bootstrap, prefix) as (child, port):
        until(child, lambda: len(_values(port, "millstream_restore_seconds")) == PARTITIONS, "all partitions restored")
        return Size(series, rss, state, pause, metric_sum(port, "millstream_restore_seconds"), resident(child, "VmHWM"))


def _produce(bootstrap: str, prefix: str, series: int) -> int:
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "batch.size": 1_000_000, "log_level": 0})
    rng = np.random.default_rng(7)
    start = (time.time_ns() // SECOND - INSTANTS) * SECOND
    times = [start + i * SECOND for i in range(INSTANTS)]
    for i in range(series // PER_ASSET):
        asset = f"kulim/hall{i // 500}/line{i // 20}/machine{i}"
        values = np.round(20 + rng.normal(0, 0.1, (PER_ASSET, INSTANTS)), 3)
        value, _ = encode_frame(asset, times, {f"s{j}": values[j].tolist() for j in range(PER_ASSET)})
        key = key_of(asset)
        producer.produce(f"{prefix}reading.v1", value, key, partition_of(key, PARTITIONS))
        producer.poll(0)
    producer.flush(60)
    return series // PER_ASSET * PER_ASSET * INSTANTS


@contextmanager
def worker_process(bootstrap: str, prefix: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A worker without a store, and the port of its metrics; told to stop at the end."""
    port = free_port()
    given = {
        "KAFKA": bootstrap, "PREFIX": prefix, "GROUP": f"{prefix}g", "PARTITIONS": str(PARTITIONS), "SINK": "none",
        "CONTROL_KEY": "k" * 32, "PORT": str(port), "SNAPSHOT_INTERVAL": "5s", "TICK_INTERVAL": "0s",
        "LOG_LEVEL": "error",
    }  # fmt: skip
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MILLSTREAM_")}
    command = [str(Path(sys.executable).with_name("millstream")), "worker"]
    with tempfile.TemporaryFile() as output:
        environment = clean | {f"MILLSTREAM_{name}": value for name, value in given.items()}
        child = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            yield child, port
        finally:
            child.terminate()
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(10)


def until(child: subprocess.Popen[bytes], done: Callable[[], Any], what: str) -> None:
    """Wait for something of a worker process; ends the run where it does not come, or the worker has gone."""
    end = time.monotonic() + PATIENCE_S
    while True:
        if child.poll() is not None:
            raise SystemExit(f"the worker ended with {child.returncode} before: {what}")
        try:
            if done():
                return
        except OSError:
            pass  # it does not listen yet
        if time.monotonic() > end:
            raise SystemExit(f"not within {PATIENCE_S:.0f} s: {what}")
        time.sleep(0.2)


def _values(port: int, name: str) -> list[float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    families = text_string_to_metric_families(text)
    return [sample.value for family in families for sample in family.samples if sample.name == name]


def metric_sum(port: int, name: str) -> float:
    """A metric over all its labels; 0 where it is not there."""
    return sum(_values(port, name))


def resident(child: subprocess.Popen[bytes], what: str = "VmRSS") -> int:
    """Memory of a process in bytes: now, or with VmHWM the most it ever had."""
    status = Path(f"/proc/{child.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(what))


def main() -> int:
    series = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    kafka = kafka_server(os.environ).server
    if kafka is None or not kafka.real:
        print("this needs a real Kafka; see: python -m tests.servers prepare", file=sys.stderr)
        return 1
    with kafka:
        size = measure(kafka.bootstrap, series)
    print(size)
    for fault in size.faults():
        print(f"ABOVE THE BOUND: {fault}", file=sys.stderr)
    return 1 if size.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
