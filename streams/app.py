"""The Faust app, by a factory: agents on the readings and on the commands, both thin; engines and sinks do the work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import faust
from faust.types import TP

from detectors.durations import SECOND
from streams.security import faust_credentials
from streams.settings import Settings
from streams.transport import ChunkSchema, ChunkTransport

Handle = Callable[[int, list[Any]], Awaitable[None]]
"""What is done with a chunk: (partition, aiokafka's records)."""

_FOR_EVER_S = 365 * 86_400.0


class Judged(NamedTuple):
    """A topic with engines behind it: what becomes of its chunks, and of its partitions in a rebalance."""

    handle: Handle
    revoked: Callable[[set[int]], Awaitable[None]]
    assigned: Callable[[set[int]], Awaitable[None]]


class Calls(NamedTuple):
    """What the app calls. An exception out of a handle acknowledges nothing and goes to `fault`."""

    readings: Judged
    figures: Judged
    commands: Handle
    fault: Callable[[BaseException], None]
    heartbeat: Callable[[], None]  # from the consumer's thread


class _App(faust.App):
    on_crash: Callable[[BaseException], None] = staticmethod(lambda error: None)

    def _crash(self, reason: BaseException) -> None:
        """Tell of what ended a part of Faust, in any thread: the rest would go on and do nothing."""
        super()._crash(reason)
        if isinstance(reason, asyncio.CancelledError):
            reason = RuntimeError("a part of Faust was cancelled in the middle of a rebalance")
        self.loop.call_soon_threadsafe(self.on_crash, reason)

    def _create_directories(self) -> None:
        """No tables, so no folders: the worker runs on a read-only file system."""


def make_app(settings: Settings, calls: Calls) -> faust.App:
    """A Faust app that hands every chunk of the readings, of key figures and of commands on.

    Offsets of the first two are committed by snapshots alone (`app.transport.durable`), those of commands when handled.
    An agent that lets an exception out would leave a process that looks alive and is not, so none does.
    """
    app = _App(
        settings.group,
        broker=[f"aiokafka://{address.strip()}" for address in settings.kafka.split(",")],
        broker_credentials=faust_credentials(settings),
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        broker_commit_interval=1.0,
        broker_max_poll_records=settings.poll_records,
        # a store that is away for a night holds the readings back; leaving the group would only make others wait
        # for the same store. A worker that hangs is found by /healthz, one that is gone by its heartbeats.
        broker_max_poll_interval=_FOR_EVER_S,
        broker_request_timeout=30.0,
        broker_session_timeout=settings.session_timeout / SECOND,
        broker_heartbeat_interval=settings.session_timeout / SECOND / 5,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 * 1024 * 1024,  # of each partition, held while it waits; a larger message comes alone
        producer_acks=-1,
        producer_max_request_size=16 * 1024 * 1024,
        stream_wait_empty=False,
        stream_buffer_maxsize=4,
    )
    judged = {"readings": calls.readings, "figures": calls.figures}
    topics = {"readings": settings.topic("reading.v1"), "figures": settings.topic("kpi.v1")}
    app.on_crash = calls.fault
    app.transport = ChunkTransport(app.conf.broker, app, loop=app.loop)
    app.transport.fetch_wait_ms = settings.fetch_wait // 1_000_000
    app.transport.stateful = frozenset(topics.values())
    app.transport.on_heartbeat = calls.heartbeat
    app.transport.on_fault = calls.fault

    def agent(topic: str, name: str, handle: Handle) -> None:
        async def each(stream: Any) -> None:
            async for event in stream.noack().events():
                try:
                    await handle(event.message.partition, event.value)
                except Exception as error:
                    calls.fault(error)
                    return
                event.ack()

        app.agent(app.topic(topic, schema=ChunkSchema(), internal=True), name=name, concurrency=1)(each)

    for name, part in judged.items():
        agent(topics[name], name, part.handle)
    agent(settings.topic("command.v1"), "commands", calls.commands)

    def ours(tps: set[TP], topic: str) -> set[int]:
        return {tp.partition for tp in tps if tp.topic == topic}

    async def revoked(app: Any, tps: set[TP], **kwargs: Any) -> None:
        for name, part in judged.items():
            await part.revoked(ours(tps, topics[name]))

    async def assigned(app: Any, tps: set[TP], **kwargs: Any) -> None:
        for name, part in judged.items():
            await part.assigned(ours(tps, topics[name]))

    app.on_partitions_revoked.connect(revoked)
    app.on_partitions_assigned.connect(assigned)
    return app
