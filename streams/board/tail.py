"""Follows `anomaly.v1` and `audit.v1` from their beginning, as any reader may, and says how far it has come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.anomaly import AnomalyEvent
from schemas.audit import Audit
from schemas.errors import Misconfigured, Retry
from streams.board.standing import Standing
from streams.broker import broker
from streams.security import aiokafka_options
from streams.settings import Settings

log = structlog.get_logger("millstream.board")

_RECORDS = 2_000
"""Read at a time; between such bites pages are served."""
_POLL_MS = 500
_PAUSE_S = 1.0
_TOPOLOGY_S = 30.0
"""Partitions that are added are found within this time."""
_MS = 1_000_000


class Tail:
    """One reader of both topics. It belongs to no group: each board reads all, and commits nothing."""

    def __init__(self, settings: Settings, standing: Standing) -> None:
        self.settings, self.standing = settings, standing
        self.unreadable = 0
        """Records that could not be read: of a newer version, or not ours."""
        self.read = 0
        self._takes: dict[str, Callable[[int, bytes], None]] = {
            settings.topic("anomaly.v1"): lambda p, value: standing.take_event(
                AnomalyEvent.model_validate_json(value), p
            ),
            settings.topic("audit.v1"): lambda p, value: standing.take_audit(Audit.model_validate_json(value)),
        }
        self._consumer: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._position: dict[TopicPartition, int] = {}
        self._end: dict[TopicPartition, int] | None = None  # as it was at the start
        self._began = time.time_ns()

    async def start(self) -> None:
        """Connect, and begin to read. Raises KafkaError or Retry while the broker is away, Misconfigured."""
        found = await self._partitions()
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka, group_id=None, enable_auto_commit=False,
            auto_offset_reset="earliest", **aiokafka_options(self.settings),
        )  # fmt: skip
        self._consumer = consumer
        await consumer.start()
        await self._assign(found)
        self._end = await consumer.end_offsets(list(self._position))
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._look_around())]

    async def stop(self) -> None:
        """Stop reading."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()

    @property
    def share(self) -> float:
        """How much of what was there at the start has been read, 0 to 1; 1 from then on."""
        if self._end is None:
            return 0.0
        left = sum(max(end - self._position[of], 0) for of, end in self._end.items())
        return 1.0 if not left else self.read / (self.read + left)

    @property
    def heard(self) -> int:
        """Wall clock (ns) at which all partitions had been asked, so that nothing before it is missing."""
        if self._consumer is None or not self._position:
            return self._began
        oldest = min(self._consumer.last_poll_timestamp(of) or 0 for of in self._position)
        return max(oldest * _MS, self._began)

    @property
    def behind(self) -> int:
        """Records that the broker is known to have and that are not read yet."""
        if self._consumer is None:
            return 0
        return sum(max((self._consumer.highwater(of) or 0) - at, 0) for of, at in self._position.items())

    @property
    def failed(self) -> asyncio.Task[None] | None:
        """The task that a bug, or another number of partitions, has ended."""
        return next((task for task in self._tasks if task.done()), None)

    async def _assign(self, found: Iterable[TopicPartition]) -> None:
        """Read these partitions too; those that are known go on where they stand."""
        new = [of for of in found if of not in self._position]
        if not new:
            return
        begins = await self._consumer.beginning_offsets(new)
        # nothing is awaited from here on: a fetch in between would begin somewhere else
        self._position |= begins
        self._consumer.assign(list(self._position))
        for of, at in self._position.items():
            self._consumer.seek(of, at)

    async def _partitions(self) -> list[TopicPartition]:
        """The partitions there are. Raises Misconfigured where topics are missing, or not as the workers have them."""
        counts = await asyncio.to_thread(self._counts)
        missing = sorted({*self._takes, self.settings.topic("command.v1")} - counts.keys())
        if missing:
            said = f"not there, or closed to this user: {', '.join(missing)}"
            raise Misconfigured(f"{said}; topics are made by: millstream topics")
        self._check(counts)
        return self._places(counts)

    def _check(self, counts: dict[str, int]) -> None:
        """Commands are dealt out by the number of partitions: raises Misconfigured where it is not the settings'."""
        commands, known = self.settings.topic("command.v1"), self.settings.partitions
        if counts.get(commands, known) != known:
            raise Misconfigured(
                f"topic {commands} has {counts[commands]} partitions, and MILLSTREAM_PARTITIONS says {known}; set it "
                f"to {counts[commands]}, as for the workers"
            )

    def _places(self, counts: dict[str, int]) -> list[TopicPartition]:
        return [TopicPartition(topic, p) for topic in self._takes for p in range(counts.get(topic, 0))]

    def _counts(self) -> dict[str, int]:
        with broker(self.settings) as asked:
            return asked.counts({*self._takes, self.settings.topic("command.v1")})

    async def _look_around(self) -> None:
        """Find partitions that were added. Ends, with why, when commands would no longer reach all of them."""
        while True:
            await asyncio.sleep(_TOPOLOGY_S)
            try:
                counts = await asyncio.to_thread(self._counts)
            except (KafkaError, Retry, Misconfigured) as error:  # a right that was taken may be given back
                log.warning("Kafka does not say which partitions there are; it is asked again", error=str(error))
                continue
            self._check(counts)
            try:
                await self._assign(self._places(counts))
            except KafkaError as error:
                log.warning("Kafka does not say which partitions there are; it is asked again", error=str(error))

    async def _follow(self) -> None:
        while True:
            try:
                fetched = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS)
            except KafkaError as error:
                log.warning("what happens cannot be read; it is tried again", error=repr(error))
                await asyncio.sleep(_PAUSE_S)
                continue
            for of, records in fetched.items():
                for record in records:
                    self._take(of, record)
                self._position[of] = records[-1].offset + 1
            if fetched:
                await asyncio.sleep(0)

    def _take(self, of: TopicPartition, record: Any) -> None:
        self.read += 1
        try:
            self._takes[of.topic](of.partition, record.value or b"")
        except (ValueError, TypeError, KeyError) as error:
            self.unreadable += 1
            log.warning(
                "a record could not be read", topic=of.topic, partition=of.partition, offset=record.offset,
                why=type(error).__name__,
            )  # fmt: skip
