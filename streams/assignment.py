"""The partitions that are ours: taken up from their snapshots when assigned, given up when another worker has them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Generic

import structlog
from faust.types import TP

from streams.configure import configure_records
from streams.owned import E, Owned
from streams.resolve import to_payload

if TYPE_CHECKING:
    from streams.stage import Stage
    from streams.worker import Worker

log = structlog.get_logger("millstream.worker")


class Assignment(Generic[E]):
    """Follows the consumer group. Each rebalance revokes everything first; what comes back unchanged is kept."""

    def __init__(self, worker: Worker, stage: Stage[E]) -> None:
        self._worker, self._stage = worker, stage
        self.owned: dict[int, Owned[E]] = {}
        self.restored = asyncio.Event()  # for the first time since the start
        self._settling: asyncio.Task[None] | None = None

    @property
    def ready(self) -> set[int]:
        """Partitions that are ours and restored."""
        return {p for p, owned in self.owned.items() if owned.ready}

    @property
    def engines(self) -> dict[int, E]:
        """Engines of the partitions that are ours."""
        return {p: owned.engine for p, owned in self.owned.items() if owned.engine is not None}

    async def on_revoked(self, partitions: set[int]) -> None:
        """Judge nothing more of these until it is known who has them."""
        for partition in partitions & self.owned.keys():
            self.owned[partition].settled.clear()

    async def on_assigned(self, partitions: set[int]) -> None:
        """Give up what is not among these, and bring these to where their snapshots and logs say they are."""
        worker = self._worker
        worker.fence.heard()
        if not partitions:
            log.warning(
                "no partition is left for this worker: there are more workers than partitions; stop one, or see: "
                "millstream topics --grow",
                partitions=worker.settings.partitions,
            )
        for partition in self.owned.keys() - partitions:
            self._leave(self.owned.pop(partition))
        for partition in partitions:
            owned = self.owned.setdefault(partition, Owned[E](partition))
            owned.settled.clear()
            owned.hole = None
        if self._settling is not None:
            self._settling.cancel()
        # not awaited: the group's rebalance must not wait for megabytes of state
        settling = self._settle([self.owned[p] for p in sorted(partitions)])
        self._settling = asyncio.create_task(worker.guarded(settling))

    def _leave(self, owned: Owned[E]) -> None:
        """A partition goes elsewhere, and with it its episodes and what was on its way to the store."""
        worker = self._worker
        owned.lose()
        if owned.lane is not None:
            worker.lanes.close(owned.lane)
        self._stage.kind.leave(owned.partition)
        worker.app.transport.durable.pop(self._tp(owned.partition), None)
        worker.metrics.forget(partition=self._stage.kind.label(owned.partition))

    async def _settle(self, all_owned: list[Owned[E]]) -> None:
        worker = self._worker
        async with worker.restoring:  # there is one reader of the state topic
            await self._restore(all_owned)
        self.restored.set()
        for owned in all_owned:
            await self._introduce(owned)
        for owned in all_owned:
            await worker.patience("state", partial(self._stage.snapshots.sweep, owned))

    async def _restore(self, all_owned: list[Owned[E]]) -> None:
        worker = self._worker
        for owned in all_owned:
            await worker.patience("state", partial(self._stage.snapshots.restore, owned))
            owned.last_record = time.monotonic()
            worker.health.moved()
            owned.settled.set()

    async def _introduce(self, owned: Owned[E]) -> None:
        """Put our site into the log where it is news; where the log's wins, say so."""
        assert owned.engine is not None
        worker, known = self._worker, owned.engine.site
        if known.hash != worker.site.hash and known.version >= worker.site.version:
            log.warning(
                "the log's configuration is in force, not this worker's file; raise [site] version to change it",
                topic=self._stage.topic, partition=owned.partition, log=known.hash, file=worker.site.hash,
            )  # fmt: skip
        elif known.hash != worker.site.hash or (owned.afresh and self._stage.kind.tells_site):
            owned.afresh = False
            for control in configure_records(to_payload(worker.site), owned.partition):
                await worker.patience("topics", partial(worker.control, control, self._stage.kind.topic))

    def durable(self, partition: int, offset: int) -> None:
        """Let the group commit what the newest snapshot covers."""
        self._worker.app.transport.durable[self._tp(partition)] = offset

    async def save(self, take: Callable[[Owned[E]], Awaitable[None]]) -> None:
        """Save every partition that has gone on since its last snapshot, if only by ticks."""
        for owned in list(self.owned.values()):
            saved = owned.manifest.next_offset if owned.manifest is not None else -1
            if owned.ready and owned.engine is not None and owned.engine.next_offset > saved:
                await take(owned)

    def close(self) -> None:
        """Take nothing more."""
        if self._settling is not None:
            self._settling.cancel()
        for owned in self.owned.values():
            owned.lose()
            if owned.lane is not None:
                self._worker.lanes.close(owned.lane)

    def _tp(self, partition: int) -> TP:
        return TP(self._stage.topic, partition)
