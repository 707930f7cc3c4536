"""One contender in a process of its own, pinned to one core: reads the load from the start and says how fast it was.

usage: python -m tests.bench.contender plain|off|influx BOOTSTRAP PREFIX READINGS   (InfluxDB from the environment)
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid

from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

from schemas.decode import Decoder
from streams.cli.common import set_up_logging
from streams.process import prepare
from streams.resolve import resolve
from streams.run import make_sink
from streams.settings import load_settings
from streams.site import Site
from streams.state.store import Found
from streams.transport import to_records
from streams.worker import Worker
from tests.bench.load import PARTITIONS

DEADLINE_S = 120


class Clock:
    """Wall and processor time from the first chunk to the last reading."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.seen = wanted, 0
        self.wall = self.cpu = 0.0
        self.done = asyncio.Event()

    def start(self) -> None:
        if not self.wall:
            self.wall, self.cpu = time.perf_counter(), time.process_time()

    def add(self, readings: int) -> None:
        self.seen += readings
        if self.seen >= self.wanted and not self.done.is_set():
            self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
            self.done.set()


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
            batches = await consumer.getmany(timeout_ms=1000, max_records=4000)
            for tp, batch in batches.items():
                clock.start()
                clock.add(decoder.decode(to_records(batch), tp.partition).readings)
    finally:
        await consumer.stop()


async def worker(bootstrap: str, prefix: str, clock: Clock, sink: str) -> None:
    """Millstream's worker: health gate and robust_zscore on, results to topics and to the sink."""
    settings = load_settings(
        kafka=bootstrap, prefix=prefix, partitions=PARTITIONS, group=uuid.uuid4().hex, control_key=SecretStr("k" * 32),
        sink=sink, port=0, tick_interval="0s",
    )  # fmt: skip

    running = Worker(settings, resolve(Site()), make_sink(settings))
    decode = running.feeding.decoder.decode
    running.feeding.decoder.decode = lambda *given: (clock.start(), decode(*given))[1]  # type: ignore[method-assign]

    async def nothing(*given: object) -> None:
        """The site's record would be stamped later than the load, and so end the silence of every series at once."""

    running.assignment._introduce = nothing  # type: ignore[method-assign]

    async def afresh(*given: object) -> Found:
        """The contender before us has read the same load: its snapshots would leave nothing to judge."""
        return Found(None, None, 0)

    running.state.newest = afresh  # type: ignore[method-assign]

    # set behind its back: a worker that is asked for results makes all of their rows
    running._watch_results = lambda results: clock.add(results.counts["readings_in"])
    await running.start()
    try:
        both = {asyncio.create_task(clock.done.wait()), running.failed}
        done, _ = await asyncio.wait(both, return_when="FIRST_COMPLETED", timeout=DEADLINE_S)
        if not done:
            at = {p: owned.engine.next_offset for p, owned in running.owned.items() if owned.engine}
            raise TimeoutError(f"stuck: {clock.seen} of {clock.wanted} readings, assigned {running.assigned}, at {at}")
        if running.failed.done():
            running.failed.result()
    finally:
        await running.stop()


def main() -> None:
    what, bootstrap, prefix, readings = sys.argv[1:5]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    set_up_logging("error")
    prepare()

    async def run() -> Clock:
        clock = Clock(int(readings))
        act = plain(bootstrap, prefix, clock) if what == "plain" else worker(
            bootstrap, prefix, clock, "none" if what == "off" else what
        )  # fmt: skip
        await asyncio.wait_for(act, 2 * DEADLINE_S)
        return clock

    clock = asyncio.run(run())
    print(json.dumps({"readings": clock.seen, "wall_s": clock.wall, "cpu_s": clock.cpu}))


if __name__ == "__main__":
    main()
