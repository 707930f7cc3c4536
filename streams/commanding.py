"""Commands on their way: from command.v1 into the logs of the partitions they concern; engines decide there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import structlog

from schemas.audit import Audit
from schemas.chunk import Record
from schemas.control import Control
from schemas.partition import Level
from streams.command_agent import verify
from streams.command_client import CONTENT_TYPE, configure_command, records_for
from streams.patience import Patience
from streams.publish import audit_record
from streams.resolve import ResolvedSite
from streams.settings import Settings

log = structlog.get_logger("millstream.commands")


class Commanding:
    """Appends verified commands to logs, and answers what is no command at all."""

    def __init__(
        self,
        settings: Settings,
        send: Callable[..., Awaitable[Awaitable[Any]]],
        control: Callable[[Control, str], Awaitable[None]],
        patience: Patience,
        level: Callable[[], Level],
    ) -> None:
        self._settings, self._send, self._control, self._patience = settings, send, control, patience
        self._level = level

    async def take(self, partition: int, records: Sequence[Record]) -> None:
        """Carry commands on; on return the logs have them, or audit.v1 says why not."""
        for record in records:
            found = verify(record, partition, self._settings.partitions, self._level())
            if isinstance(found, Audit):
                log.warning("a command was refused", partition=partition, offset=record.offset, why=found.why)
                key, value = audit_record(found, self._level())
                await self._patience("topics", partial(self._put, "audit.v1", key, value, partition))
                continue
            for control in found:
                # a configuration is news to the engines of both topics
                for topic in ("reading.v1", "kpi.v1") if control.kind == "configure" else ("reading.v1",):
                    await self._patience("topics", partial(self._control, control, topic))

    async def configure(self, site: ResolvedSite) -> None:
        """Ask all partitions, ours or not, to take up another site."""
        command = configure_command(site, "worker", "the site file was read again (SIGHUP)")
        for out in records_for(command, self._settings.partitions, site.site.site.partition_level):
            await self._patience("topics", partial(self._put, "command.v1", out.key, out.value, out.partition))

    async def _put(self, topic: str, key: bytes | None, value: bytes, partition: int) -> None:
        await (await self._send(self._settings.topic(topic), key, value, partition, None, CONTENT_TYPE))
