"""Snapshots: taken one partition at a time, valid once everything before them is delivered; restored on assignment."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Generic

import structlog

from detectors.durations import SECOND
from streams.fence import Fence
from streams.kind import Kind
from streams.lanes import Lanes
from streams.metrics import Metrics
from streams.owned import E, Owned
from streams.process import give_back
from streams.settings import Settings
from streams.state import codec
from streams.state.manifest import Manifest, Piece
from streams.state.room import Room, array_bytes
from streams.state.store import Found

log = structlog.get_logger("millstream.snapshots")

_BYTES_PER_S = 10e6
"""State written on average, at most: a large state is saved less often."""
_CPU_SHARE = 0.1
"""Processor time of one core that packing takes on average, at most: likewise."""
_IDLE_TIMES = 30
"""A partition with nothing but ticks is saved so much less often."""
_LOOK_S = 0.2
_SLACK = 1.05
"""Room for the next copy: so many times what the last one took."""
_GROWN = 1.1
"""Memory is given back behind a state with so many times the series: its old columns have left holes."""


class Snapshots(Generic[E]):
    """Restores partitions, and saves those that are due; extra memory is at most one partition's state."""

    def __init__(
        self,
        settings: Settings,
        kind: Kind[E],
        lanes: Lanes,
        metrics: Metrics,
        fence: Fence,
        durable: Callable[[int, int], None],
    ) -> None:
        self.settings, self.kind, self.store, self.lanes = settings, kind, kind.store, lanes
        self.metrics, self.fence, self.durable = metrics, fence, durable
        self._one_at_a_time = asyncio.Lock()
        self._sizes: dict[int, tuple[int, int]] = {}  # partition -> series, and bytes of room for the next copy
        self._spent: dict[int, float] = {}  # partition -> processor time of packing it last, s
        self._tidy: dict[int, int] = {}  # partition -> series when memory was last given back

    # --- back

    async def restore(self, owned: Owned[E]) -> None:
        """Make `owned` go on from the newest snapshot; a partition kept unchanged in memory goes on as it is."""
        partition = owned.partition
        found = await self.store.newest(partition)
        begin = found.manifest.next_offset if found.manifest is not None else found.start
        owned.fault = found.fault if found.fault is not None and found.fault.last > begin else None
        ours = owned.manifest.generation if owned.engine is not None and owned.manifest is not None else None
        if found.manifest is not None and found.manifest.generation == ours:
            return
        if owned.lane is not None:
            self.lanes.close(owned.lane)
        owned.told.clear()
        self.kind.leave(partition)
        engine, found, state = await self._load(partition, found)
        owned.engine, owned.manifest = engine, found.manifest
        owned.lane = self.lanes.open(self.kind.number(partition), engine.next_offset)
        if state is None or found.manifest is None:
            owned.afresh = True
            # what the engine begins with must be in the state: another file may be ours when it is next needed
            await self._take(owned)
            self.stagger(owned)
            return
        owned.told |= await self.kind.take_back(partition, state, found.manifest.events_end)
        self.durable(partition, engine.next_offset)
        self.stagger(owned)

    async def _load(self, partition: int, found: Found) -> tuple[E, Found, dict[str, Any] | None]:
        damaged: set[str] = set()
        while found.manifest is not None:
            manifest, began = found.manifest, time.perf_counter()
            try:
                state = await self.store.load(manifest)
            except codec.Damaged as error:
                log.error("a snapshot is damaged; trying the one before", partition=partition, why=str(error))
                self.metrics.count("millstream_snapshots_damaged_total")
                damaged.add(manifest.generation)
                found = await self.store.newest(partition, damaged)
                continue
            engine = self.kind.fresh(partition)
            for warning in engine.restore(state["engine"]):
                log.warning(warning, partition=partition)
            del state["engine"]  # what the engine has taken up is not held twice
            await asyncio.to_thread(give_back)
            took = time.perf_counter() - began
            self.metrics.set("millstream_restore_seconds", took, partition=self.kind.label(partition))
            log.info(
                "restored",
                topic=self.store.topic,
                partition=partition,
                offset=engine.next_offset,
                bytes=manifest.size,
                seconds=took,
            )
            return engine, found, state
        if damaged:
            log.error("no snapshot can be read: learning starts afresh, no reading is lost", partition=partition)
        engine = self.kind.fresh(partition)
        engine.next_offset = found.start
        return engine, found, None

    # --- forth

    async def run(self, owned: Callable[[], list[Owned[E]]], patience: Callable[..., Awaitable[None]]) -> None:
        """Save partitions as they fall due, the longest unsaved first."""
        while True:
            await asyncio.sleep(_LOOK_S)
            due = [o for o in owned() if o.ready and o.engine is not None and self._due(o, owned())]
            for one in sorted(due, key=lambda o: o.tried)[:1]:
                await patience("state", lambda one=one: self.take(one))

    def _due(self, owned: Owned[E], all_: list[Owned[E]]) -> bool:
        size = sum(o.manifest.size for o in all_ if o.manifest is not None)
        spent = sum(self._spent.get(o.partition, 0.0) for o in all_)
        interval = max(self.settings.snapshot_interval / SECOND, size / _BYTES_PER_S, spent / _CPU_SHARE)
        return time.monotonic() - owned.tried >= interval * (1 if owned.worked else _IDLE_TIMES)

    def stagger(self, owned: Owned[E]) -> None:
        """Of n partitions one shall fall due every interval / n, though all were assigned at once."""
        share = (owned.partition + 1) / self.settings.partitions
        owned.tried = time.monotonic() - self.settings.snapshot_interval / SECOND * (1 - share)

    async def take(self, owned: Owned[E]) -> None:
        """Save one partition; on return the snapshot is valid and the group may commit it, or the partition is lost."""
        async with self._one_at_a_time:
            await self._take(owned)

    async def _take(self, owned: Owned[E]) -> None:
        engine, lane, partition = owned.engine, owned.lane, owned.partition
        if engine is None or lane is None or not owned.mine:
            return
        owned.tried = time.monotonic()
        room = await asyncio.to_thread(Room, self._room_for(engine))
        events_end = await self.kind.mark(partition)
        manifest, state = self._copy(owned, engine, events_end, room)
        self._sizes[partition] = manifest.series, int(room.asked * _SLACK)
        del room  # it lasts as long as what was copied into it
        chunks = codec.pack(state)
        pieces: list[Piece] = []
        del state
        spent = 0.0
        while True:
            chunk, took = await asyncio.to_thread(_next, chunks)
            spent += took
            if chunk is None:
                break
            pieces.append(await self.store.put_chunk(partition, manifest.generation, len(pieces), chunk))
        del chunks  # and with it the copy
        self._spent[partition] = spent
        if manifest.series > _GROWN * self._tidy.get(partition, 0):
            self._tidy[partition] = manifest.series
            await asyncio.to_thread(give_back)
        manifest = manifest.model_copy(update={"pieces": pieces})
        # everything before S must be with the topics (it is: that comes before the lane) and in the store
        await lane.wait(manifest.next_offset)
        await self.fence.wait()
        if not owned.mine or lane.closed:
            return
        await self.store.put_manifest(manifest)
        older, owned.manifest = owned.manifest, manifest
        self.durable(partition, manifest.next_offset)
        self.metrics.set("millstream_snapshot_bytes", manifest.size, partition=self.kind.label(partition))
        if older is not None:
            await self.store.drop(partition, older.keys())
        if owned.fault is not None and owned.fault.last <= manifest.next_offset:
            await self.store.note(partition, None)
            owned.fault = None

    def _room_for(self, engine: E) -> int:
        """Bytes that a copy will take: what the last one took; where there are many more series now, it is looked up,
        which takes some milliseconds."""
        series, size = self._sizes.get(engine.partition, (0, 0))
        if self.kind.sizes(engine)[0] > _GROWN * series:
            return int(array_bytes(engine.snapshot(lambda array: array)) * _SLACK)
        return size

    def _copy(self, owned: Owned[E], engine: E, events_end: int, room: Room) -> tuple[Manifest, dict[str, Any]]:
        """A consistent copy of a partition: the event loop stands still for it, so nothing else is done here."""
        partition, began = owned.partition, time.perf_counter()
        owned.worked = False
        state = {"engine": engine.snapshot(room.copy), **self.kind.beside(partition)}
        series, episodes = self.kind.sizes(engine)
        manifest = Manifest(
            format=codec.FORMAT, topic=self.store.topic, partition=partition, partitions=self.settings.partitions,
            generation=str(uuid.uuid4()), next_offset=engine.next_offset, events_end=events_end,
            made=time.time_ns(), config=engine.site.hash, site_version=engine.site.version,
            series=series, episodes=episodes, pieces=(),
        )  # fmt: skip
        self.metrics.set(
            "millstream_snapshot_pause_seconds", time.perf_counter() - began, partition=self.kind.label(partition)
        )
        return manifest, state

    async def sweep(self, owned: Owned[E]) -> None:
        """Let compaction remove generations that nobody finished, or that owners before us left."""
        if owned.manifest is not None:
            await self.store.drop(owned.partition, sorted(await self.store.leftovers(owned.manifest)))

    def refresh(self, owned: list[Owned[E]]) -> None:
        """Write the metrics of age."""
        for one in owned:
            if one.manifest is not None:
                age = max(time.time_ns() - one.manifest.made, 0) / SECOND
                self.metrics.set("millstream_snapshot_age_seconds", age, partition=self.kind.label(one.partition))
            if one.manifest is not None and one.engine is not None:
                behind = one.engine.next_offset - one.manifest.next_offset
                self.metrics.set("millstream_snapshot_behind_records", behind, partition=self.kind.label(one.partition))


def _next(chunks: Iterator[bytes]) -> tuple[bytes | None, float]:
    """The next chunk, None behind the last, and the processor time that it took, s."""
    began = time.thread_time()
    chunk = next(chunks, None)
    return chunk, time.thread_time() - began
