"""One worker and two of one group under the same live load: what a reading costs when there are two."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import Producer

from tests.bench.load import PARTITIONS, Message, send, topics
from tests.bench.runs import Served, wait_for


class Shared(NamedTuple):
    """What so many workers took together."""

    workers: int
    readings: int
    wall_s: float
    cpu_s: float


def measure(bootstrap: str, workers: int, load: Sequence[Message], readings: int) -> Shared:
    """Produce a load to workers that are ready, each on a core of its own as far as there are cores."""
    prefix, cores = f"pair{uuid.uuid4().hex[:6]}.", sorted(os.sched_getaffinity(0))
    topics(bootstrap, prefix)
    group = uuid.uuid4().hex
    served = [Served(bootstrap, prefix, group, cores[-1 - i % len(cores)]) for i in range(workers)]

    def shared_out() -> bool:
        held = [each.ask()["assigned"] for each in served]
        return sum(held) == PARTITIONS and min(held) > 0

    try:
        wait_for("each worker has partitions", shared_out)
        time.sleep(2.0)  # what a start leaves behind: first snapshots, the group's last word
        assert shared_out()
        before = sum(each.ask()["cpu_s"] for each in served)
        producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "batch.size": 1_000_000, "log_level": 0})
        began = time.perf_counter()
        for message in load:
            send(producer, f"{prefix}reading.v1", message)
        producer.flush(60)
        wait_for("all is judged", lambda: sum(each.ask()["readings"] for each in served) >= readings)
        wall = time.perf_counter() - began
        told = [each.ask() for each in served]
        assert sum(each["readings"] for each in told) == readings, "a reading was judged twice"
        return Shared(workers, readings, wall, sum(each["cpu_s"] for each in told) - before)
    finally:
        for each in served:
            each.close()
