"""The first kind of engine: readings in, verdicts, episodes and key figures of machines out."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Detector
from schemas.chunk import READING, Chunk, Record
from schemas.decode import Decoder
from streams.accounting import account
from streams.engine import Engine, Rows
from streams.feeding import Feeding, set_aside
from streams.owned import Owned
from streams.publish import Publisher
from streams.results import Results
from streams.state.store import StateStore

if TYPE_CHECKING:
    from streams.worker import Worker

_LATENCIES = 200_000
"""Latencies that are remembered."""


class ReadingKind:
    """Engines on `reading.v1`."""

    topic = "reading.v1"
    tells_site = True

    def __init__(
        self,
        worker: Worker,
        store: StateStore,
        registry: dict[str, type[Detector[Any]]] | None,
        rows: Rows,
        watch_results: Callable[[Results], None] | None,
    ) -> None:
        self._worker, self.store, self._registry, self._rows = worker, store, registry, rows
        self._watch_results = watch_results
        decode = Decoder(worker.settings.key).decode
        self.feeding = Feeding[Engine, Chunk](decode, set_aside, self.fresh, store, worker.metrics)
        self._publisher = Publisher(worker.settings, worker.send, worker.metrics, worker.level)

    def label(self, partition: int) -> str:
        """The partition as metrics name it."""
        return str(partition)

    def number(self, partition: int) -> int:
        """The partition as lanes and the store number it."""
        return partition

    def fresh(self, partition: int) -> Engine:
        """An engine that has fed nothing."""
        worker = self._worker
        engine = Engine(partition, worker.settings.partitions, worker.site, self._registry, self._rows)
        engine.charge = worker.spent.on
        return engine

    def wants_tick(self, engine: Engine) -> bool:
        """Silence always has deadlines."""
        return True

    async def judged(self, owned: Owned[Engine], records: list[Record]) -> AsyncIterator[Results]:
        """Feed records; results once they are published and counted."""
        worker, metrics = self._worker, self._worker.metrics
        async for chunk, results in self.feeding.feed(owned, records):
            now = time.time_ns()
            latency = _latencies(chunk, now)
            metrics.histogram("millstream_scored_latency_seconds").observe(latency)
            began = time.perf_counter()
            await worker.fence.wait()
            events = [event for event in results.events if event.event_id not in owned.told]
            fresh = results._replace(events=events) if len(events) < len(results.events) else results
            await worker.patience("topics", partial(self._publisher.publish, fresh))
            metrics.count("millstream_batch_seconds_total", time.perf_counter() - began, stage="publish")
            owned.worked |= chunk.messages > sum(control.kind == "tick" for _, control in chunk.controls)
            account(metrics, worker.episodes, worker.kpis, fresh, now)
            done = latency + (time.time_ns() - now) / 1e9
            metrics.histogram("millstream_published_latency_seconds").observe(done)
            worker.latency_ms += (done * 1e3).tolist()
            del worker.latency_ms[:-_LATENCIES]
            yield results
            if self._watch_results is not None:
                self._watch_results(results)

    def sizes(self, engine: Engine) -> tuple[int, int]:
        """Series and open episodes."""
        return len(engine.roster.refs), self._worker.episodes.open_on(engine.partition)

    async def mark(self, partition: int) -> int:
        """Where the events published end now."""
        return await self.store.end(self._worker.settings.topic("anomaly.v1"), partition)

    def beside(self, partition: int) -> dict[str, Any]:
        """The open episodes as the metrics show them."""
        return {"episodes": self._worker.episodes.snapshot(partition)}

    async def take_back(self, partition: int, state: dict[str, Any], mark: int) -> set[str]:
        """Show the open episodes again, with the events published behind the mark; their ids."""
        episodes, told = self._worker.episodes, set()
        episodes.restore(partition, state["episodes"])
        for event in await self.store.events(self._worker.settings.topic("anomaly.v1"), partition, mark):
            episodes.take(event, partition, event.detected or event.received)
            told.add(event.event_id)
        return told

    def leave(self, partition: int) -> None:
        """Forget what is shown of a partition."""
        self._worker.episodes.leave(partition)
        self._worker.kpis.leave(partition)


def _latencies(chunk: Chunk, now: int) -> NDArray[np.float64]:
    received = chunk.received[chunk.kind == READING]
    return np.asarray(np.maximum(now - received, 0) / 1e9)
