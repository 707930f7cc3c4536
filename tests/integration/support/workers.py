"""A worker in this process, on the test's own loop, against real servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from schemas.errors import Retry
from streams.resolve import ResolvedSite, resolve
from streams.results import OUTCOMES, Results
from streams.settings import Settings, load_settings
from streams.sinks.base import Sink
from streams.sinks.influx import InfluxSink
from streams.site import parse_site
from streams.topics import ensure_topics
from streams.worker import Worker
from tests.integration.support.waiting import until
from tests.servers import InfluxServer, KafkaServer

CONTROL_KEY = "a-control-key-of-these-tests-0123456789"


def settings_of(kafka: KafkaServer, prefix: str, **given: Any) -> Settings:
    """Settings of a worker on topics of `prefix`; the group is the prefix too."""
    default = {
        "kafka": kafka.bootstrap, "prefix": prefix, "group": f"{prefix}workers", "partitions": 4, "port": 0,
        "control_key": CONTROL_KEY, "sink": "none", "tick_interval": "0s", "snapshot_interval": "500ms",
    }  # fmt: skip
    return load_settings(**default | given)


def site_from(text: str) -> ResolvedSite:
    """The resolved site of a TOML text."""
    return resolve(parse_site(text, "test.toml"))


def topics_for(settings: Settings, **overrides: str) -> None:
    """Make the topics of some settings."""
    ensure_topics(settings.kafka, settings.prefix, settings.partitions, overrides=overrides)


def influx_sink(influx: InfluxServer, prefix: str) -> InfluxSink:
    """The sink of a worker on the buckets of `prefix`."""
    return InfluxSink(influx.url, influx.token, influx.org, prefix)


@asynccontextmanager
async def running(
    settings: Settings, site: ResolvedSite, sink: Sink | None = None, **more: Any
) -> AsyncIterator[Worker]:
    """A worker that has all partitions, or those the group leaves it; stopped at the end."""
    worker = Worker(settings, site, sink, **more)
    try:
        await asyncio.wait_for(worker.start(), 60)
        await until(
            lambda: worker.failed.done() or _restored(worker), 30, "the worker has partitions and has restored them"
        )
        yield worker
    finally:
        await worker.stop()


def _restored(worker: Worker) -> bool:
    """Whether both stages have taken up all that they own."""
    partitions = [owned for stage in worker.stages for owned in stage.owned.values()]
    return bool(worker.owned) and worker.assigned == worker.owned.keys() and all(owned.ready for owned in partitions)


def counted(worker: Worker, *outcomes: str) -> int:
    """Readings counted in these outcomes; in all of them where none is named."""
    names = outcomes or OUTCOMES
    return int(sum(worker.metrics.value("millstream_readings_total", outcome=name) for name in names))


def outcomes_of(workers: Iterable[Worker]) -> dict[str, int]:
    """Readings by outcome over some workers."""
    workers = list(workers)
    return {name: sum(counted(worker, name) for worker in workers) for name in OUTCOMES}


async def get(worker: Worker, path: str) -> tuple[int, str]:
    """Status and text of the worker's own web server."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{worker.web.port}{path}") as answer:
        return answer.status, await answer.text()


async def metrics_of(worker: Worker) -> dict[tuple[str, ...], float]:
    """What /metrics says: (name, label values in the order of label names) -> value, read by Prometheus' own parser."""
    status, text = await get(worker, "/metrics")
    assert status == 200
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class MemorySink:
    """A store in memory that fails on demand: `away` raises Retry, `bug` anything else."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, str, int], float] = {}
        self.tries = 0
        self.away = False
        self.bug: Exception | None = None
        self.why: str | None = None
        self.failed_at: list[float] = []

    async def open(self) -> None:
        """Always there."""

    async def write(self, batch: Sequence[Results]) -> None:
        """Keep the points, idempotently."""
        if not any(len(results.points.time) for results in batch):
            return
        self.tries += 1
        if self.bug is not None:
            raise self.bug
        if self.away:
            self.failed_at.append(time.monotonic())
            raise Retry("the store is away")
        for results in batch:
            p = results.points
            for row, when, value in zip(p.series.tolist(), p.time.tolist(), p.value.tolist(), strict=True):
                self.points[results.series[row].path, results.series[row].series, when] = value

    def forget(self, partition: int) -> None:
        """Nothing is remembered."""

    async def ready(self) -> str | None:
        """What the test says."""
        return self.why

    async def close(self) -> None:
        """Nothing to release."""
