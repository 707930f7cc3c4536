"""The second kind of engine: key figures of machines in, those of areas and sites out."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from schemas.chunk import Record
from streams.feeding import POISON, Feeding
from streams.owned import Owned
from streams.publish import Publisher
from streams.results import Results
from streams.rollup.engine import SiteEngine
from streams.rollup.entries import Entry, entries
from streams.state.store import StateStore

if TYPE_CHECKING:
    from streams.worker import Worker

log = structlog.get_logger("millstream.rollup")


class SiteKind:
    """Engines on `kpi.v1`."""

    topic = "kpi.v1"
    tells_site = False  # it is in the snapshot; `kpi.v1` is read by others, and has control records where they matter

    def __init__(self, worker: Worker, store: StateStore) -> None:
        self._worker, self.store = worker, store
        key = worker.settings.key

        def decode(records: list[Record], partition: int) -> list[Entry]:
            return entries(records, partition, key)

        self._feeding = Feeding[SiteEngine, list[Entry]](decode, _set_aside, self.fresh, store, worker.metrics)
        self._publisher = Publisher(worker.settings, worker.send, worker.metrics, worker.level, "kpi.site.v1")

    def label(self, partition: int) -> str:
        """The partition as metrics name it."""
        return f"kpi/{partition}"

    @staticmethod
    def number(partition: int) -> int:
        """The partition as lanes and the store number it: downwards from -1, beside those of readings.

        >>> SiteKind.number(3)
        -4
        """
        return -1 - partition

    def fresh(self, partition: int) -> SiteEngine:
        """An engine that has fed nothing."""
        return SiteEngine(partition, self._worker.site)

    def wants_tick(self, engine: SiteEngine) -> bool:
        """Whether something is due by now; else nobody who reads `kpi.v1` has to pass over a tick."""
        due = engine.next_due()
        return due is not None and due <= time.time_ns()

    async def judged(self, owned: Owned[SiteEngine], records: list[Record]) -> AsyncIterator[Results]:
        """Feed records; results once they are published and counted."""
        worker = self._worker
        async for fed, answer in self._feeding.feed(owned, records):
            results = answer._replace(partition=self.number(owned.partition))
            await worker.fence.wait()
            await worker.patience("topics", partial(self._publisher.publish, results))
            owned.worked |= any(entry.row is not None for entry in fed)
            for row in results.kpis:
                worker.kpis.take(row, results.partition)
            for warning in results.warnings:
                log.warning(warning)
            yield results

    def sizes(self, engine: SiteEngine) -> tuple[int, int]:
        """Machines, and no episodes."""
        return engine.machines, 0

    async def mark(self, partition: int) -> int:
        """Nothing is read back: a row that is published again replaces itself."""
        return 0

    def beside(self, partition: int) -> dict[str, Any]:
        """Nothing is saved beside the engine."""
        return {}

    async def take_back(self, partition: int, state: dict[str, Any], mark: int) -> set[str]:
        """Nothing to take up."""
        return set()

    def leave(self, partition: int) -> None:
        """Forget what is shown of a partition."""
        self._worker.kpis.leave(self.number(partition))


def _set_aside(record: Record, why: str) -> list[Entry]:
    return [Entry(record.offset, record.timestamp, wrong=f"{POISON}: {why}")]
