"""Follows `anomaly.v1` and `audit.v1` from their beginning, as any reader may, and says how far it has come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.anomaly import AnomalyEvent
from schemas.audit import Audit
from schemas.errors import Misconfigured
from streams.board.standing import Standing
from streams.security import aiokafka_options
from streams.settings import Settings

log = structlog.get_logger("millstream.board")

_RECORDS = 2_000
"""Read at a time; between such bites pages are served."""
_POLL_MS = 500
_PAUSE_S = 1.0
_TOPOLOGY_S = 30.0
"""Partitions that are added are found within this time."""


class Tail:
    """One reader of both topics. It belongs to no group: each board reads all, and commits nothing."""

    def __init__(self, settings: Settings, standing: Standing) -> None:
        self.settings, self.standing = settings, standing
        self.unreadable = 0
        """Records that could not be read: of a newer version, or not ours."""
        self.read = 0
        self._takes: dict[str, Callable[[bytes], None]] = {
            settings.topic("anomaly.v1"): lambda value: standing.take_event(AnomalyEvent.model_validate_json(value)),
            settings.topic("audit.v1"): lambda value: standing.take_audit(Audit.model_validate_json(value)),
        }
        self._consumer: Any = None
        self._task: asyncio.Task[None] | None = None
        self._position: dict[TopicPartition, int] = {}
        self._end: dict[TopicPartition, int] = {}  # as it was at the start, until all that was there is read

    async def start(self) -> None:
        """Connect, and begin to read. Raises KafkaError while the broker is away, Misconfigured for other topics."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka, group_id=None, enable_auto_commit=False,
            auto_offset_reset="earliest", **aiokafka_options(self.settings),
        )  # fmt: skip
        self._consumer = consumer
        await consumer.start()
        await self._assign()
        self._end = await consumer.end_offsets(list(self._position))
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()

    @property
    def share(self) -> float:
        """How much of what was there at the start has been read, 0 to 1; 1 from then on."""
        left = sum(max(end - self._position[of], 0) for of, end in self._end.items())
        return 1.0 if not left else self.read / (self.read + left)

    @property
    def failed(self) -> asyncio.Task[None] | None:
        """The task, if a bug ended it."""
        return self._task if self._task is not None and self._task.done() else None

    async def _assign(self) -> None:
        """Read all partitions that there are; those that are known go on where they stand."""
        counts = await self._counts()
        found = [TopicPartition(topic, partition) for topic in self._takes for partition in range(counts[topic])]
        if set(found) == set(self._position):
            return
        self._consumer.assign(found)
        for of in found:
            if of in self._position:
                self._consumer.seek(of, self._position[of])
            else:
                await self._consumer.seek_to_beginning(of)
                self._position[of] = await self._consumer.position(of)

    async def _counts(self) -> dict[str, int]:
        """Topic -> its partitions. Commands are dealt out by their number, so it must be the workers'."""
        commands = self.settings.topic("command.v1")
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka, **aiokafka_options(self.settings))
        try:
            await admin.start()
            told = await admin.describe_topics([*self._takes, commands])
        finally:
            await admin.close()
        missing = sorted(topic["topic"] for topic in told if topic["error_code"])
        if missing:
            said = f"not there, or closed to this user: {', '.join(missing)}"
            raise Misconfigured(f"{said}; topics are made by: millstream topics")
        counts = {topic["topic"]: len(topic["partitions"]) for topic in told}
        if counts[commands] != self.settings.partitions:
            raise Misconfigured(
                f"topic {commands} has {counts[commands]} partitions, and MILLSTREAM_PARTITIONS says "
                f"{self.settings.partitions}; set it to {counts[commands]}, as for the workers"
            )
        return counts

    async def _follow(self) -> None:
        looked = time.monotonic()
        while True:
            try:
                if time.monotonic() - looked > _TOPOLOGY_S:
                    looked = time.monotonic()
                    await self._assign()
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
            self._takes[of.topic](record.value or b"")
        except ValidationError as error:
            self.unreadable += 1
            log.warning(
                "a record could not be read", topic=of.topic, partition=of.partition, offset=record.offset,
                why=error.errors(include_url=False, include_input=False)[0]["msg"],
            )  # fmt: skip
