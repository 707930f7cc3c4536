"""What a worker does beside its readings: ticks for idle partitions, lag by the broker's word, and retention."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from detectors.durations import SECOND
from schemas.control import Control
from schemas.errors import Retry
from streams.owned import E, Owned
from streams.sinks.sqlite import SqliteSink

if TYPE_CHECKING:
    from streams.stage import Stage
    from streams.worker import Worker

log = structlog.get_logger("millstream.upkeep")

_LAG_EVERY_S = 2.0
_PRUNE_EVERY_S = 3600.0
_KEEP_NS = 30 * 86_400 * SECOND
"""How long the embedded sink keeps readings and verdicts; InfluxDB's bucket does it by itself."""


async def tick(worker: Worker) -> None:
    """Give idle partitions a tick, so that silence is noticed."""
    every = worker.settings.tick_interval / SECOND
    while every:
        await asyncio.sleep(every / 5)
        now = time.monotonic()
        for stage in worker.stages:
            for owned in list(stage.owned.values()):
                if owned.ready and now - owned.last_record >= every and worker.fence.open and _wanted(stage, owned):
                    owned.last_record = now
                    with contextlib.suppress(KafkaError):
                        await worker.control(Control(kind="tick", partition=owned.partition), stage.kind.topic)


def _wanted(stage: Stage[E], owned: Owned[E]) -> bool:
    return owned.engine is not None and stage.kind.wants_tick(owned.engine)


async def measure(worker: Worker) -> None:
    """Ask the broker how far the log goes: Faust's own numbers stand still when it is most interesting."""
    while True:
        await asyncio.sleep(_LAG_EVERY_S)
        with contextlib.suppress(KafkaError, asyncio.TimeoutError):
            await _lag(worker)


async def _lag(worker: Worker) -> None:
    behind = 0
    for stage in worker.stages:
        behind += await _lag_of(worker, stage)
    worker.behind = behind


async def _lag_of(worker: Worker, stage: Stage[E]) -> int:
    tps = [TP(stage.topic, p) for p in sorted(stage.assignment.ready)]
    ends = await asyncio.wait_for(worker.app.consumer.highwaters(*tps), 10) if tps else {}
    behind = 0
    for tp, end in ends.items():
        engine = stage.assignment.engines.get(tp.partition)
        position = engine.next_offset if engine else end or 0
        records = max((end or 0) - position, 0)
        behind += records
        lags = engine is not None and records > 0 and engine.received > 0
        seconds = max(time.time_ns() - engine.received, 0) / SECOND if engine is not None and lags else 0.0
        label = stage.kind.label(tp.partition)
        worker.metrics.set("millstream_lag_records", records, partition=label)
        worker.metrics.set("millstream_lag_seconds", seconds, partition=label)
    return behind


async def prune(worker: Worker) -> None:
    """Forget what the embedded sink has kept long enough."""
    while isinstance(worker.sink, SqliteSink):
        with contextlib.suppress(Retry):
            gone = await worker.sink.prune(time.time_ns() - _KEEP_NS)
            log.info("pruned the embedded sink", points=gone)
        await asyncio.sleep(_PRUNE_EVERY_S)
