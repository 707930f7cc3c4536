"""The default site at scale in one process, without Kafka: memory, readings a second and microseconds a watch.

usage: python -m tests.bench.engine_size [SERIES] [ROUNDS]   (default 100,000 in 8 engines, 3; about a minute)
What `tests.bench.state_size` measures end to end, so that a change can be tried in a minute; its bounds are held there.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from schemas.chunk import Record
from schemas.decode import Decoder
from schemas.encode import encode_frame, encode_single
from schemas.partition import key_of, partition_of
from streams.engine import Engine
from streams.process import prepare
from streams.resolve import resolve
from streams.site import Site
from streams.spent import Spent
from streams.state import codec
from streams.state.room import Room, array_bytes

PARTITIONS, PER_ASSET, INSTANTS, SINGLES = 8, 10, 20, 10
POLLED, BITE_BYTES = 8_000, 1_000_000
"""As a worker is given them: messages at a time, and bytes of them."""
SECOND = 1_000_000_000


class Cost(NamedTuple):
    """CPU seconds on some readings."""

    readings: int
    decode_s: float
    judge_s: float
    watches: dict[str, float]  # CPU seconds of each watch


def resident() -> int:
    """Memory of this process now, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def most_resident() -> int:
    """The most that it ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def names(series: int) -> dict[int, list[str]]:
    """Assets by partition."""
    homes: dict[int, list[str]] = {p: [] for p in range(PARTITIONS)}
    for i in range(series // PER_ASSET):
        name = f"kulim/hall{i // 500}/line{i // 20}/machine{i}"
        homes[partition_of(key_of(name), PARTITIONS)].append(name)
    return homes


def frames(assets: Sequence[str], start: int, rng: np.random.Generator) -> Iterator[bytes]:
    """A frame of each asset, with some instants."""
    times = [start + i * SECOND for i in range(INSTANTS)]
    for asset in assets:
        values = np.round(20 + rng.normal(0, 0.1, (PER_ASSET, INSTANTS)), 3)
        yield encode_frame(asset, times, {f"s{j}": values[j].tolist() for j in range(PER_ASSET)})[0]


def singles(assets: Sequence[str], at: int, rng: np.random.Generator) -> Iterator[bytes]:
    """An instant of all series, a message each."""
    values = np.round(20 + rng.normal(0, 0.1, (len(assets), PER_ASSET)), 3).tolist()
    for asset, row in zip(assets, values, strict=True):
        for j, value in enumerate(row):
            yield encode_single(asset, f"s{j}", at, value)[0]


def bites(values: Iterator[bytes], first: int, clock: int) -> Iterator[list[Record]]:
    """Records in the pieces in which a worker feeds them."""
    taken: list[Record] = []
    size = 0
    for offset, value in enumerate(values, first):
        if len(taken) == POLLED or size + len(value) > BITE_BYTES:
            yield taken
            taken, size = [], 0
        taken.append(Record(offset, clock, None, value))
        size += len(value)
    yield taken


def feed(engine: Engine, decoder: Decoder, records: Sequence[list[Record]], by_watch: Spent) -> Cost:
    """Decode and judge, timed."""
    decode_s = judge_s = 0.0
    readings = 0
    for bite in records:
        began = time.process_time()
        chunk = decoder.decode(bite, engine.partition)
        decoded = time.process_time()
        results = engine.feed(chunk)
        judge_s += time.process_time() - decoded
        decode_s += decoded - began
        readings += results.counts["readings_in"]
    return Cost(readings, decode_s, judge_s, by_watch.take())


def main() -> int:
    series = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    prepare()
    by_watch, rng, decoder = Spent(time.process_time), np.random.default_rng(7), Decoder(b"k" * 32)
    site, homes = resolve(Site()), names(series)
    engines = [Engine(p, PARTITIONS, site, rows="none") for p in range(PARTITIONS)]
    for engine in engines:
        engine.charge = by_watch.on
    start = 1_767_600_000 * SECOND
    empty = resident()
    learned = []
    for engine in engines:
        clock = start + INSTANTS * SECOND
        learned.append(
            feed(engine, decoder, list(bites(frames(homes[engine.partition], start, rng), 0, clock)), by_watch)
        )
    spent = []
    for i in range(rounds * SINGLES):
        at = start + (INSTANTS + i) * SECOND
        for engine in engines:
            records = list(bites(singles(homes[engine.partition], at, rng), engine.next_offset, at))
            spent.append(feed(engine, decoder, records, by_watch))
    gc.collect()
    full, state = resident(), 0
    by: dict[str, int] = defaultdict(int)
    pauses, restored_s = [], []
    for p in range(PARTITIONS):
        room = Room(int(1.05 * array_bytes(engines[p].snapshot())))  # as the worker makes it, beside its work
        began = time.perf_counter()
        saved = engines[p].snapshot(room.copy)
        pauses.append(time.perf_counter() - began)
        state += array_bytes(saved)
        for name, watch in saved["watches"].items():
            by[name] += array_bytes(watch)
        packed = list(codec.pack({"engine": saved, "episodes": {}}))
        del saved, room
        engines[p] = Engine(p, PARTITIONS, site, rows="none")  # the old one goes, as in a worker that begins
        began = time.perf_counter()
        engines[p].restore(codec.unpack(packed)["engine"])
        restored_s.append(time.perf_counter() - began)
        del packed
    gc.collect()
    report("frames", learned)
    report("singles", spent)
    mib = 2**20
    each = ", ".join(f"{name} {b / series:,.0f}" for name, b in sorted(by.items(), key=lambda pair: -pair[1]))
    print(f"state: {state / mib:,.0f} MiB of arrays; by watch, bytes a series: {each}")
    print(
        f"resident: {empty / mib:,.0f} MiB before, {full / mib:,.0f} after the readings, {resident() / mib:,.0f} after "
        f"saving and restoring each engine in turn, {most_resident() / mib:,.0f} at most"
    )
    print(f"longest standstill {max(pauses) * 1e3:.1f} ms; all engines restored in {sum(restored_s):.2f} s")
    return 0


def report(what: str, spent: Sequence[Cost]) -> None:
    """Print a load's figures."""
    n = sum(s.readings for s in spent)
    decode, judge = sum(s.decode_s for s in spent), sum(s.judge_s for s in spent)
    watches = {name: sum(s.watches.get(name, 0.0) for s in spent) for name in spent[-1].watches}
    each = {"decode": decode, **watches, "the rest": judge - sum(watches.values())}
    us = ", ".join(f"{name} {s / n * 1e6:.2f}" for name, s in each.items())
    print(f"{what}: {n:,} readings, {n / (decode + judge):,.0f} a CPU second; us a reading: {us}")


if __name__ == "__main__":
    sys.exit(main())
