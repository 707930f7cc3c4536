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
from schemas.command import Command, Target
from schemas.errors import Retry
from streams.command_client import CONTENT_TYPE, records_for
from streams.security import aiokafka_options
from streams.settings import Settings

log = structlog.get_logger("millstream.board")

PATIENCE_S = 30.0
"""After this long without an answer a person is told what that means."""
_REMEMBERED = 1_000
_SEND_S = 15.0
_REQUEST_MS = 8_000

Deed = Literal["mute", "unmute", "rebaseline", "approve", "reject", "take", "keep", "configure", "baseline", "none"]
"""What a command does, as people would say it."""
Outcome = Literal["waiting", "unanswered", "done", "nothing", "partly", "refused"]
"""`nothing`: done, but it concerns nothing that is known; `partly`: some of the partitions refused."""


def deed_of(kind: str | None, until: int | None, proposal: str | None, at: int | None) -> Deed:
    """What a command of some kind does: `until` of a mute that is over lifts it, a proposal is taken or not.

    >>> deed_of("mute", 0, None, 1), deed_of("reject", None, "p1", 1), deed_of(None, None, None, None)
    ('unmute', 'keep', 'none')
    """
    match kind:
        case "mute":
            return "unmute" if until is not None and until <= (at or 0) else "mute"
        case "approve":
            return "take" if proposal else "approve"
        case "reject":
            return "keep" if proposal else "reject"
        case "rebaseline" | "configure" | "baseline":
            return kind
    return "none"


class Asked(NamedTuple):
    """A command, and how many partitions were asked."""

    deed: Deed
    target: Target
    reason: str | None
    partitions: int
    sent: float  # monotonic

    def outcome(self, answers: dict[int, Audit], now: float) -> Outcome:
        """What has become of it."""
        refused = sum(answer.outcome == "refused" for answer in answers.values())
        taken = len(answers) - refused
        one_has_it = self.target.episode is not None and taken > 0
        if len(answers) < self.partitions and not one_has_it:
            return "waiting" if now - self.sent < PATIENCE_S else "unanswered"
        if not taken:
            return "refused"
        if self.deed == "mute" and refused:
            return "partly"
        if self.deed == "mute" and not any(a.affected or a.outcome == "repeated" for a in answers.values()):
            return "nothing"
        return "done"


class Asking:
    """The one who writes to command.v1. A command with an id that was sent before is sent again, and done once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._asked: OrderedDict[str, Asked] = OrderedDict()

    def asked(self, command_id: str, answers: dict[int, Audit]) -> Asked | None:
        """A command that this board sent lately, or one that was answered; None where nothing is known of it."""
        known = self._asked.get(command_id)
        if known is not None or not answers:
            return known
        row = next(iter(answers.values()))
        target = row.target or Target()
        partitions = 1 if target.exact_asset is not None else self._settings.partitions
        deed = deed_of(row.kind, row.detail.get("until"), row.detail.get("proposal"), row.received)
        return Asked(deed, target, row.reason, partitions, float("-inf"))

    async def send(self, command: Command) -> None:
        """Send a command to the partitions it concerns. Raises Retry, with why, unless Kafka says that it has it all.

        It may have it all the same, or will yet: then the same command is to be sent again, with its id.
        """
        records = records_for(command, self._settings.partitions)
        deed = deed_of(command.kind, command.payload.until, command.payload.proposal, command.at)
        self._remember(command.command_id, Asked(deed, command.target, command.reason, len(records), time.monotonic()))
        topic = self._settings.topic("command.v1")
        try:
            async with asyncio.timeout(_SEND_S):
                producer = await self._ready()
                waiting = [
                    await producer.send(topic, out.value, out.key, out.partition, headers=CONTENT_TYPE)
                    for out in records
                ]
                await asyncio.gather(*waiting)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("a command could not be sent", kind=command.kind, error=repr(error))
            raise Retry(str(error) or f"no answer within {_SEND_S:.0f} s") from error
        log.info("a command was sent", kind=command.kind, by=command.by, command_id=command.command_id)

    def _remember(self, command_id: str, asked: Asked) -> None:
        self._asked[command_id] = asked
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)

    async def _ready(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._settings.kafka, acks="all", request_timeout_ms=_REQUEST_MS,
                    **aiokafka_options(self._settings),
                )  # fmt: skip
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
