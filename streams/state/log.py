"""Reading single partitions of topics by position, beside Faust: the state topic, and what was published of late."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams import batch_limit

_FETCH_BYTES = 16 * 1024 * 1024
_PATIENCE_S = 10.0
_REQUEST_MS = 10_000
"""A question that a broker took to its grave is asked again after this; 40 s by default."""

Committed = Callable[[str, int], Awaitable[int | None]]
"""What the group has committed of (topic, partition), None where it has not."""


class Log:
    """A consumer of its own that joins no group. One reader at a time: calls wait for each other.

    `committed` says what the group has committed of a (topic, partition): aiokafka's part for groups may fail while
    it looks for its coordinator and partitions are assigned by hand. Raises Kafka's errors, to be tried again.
    """

    def __init__(self, bootstrap: str, committed: Committed, options: Mapping[str, Any]) -> None:
        self.committed = committed
        batch_limit.install()
        self._make = partial(
            AIOKafkaConsumer,
            bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH_BYTES, fetch_max_bytes=_FETCH_BYTES, fetch_max_wait_ms=20,
            request_timeout_ms=_REQUEST_MS, **options,
        )  # fmt: skip
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Connect."""
        async with self._lock:
            await self._connected()

    async def stop(self) -> None:
        """Disconnect; a reading that is under way ends with an error."""
        gone, self._consumer = self._consumer, None
        if gone is not None:
            await gone.stop()

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            fresh = self._make()
            try:
                await fresh.start()
            except BaseException:
                await fresh.stop()
                raise
            self._consumer = fresh
        return self._consumer

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AIOKafkaConsumer]:
        """The consumer, for one reader. After any failure the next reader gets a new one: aiokafka's may fail for
        good once its broker was killed and has come back."""
        async with self._lock:
            try:
                yield await self._connected()
            except (KafkaError, TimeoutError):
                with contextlib.suppress(KafkaError, TimeoutError):
                    await self.stop()
                raise

    async def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """Offsets of the first record that is there and behind the last."""
        tp = TopicPartition(topic, partition)
        async with self._reading() as consumer:
            begin = await consumer.beginning_offsets([tp])
            end = await consumer.end_offsets([tp])
        return begin[tp], end[tp]

    async def read(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[Any]:
        """Records (`schemas.chunk.Record`) from `start` to before `end`, but for those that compaction has removed."""
        if start >= end:
            return
        tp = TopicPartition(topic, partition)
        async with self._reading() as consumer:
            consumer.assign([tp])
            consumer.seek(tp, start)
            idle = asyncio.get_running_loop().time()
            while True:
                batches = await consumer.getmany(tp, timeout_ms=200)
                for record in batches.get(tp, ()):
                    if record.offset >= end:
                        return
                    yield record
                if await consumer.position(tp) >= end:
                    return
                now = asyncio.get_running_loop().time()
                if batches:
                    idle = now
                elif now - idle > _PATIENCE_S:
                    raise TimeoutError(f"{topic}/{partition}: nothing came for {_PATIENCE_S:.0f} s below offset {end}")
