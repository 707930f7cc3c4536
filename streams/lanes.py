"""Lanes: results on their way to the store, in order for each partition, bounded over all."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from streams.results import Results
from streams.sinks.base import Sink

MERGED = 50_000
"""Readings written in one go, about: fewer and larger writes while the store is slower than the judging."""

Patience = Callable[[str, Callable[[], Awaitable[None]]], Awaitable[None]]
"""Does something until it works; the world's faults are waited out."""


class Lane:
    """One partition's results, in the log's order."""

    def __init__(self, partition: int, stored: int) -> None:
        self.partition = partition
        self.stored = stored  # offset up to which everything is in the store
        self.queue: deque[Results] = deque()
        self.since: float | None = None  # when the write under way was last known to move, monotonic
        self.task: asyncio.Task[None] | None = None
        self.moved = asyncio.Event()
        self.closed = False

    async def wait(self, offset: int) -> None:
        """Return once everything below `offset` is stored, or the lane is closed."""
        while self.stored < offset and not self.closed:
            self.moved.clear()
            await self.moved.wait()


class Lanes:
    """All lanes of a worker. A bug in the sink goes to `on_fault`."""

    def __init__(
        self, sink: Sink | None, limit: int, patience: Patience, on_fault: Callable[[BaseException], None]
    ) -> None:
        self.sink, self.limit = sink, limit
        self._patience, self._on_fault = patience, on_fault
        self._lanes: set[Lane] = set()
        self.pending = 0  # readings judged but not yet stored
        self._freed = asyncio.Event()
        self._broken = False  # a bug in the sink: nothing more is written
        self.asked = asyncio.Event()  # the sink has been tried once
        self._connected = asyncio.Event()
        self._connected.set()

    async def connect(self) -> None:
        """Open the sink; until it is open results wait, and readings are judged meanwhile. Raises Misconfigured."""
        sink = self.sink
        if sink is None:
            return

        async def once() -> None:
            try:
                await sink.open()
            finally:
                self.asked.set()

        self._connected.clear()
        await self._patience("sink", once)
        self._connected.set()

    def open(self, partition: int, stored: int) -> Lane:
        """A lane for results from offset `stored` on."""
        lane = Lane(partition, stored)
        self._lanes.add(lane)
        return lane

    def close(self, lane: Lane) -> None:
        """Forget what is still on its way: whoever owns the partition now judges it again."""
        if lane.task is not None:
            lane.task.cancel()
        self._free(sum(map(_weight, lane.queue)))
        lane.queue.clear()
        lane.closed = True
        lane.moved.set()
        self._lanes.discard(lane)
        if self.sink is not None:
            self.sink.forget(lane.partition)

    async def room(self) -> None:
        """Return once there is room for more: until then nothing more is judged."""
        while self.pending >= self.limit:
            self._freed.clear()
            await self._freed.wait()

    def put(self, lane: Lane, results: Results) -> None:
        """Send results on their way."""
        if self.sink is None:
            lane.stored = results.next_offset
            lane.moved.set()
            return
        # raw records were wanted by the topics alone
        slim = results._replace(rejections=(), forwards=())
        lane.queue.append(slim)
        self.pending += _weight(slim)
        if not self._broken and (lane.task is None or lane.task.done()):
            lane.task = asyncio.get_running_loop().create_task(self._run(lane))

    @property
    def stuck_s(self) -> float:
        """For how long the slowest write under way has neither ended nor been tried again."""
        now = time.monotonic()
        return max((now - lane.since for lane in self._lanes if lane.since is not None), default=0.0)

    async def drained(self) -> None:
        """Return once every lane is empty."""
        while tasks := [lane.task for lane in self._lanes if lane.task is not None and not lane.task.done()]:
            await asyncio.wait(tasks)

    async def _run(self, lane: Lane) -> None:
        assert self.sink is not None
        sink = self.sink
        try:
            await self._connected.wait()
            while lane.queue:
                batch, weight = [lane.queue[0]], _weight(lane.queue[0])
                while len(batch) < len(lane.queue) and weight < MERGED:
                    batch.append(lane.queue[len(batch)])
                    weight += _weight(batch[-1])

                async def write(batch: list[Results] = batch) -> None:
                    lane.since = time.monotonic()
                    await sink.write(batch)

                await self._patience("sink", write)
                for _ in batch:
                    lane.queue.popleft()
                lane.stored = batch[-1].next_offset
                self._free(sum(map(_weight, batch)))
                lane.moved.set()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._broken = True
            self._on_fault(error)
        finally:
            lane.since = None

    def _free(self, weight: int) -> None:
        self.pending -= weight
        self._freed.set()


def _weight(results: Results) -> int:
    return results.counts["readings_in"] + 1
