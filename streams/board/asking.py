"""Sends what people decide to `command.v1`, and keeps in mind what is asked for until it is answered."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Literal, NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.audit import Audit
from schemas.command import Command
from schemas.errors import Retry
from streams.command_client import ACCEPTED, UNANSWERED, records_for, status_of
from streams.security import aiokafka_options
from streams.settings import Settings

log = structlog.get_logger("millstream.board")

PATIENCE_S = 30.0
"""After this long without an answer a person is told what that means."""
_REMEMBERED = 1_000
_SEND_S = 15.0
_JSON = [("content-type", b"application/json")]

Outcome = Literal["waiting", "done", "refused", "unanswered"]


class Asked(NamedTuple):
    """A command that was sent from here."""

    command: Command
    partitions: int
    sent: float  # monotonic

    def outcome(self, answers: dict[int, Audit], now: float) -> Outcome:
        """What has become of it."""
        status = status_of(self.command, answers, self.partitions)
        if status == UNANSWERED:
            return "waiting" if now - self.sent < PATIENCE_S else "unanswered"
        return "done" if status == ACCEPTED else "refused"


class Asking:
    """The one who writes to command.v1. A command with an id that was sent before is sent again, and done once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._asked: OrderedDict[str, Asked] = OrderedDict()

    def asked(self, command_id: str) -> Asked | None:
        """A command that this board sent lately."""
        return self._asked.get(command_id)

    async def send(self, command: Command) -> None:
        """Send a command to the partitions it concerns. Raises Retry, with why, unless Kafka has it all."""
        records = records_for(command, self._settings.partitions)
        topic = self._settings.topic("command.v1")
        try:
            async with asyncio.timeout(_SEND_S):
                producer = await self._ready()
                waiting = [
                    await producer.send(topic, out.value, out.key, out.partition, headers=_JSON) for out in records
                ]
                await asyncio.gather(*waiting)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("a command could not be sent", kind=command.kind, error=repr(error))
            raise Retry(str(error) or f"no answer within {_SEND_S:.0f} s") from error
        log.info("a command was sent", kind=command.kind, by=command.by, command_id=command.command_id)
        self._asked[command.command_id] = Asked(command, len(records), time.monotonic())
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)

    async def _ready(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._settings.kafka, acks="all", **aiokafka_options(self._settings)
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def stop(self) -> None:
        """Let go of Kafka."""
        if self._producer is not None:
            await self._producer.stop()
