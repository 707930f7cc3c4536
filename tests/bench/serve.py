"""A worker that serves until its input ends, pinned to one core; it answers each line of its input with how far it is.

usage: python -m tests.bench.serve BOOTSTRAP PREFIX GROUP CORE
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pydantic import SecretStr

from streams.cli.common import set_up_logging
from streams.process import prepare
from streams.run import make_sink
from streams.settings import load_settings
from streams.worker import Worker
from tests.bench.load import LIGHT, PARTITIONS


@asynccontextmanager
async def started(
    bootstrap: str, prefix: str, group: str, count: Callable[[int], None], sink: str = "none"
) -> AsyncIterator[Worker]:
    """A worker with the light site, on the topics of `prefix`; `count` is told how many readings each batch had."""
    settings = load_settings(
        kafka=bootstrap, prefix=prefix, partitions=PARTITIONS, group=group, control_key=SecretStr("k" * 32),
        sink=sink, port=0, tick_interval="0s",
    )  # fmt: skip
    store = make_sink(settings)
    running = Worker(
        settings, LIGHT, store, watch_results=lambda results: count(results.counts["readings_in"]),
        rows="none" if store is None else "stored",
    )  # fmt: skip
    # the site's record would be stamped later than the load, and so end the silence of every series at once
    running.readings.kind.tells_site = False
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


async def serve(bootstrap: str, prefix: str, group: str) -> None:
    """Answer until the input ends."""
    loop, lines = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    seen = 0

    def count(readings: int) -> None:
        nonlocal seen
        seen += readings

    async with started(bootstrap, prefix, group, count) as running:
        while await lines.readline():
            if running.failed.done():
                running.failed.result()
            told = {"readings": seen, "cpu_s": time.process_time(), "assigned": len(running.assigned)}
            print(json.dumps(told), flush=True)


def main() -> None:
    bootstrap, prefix, group, core = sys.argv[1:5]
    os.sched_setaffinity(0, {int(core)})
    set_up_logging("error")
    prepare()
    asyncio.run(serve(bootstrap, prefix, group))


if __name__ == "__main__":
    main()
