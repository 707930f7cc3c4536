"""One contender in a process of its own, pinned to one core: reads the load from the start and says how fast it was.

usage: python -m tests.bench.contender plain|off|influx|limit BOOTSTRAP PREFIX READINGS; InfluxDB from the environment
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid

from aiokafka import AIOKafkaConsumer

from schemas.chunk import Chunk, Record
from schemas.decode import Decoder
from streams.cli.common import set_up_logging
from streams.process import prepare
from streams.reading_kind import ReadingKind
from tests.bench.limit import measure_limit
from tests.bench.load import to_records
from tests.bench.serve import started

DEADLINE_S = 180


class Clock:
    """Wall and processor time from the first chunk to the last reading, and to the last point stored."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.seen, self.points = wanted, 0, 0
        self.wall = self.cpu = 0.0
        self.done = asyncio.Event()

    def start(self) -> None:
        if not self.wall:
            self.wall, self.cpu = time.perf_counter(), time.process_time()

    def add(self, readings: int) -> None:
        self.seen += readings
        if self.seen >= self.wanted and not self.done.is_set():
            self.stop()

    def stop(self) -> None:
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        self.done.set()

    def __str__(self) -> str:
        return json.dumps({"readings": self.seen, "wall_s": self.wall, "cpu_s": self.cpu, "points": self.points})


async def plain(bootstrap: str, prefix: str, clock: Clock) -> None:
    """An aiokafka loop that only bulk-decodes."""
    consumer = AIOKafkaConsumer(
        f"{prefix}reading.v1", bootstrap_servers=bootstrap, group_id=uuid.uuid4().hex, auto_offset_reset="earliest",
        fetch_max_bytes=52_428_800, max_partition_fetch_bytes=16_777_216,
    )  # fmt: skip
    decoder = Decoder(b"")
    await consumer.start()
    try:
        while not clock.done.is_set():
            batches = await consumer.getmany(timeout_ms=1000, max_records=8000)
            for tp, batch in batches.items():
                clock.start()
                clock.add(decoder.decode(to_records(batch), tp.partition).readings)
    finally:
        await consumer.stop()


async def worker(bootstrap: str, prefix: str, clock: Clock, sink: str) -> None:
    """Millstream's worker: limits, stuck, gap and robust_zscore on, results to topics and to the sink."""
    judged = asyncio.Event()

    def add(readings: int) -> None:
        clock.seen += readings
        if clock.seen >= clock.wanted:
            judged.set()

    async with started(bootstrap, prefix, uuid.uuid4().hex, add, sink) as running:
        kind = running.readings.kind
        assert isinstance(kind, ReadingKind)
        decode = kind.feeding.decode

        def timed(records: list[Record], partition: int) -> Chunk:
            clock.start()
            return decode(records, partition)

        kind.feeding.decode = timed

        async def finish() -> None:
            await judged.wait()
            await running.lanes.drained()
            clock.stop()
            clock.points = getattr(running.sink, "points_written", 0)

        done, _ = await asyncio.wait(
            {asyncio.create_task(finish()), running.failed}, return_when="FIRST_COMPLETED", timeout=DEADLINE_S
        )
        if not done:
            at = {p: owned.engine.next_offset for p, owned in running.owned.items() if owned.engine}
            raise TimeoutError(f"stuck: {clock.seen} of {clock.wanted} readings, at {at}")
        if running.failed.done():
            running.failed.result()


def main() -> None:
    what, bootstrap, prefix, readings = sys.argv[1:5]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    set_up_logging("error")
    prepare()

    async def run() -> None:
        clock = Clock(int(readings))
        if what == "plain":
            await asyncio.wait_for(plain(bootstrap, prefix, clock), DEADLINE_S)
        elif what == "limit":
            clock.start()
            clock.points, clock.wall = await measure_limit(bootstrap, prefix, int(readings))
        else:
            await worker(bootstrap, prefix, clock, "none" if what == "off" else what)
        print(clock, flush=True)

    asyncio.run(run())


if __name__ == "__main__":
    main()
