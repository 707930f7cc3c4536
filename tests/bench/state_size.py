"""The default site at scale: memory, standstill for a snapshot, time to restore and singles a second, of one worker.

usage: python -m tests.bench.state_size [SERIES]   (default 100,000 on 8 partitions; a few minutes)
A first worker learns some seconds of all series and saves; a second restores that and catches up with singles.
"""

from __future__ import annotations

import json
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

from schemas.encode import encode_frame, encode_single
from schemas.partition import key_of, partition_of
from streams.site import DEFAULT_WATCHES
from streams.topics import ensure_topics
from tests.bench.load import Message, send
from tests.servers import kafka_server
from tests.servers.net import free_port

PARTITIONS = 8
PER_ASSET, INSTANTS = 10, 20
SECOND = 1_000_000_000
CAUGHT_UP = 10
"""Instants of all series that come as singles."""
SKIPPED, PART = 0.2, 0.95
"""Shares of these between which the rate is taken: past the first fetch, before the last."""
MOST_RSS = 3 * 1024**3 // 2
MOST_PAUSE_S = 0.2
MOST_RESTORE_S = 20.0
LEAST_RATE = 120_000.0
PATIENCE_S = 180.0


AUTO: dict[str, Any] = {"name": "auto", "series": "*", "detector": {"kind": "auto"}}
WATCHES = (*DEFAULT_WATCHES, *(() if any(w["name"] == "auto" for w in DEFAULT_WATCHES) else (AUTO,)))
"""The default site; with `auto`, which is a part of it where it is there."""


def _toml(watch: dict[str, Any]) -> str:
    plain = {name: value for name, value in watch.items() if name != "detector"}
    options = ", ".join(f"{name} = {json.dumps(value)}" for name, value in watch["detector"].items())
    lines = [f"{name} = {json.dumps(value)}" for name, value in plain.items()]
    return "\n".join(("[[watch]]", *lines, f"detector = {{ {options} }}\n"))


class Size(NamedTuple):
    """What a run showed."""

    series: int
    rss: int  # bytes, the highest of the first worker's life
    state: int  # bytes of all snapshots
    pause_s: float  # the longest standstill for a snapshot of one partition
    restore_s: float  # of all partitions, by the second worker
    rss_restored: int  # once it has caught up, too
    rate: float  # singles a second, end to end, the store off
    per_cpu_s: float  # and a CPU second of the worker

    def faults(self) -> list[str]:
        """Bounds that are not kept."""
        bounds = (
            ("memory", self.rss, MOST_RSS, "bytes"),
            ("memory after restoring", self.rss_restored, MOST_RSS, "bytes"),
            ("standstill", self.pause_s, MOST_PAUSE_S, "s"),
            ("restoring", self.restore_s, MOST_RESTORE_S, "s"),
        )
        found = [f"{what}: {is_:,} {unit}, at most {most:,}" for what, is_, most, unit in bounds if is_ > most]
        if self.rate < LEAST_RATE:
            found.append(f"singles: {self.rate:,.0f} a second, at least {LEAST_RATE:,.0f}")
        return found

    def __str__(self) -> str:
        return (
            f"default site ({', '.join(_watched())}), {self.series:,} series on {PARTITIONS} partitions, store off:\n"
            f"{max(self.rss, self.rss_restored) / 2**20:,.0f} MiB resident at most ({self.rss_restored / 2**20:,.0f} "
            f"after a restart), bound {MOST_RSS / 2**20:,.0f}; {self.state / 1e6:.1f} MB of snapshots\n"
            f"longest standstill {self.pause_s * 1e3:.1f} ms, bound {MOST_PAUSE_S * 1e3:.0f}; "
            f"restored in {self.restore_s:.2f} s, bound {MOST_RESTORE_S:.0f}\n"
            f"{self.rate:,.0f} singles a second end to end, at least {LEAST_RATE:,.0f} "
            f"({self.per_cpu_s:,.0f} a CPU second; {os.cpu_count()} cores, shared with the broker)"
        )


def measure(bootstrap: str, series: int) -> Size:
    """Fill the topic, let a worker learn and save it all, and another restore it."""
    prefix = f"size{uuid.uuid4().hex[:6]}."
    ensure_topics(bootstrap, prefix, PARTITIONS)
    start = (time.time_ns() // SECOND - INSTANTS - CAUGHT_UP) * SECOND  # nothing may be ahead of the broker's clock
    readings = _produce(bootstrap, prefix, series, start)
    with worker_process(bootstrap, prefix, SNAPSHOT_INTERVAL="5s") as (child, port):  # we wait for all snapshots
        until(child, lambda: metric_sum(port, "millstream_readings_total") >= readings, f"{readings:,} readings")
        until(child, lambda: metric_sum(port, "millstream_snapshot_behind_records") == 0, "all of it in snapshots")
        pause = max(_values(port, "millstream_snapshot_pause_seconds"))
        state, rss = int(metric_sum(port, "millstream_snapshot_bytes")), resident(child, "VmHWM")
    singles = _produce_singles(bootstrap, prefix, series, start + INSTANTS * SECOND)
    with worker_process(bootstrap, prefix) as (child, port):
        until(child, lambda: len(_values(port, "millstream_restore_seconds")) == PARTITIONS, "all partitions restored")
        restore = metric_sum(port, "millstream_restore_seconds")
        rates = _rates(child, port, singles)
        return Size(series, rss, state, pause, restore, resident(child, "VmHWM"), *rates)


def _rates(child: subprocess.Popen[bytes], port: int, singles: int) -> tuple[float, float]:
    """Singles a second, and a CPU second, of a worker that catches up with so many."""
    seen: list[tuple[float, float, float]] = []

    def look() -> bool:
        seen.append((metric_sum(port, "millstream_readings_total"), time.monotonic(), _cpu_s(child)))
        return seen[-1][0] >= PART * singles

    until(child, look, f"{singles:,} singles", every_s=1.0)  # looking takes the worker some milliseconds
    first, last = next(one for one in seen if one[0] >= SKIPPED * singles), seen[-1]
    done, wall_s, cpu_s = (b - a for a, b in zip(first, last, strict=True))
    return (done / wall_s, done / cpu_s) if done and cpu_s else (0.0, 0.0)


def _cpu_s(child: subprocess.Popen[bytes]) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _watched() -> list[str]:
    return [watch["name"] for watch in WATCHES]


def _producer(bootstrap: str) -> Producer:
    return Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "batch.size": 1_000_000, "log_level": 0})


def _asset(i: int) -> str:
    return f"kulim/hall{i // 500}/line{i // 20}/machine{i}"


def _produce_singles(bootstrap: str, prefix: str, series: int, start: int) -> int:
    producer, rng = _producer(bootstrap), np.random.default_rng(8)
    names = [_asset(i) for i in range(series // PER_ASSET)]
    keys = [key_of(name) for name in names]
    homes = [partition_of(key, PARTITIONS) for key in keys]
    for at in range(start, start + CAUGHT_UP * SECOND, SECOND):
        values = np.round(20 + rng.normal(0, 0.1, (len(names), PER_ASSET)), 3).tolist()
        for name, key, home, row in zip(names, keys, homes, values, strict=True):
            for j, value in enumerate(row):
                single, _ = encode_single(name, f"s{j}", at, value)
                send(producer, f"{prefix}reading.v1", Message(single, key, home))
    producer.flush(60)
    return len(names) * PER_ASSET * CAUGHT_UP


def _produce(bootstrap: str, prefix: str, series: int, start: int) -> int:
    producer, rng = _producer(bootstrap), np.random.default_rng(7)
    times = [start + i * SECOND for i in range(INSTANTS)]
    for i in range(series // PER_ASSET):
        asset = _asset(i)
        values = np.round(20 + rng.normal(0, 0.1, (PER_ASSET, INSTANTS)), 3)
        value, _ = encode_frame(asset, times, {f"s{j}": values[j].tolist() for j in range(PER_ASSET)})
        key = key_of(asset)
        producer.produce(f"{prefix}reading.v1", value, key, partition_of(key, PARTITIONS))
        producer.poll(0)
    producer.flush(60)
    return series // PER_ASSET * PER_ASSET * INSTANTS


@contextmanager
def worker_process(bootstrap: str, prefix: str, **settings: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A worker without a store, and the port of its metrics; told to stop at the end."""
    port = free_port()
    given = {
        "KAFKA": bootstrap, "PREFIX": prefix, "GROUP": f"{prefix}g", "PARTITIONS": str(PARTITIONS), "SINK": "none",
        "CONTROL_KEY": "k" * 32, "PORT": str(port), "TICK_INTERVAL": "0s", "LOG_LEVEL": "error", **settings,
    }  # fmt: skip
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MILLSTREAM_")}
    command = [str(Path(sys.executable).with_name("millstream")), "worker"]
    with tempfile.TemporaryFile() as output, tempfile.NamedTemporaryFile("w", suffix=".toml") as site:
        site.write("".join(_toml(watch) for watch in WATCHES))
        site.flush()
        command += ["--config", site.name]
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


def until(child: subprocess.Popen[bytes], done: Callable[[], Any], what: str, every_s: float = 0.2) -> None:
    """Wait for something of a worker process; ends the run where it does not come, or the worker has gone."""
    end = time.monotonic() + PATIENCE_S
    print(f"waiting for: {what}", file=sys.stderr, flush=True)
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
        time.sleep(every_s)


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
