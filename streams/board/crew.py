"""Who judges at the moment: without workers, a board without episodes means nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, for_code

from streams.security import aiokafka_options
from streams.settings import Settings

log = structlog.get_logger("millstream.board")

EVERY_S = 5.0
_TIMEOUT_MS = 5_000
_PATIENCE_S = 2 * EVERY_S + _TIMEOUT_MS / 1000
_ERROR, _STATE, _MEMBERS = 0, 2, 5
"""Places of fields in a group of DescribeGroupsResponse."""


class Seen(NamedTuple):
    """What is known of Kafka and the workers. `workers`: None where we may not ask."""

    kafka: bool
    workers: int | None
    settled: bool
    """Whether partitions are dealt out to them."""


class Crew:
    """Asks Kafka every few seconds who is in the workers' group."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: AIOKafkaAdminClient | None = None
        self._task: asyncio.Task[None] | None = None
        self._seen = Seen(True, None, False)
        self._answered = time.monotonic()

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._hang_up()

    @property
    def failed(self) -> asyncio.Task[None] | None:
        """The task, if a bug ended it."""
        return self._task if self._task is not None and self._task.done() else None

    def seen(self) -> Seen:
        """What was seen last; Kafka counts as away when it has not answered for a while."""
        away = time.monotonic() - self._answered > _PATIENCE_S
        return Seen(False, None, False) if away else self._seen

    async def _watch(self) -> None:
        said = ""
        while True:
            try:
                self._seen = await asyncio.wait_for(self._look(), 2 * _TIMEOUT_MS / 1000)
                self._answered = time.monotonic()
                said = ""
            except (KafkaError, OSError, TimeoutError) as error:
                if repr(error) != said:
                    said = repr(error)
                    log.warning("Kafka does not say who works; it is asked again", error=said)
                await self._hang_up()
            await asyncio.sleep(EVERY_S)

    async def _look(self) -> Seen:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(
                bootstrap_servers=self._settings.kafka, request_timeout_ms=_TIMEOUT_MS,
                **aiokafka_options(self._settings),
            )  # fmt: skip
            await self._admin.start()
        try:
            answers: list[Any] = await self._admin.describe_consumer_groups([self._settings.group])
        except GroupAuthorizationFailedError:
            return Seen(True, None, True)
        group = answers[0].groups[0]
        if group[_ERROR]:
            raise for_code(group[_ERROR])
        return Seen(True, len(group[_MEMBERS]), group[_STATE] == "Stable")

    async def _hang_up(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            try:
                await admin.close()
            except (KafkaError, OSError) as error:
                log.debug("no clean end of a connection", error=repr(error))
