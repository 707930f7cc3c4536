"""The Faust app, by a factory: one agent on the readings, thin; engines and sinks do the work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import faust
from faust.types import TP

from detectors.durations import SECOND
from streams.settings import Settings
from streams.transport import ChunkSchema, ChunkTransport

Handle = Callable[[int, list[Any]], Awaitable[None]]
"""What is done with a chunk: (partition, aiokafka's records). On return it is stored and published."""


class _App(faust.App):
    def _create_directories(self) -> None:
        """No tables, so no folders: the worker runs on a read-only file system."""


def make_app(
    settings: Settings,
    handle: Handle,
    on_fault: Callable[[BaseException], None],
    on_revoked: Callable[[set[int]], Awaitable[None]],
    on_assigned: Callable[[set[int]], Awaitable[None]],
) -> faust.App:
    """A Faust app that hands every chunk of the reading topic to `handle` and acknowledges it on return.

    An exception out of `handle` acknowledges nothing and goes to `on_fault`: an agent that lets one out would leave a
    process that looks alive and is not.
    """
    app = _App(
        settings.group,
        broker=[f"aiokafka://{address.strip()}" for address in settings.kafka.split(",")],
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        broker_commit_interval=1.0,
        broker_max_poll_records=settings.poll_records,
        broker_request_timeout=30.0,
        broker_session_timeout=settings.session_timeout / SECOND,
        broker_heartbeat_interval=settings.session_timeout / SECOND / 5,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=16 * 1024 * 1024,
        producer_acks=-1,
        producer_max_request_size=16 * 1024 * 1024,
        stream_wait_empty=False,
        stream_buffer_maxsize=4,
    )
    app.transport = ChunkTransport(app.conf.broker, app, loop=app.loop)
    app.transport.fetch_wait_ms = settings.fetch_wait // 1_000_000
    name = settings.topic("reading.v1")
    topic = app.topic(name, schema=ChunkSchema(), internal=True)

    @app.agent(topic, name="readings", concurrency=1)  # type: ignore[untyped-decorator]
    async def readings(stream: Any) -> None:
        async for event in stream.noack().events():
            try:
                await handle(event.message.partition, event.value)
            except Exception as error:
                on_fault(error)
                return
            event.ack()

    def ours(tps: set[TP]) -> set[int]:
        return {tp.partition for tp in tps if tp.topic == name}

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]
    async def revoked(app: Any, tps: set[TP], **kwargs: Any) -> None:
        await on_revoked(ours(tps))

    @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]
    async def assigned(app: Any, tps: set[TP], **kwargs: Any) -> None:
        await on_assigned(ours(tps))

    return app
