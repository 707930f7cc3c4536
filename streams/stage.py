"""A stage: one input topic of a worker, the engines of its partitions, and the way of a chunk through them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic

import structlog
from faust.types import TP

from schemas.chunk import Record
from streams.assignment import Assignment
from streams.kind import Kind
from streams.owned import E, Owned
from streams.snapshots import Snapshots
from streams.transport import bites

if TYPE_CHECKING:
    from streams.worker import Worker

log = structlog.get_logger("millstream.worker")


class Stage(Generic[E]):
    """Judges the chunks of one topic. Bites of all stages take turns."""

    def __init__(self, worker: Worker, kind: Kind[E]) -> None:
        self._worker, self.kind = worker, kind
        self.topic = worker.settings.topic(kind.topic)
        self.assignment = Assignment(worker, self)
        self.snapshots = Snapshots(
            worker.settings, kind, worker.lanes, worker.metrics, worker.fence, self.assignment.durable
        )

    @property
    def owned(self) -> dict[int, Owned[E]]:
        """What we hold of each partition that is ours."""
        return self.assignment.owned

    async def save(self) -> None:
        """Save partitions as they fall due."""
        await self.snapshots.run(lambda: list(self.owned.values()), self._worker.patience)

    async def handle(self, partition: int, records: list[Record]) -> None:
        """Judge one fetched chunk, in bites, publish what follows, and send it on its way to the store."""
        worker = self._worker
        owned = self.owned.get(partition)
        if owned is None:
            return
        await owned.settled.wait()
        if not owned.mine or not await self._no_hole(owned, records[0].offset):
            return  # what is dropped here was never committed, and comes again
        for bite in bites(records):
            async with worker.busy:
                if owned.mine and not worker.ending:
                    await self._bite(owned, bite)

    async def _no_hole(self, owned: Owned[E], first: int) -> bool:
        """Whether nothing is missing before `first`; if so it is asked for once more before it is believed."""
        worker, engine = self._worker, owned.engine
        assert engine is not None
        want = engine.next_offset
        if first <= want or owned.hole == (want, first):
            if first > want:
                worker.metrics.count("millstream_records_missing_total", first - want)
            owned.hole = None
            return True
        if owned.hole is None or owned.hole[0] != want or first < owned.hole[1]:
            owned.hole = (want, first)
            begin, _ = await worker.log.bounds(self.topic, owned.partition)
            if begin > want:
                log.error("records were deleted from the topic before they were taken; raise its retention",
                          topic=self.topic, partition=owned.partition, first=want, last=begin - 1)  # fmt: skip
            await worker.app.consumer.seek(TP(self.topic, owned.partition), max(want, begin))
        return False

    async def _bite(self, owned: Owned[E], records: list[Record]) -> None:
        worker = self._worker
        await worker.lanes.room()
        assert owned.lane is not None
        lane = owned.lane
        worker.health.began()
        async for results in self.kind.judged(owned, records):
            worker.lanes.put(lane, results)
            owned.last_record = time.monotonic()
            worker.health.moved()
        worker.health.ended()
