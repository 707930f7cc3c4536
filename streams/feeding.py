"""Feeding an engine: decode, judge; what raises a bug twice is taken apart until single messages can be set aside."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import structlog
from aiokafka.errors import KafkaError

from schemas.chunk import REJECTED, Chunk, Place, Record
from schemas.decode import Decoder
from schemas.source import source_of
from streams.engine import Engine
from streams.metrics import Metrics
from streams.owned import Owned
from streams.results import Results
from streams.state.faults import Fault
from streams.state.store import StateStore

log = structlog.get_logger("millstream.feeding")

POISON = "poison"
"""Reason under which a message is set aside that the engine cannot judge."""


class Feeding:
    """Feeds engines. A bug is noted on the state topic and raised; only after two notes are its records suspects."""

    def __init__(self, key: bytes, store: StateStore, metrics: Metrics) -> None:
        self.decoder = Decoder(key)
        self._store, self._metrics = store, metrics

    async def feed(self, owned: Owned, records: list[Record]) -> AsyncIterator[tuple[Chunk, Results]]:
        """Judge records in order, those that were judged before left out; one answer, or several where it is careful.

        Raises the bug, noted, where there is one.
        """
        assert owned.engine is not None
        engine, fault = owned.engine, owned.fault
        if records and records[0].offset < engine.next_offset:
            records = [r for r in records if r.offset >= engine.next_offset]
        if not records:
            return
        first, last = records[0].offset, records[-1].offset + 1
        if fault is not None and fault.suspect and first < fault.last and last > fault.first:
            for answer in self._carefully(owned, records):
                yield answer
            return
        try:
            answer = self._judge(engine, records)
        except Exception as error:
            note = Fault(first=first, last=last, times=1, error=repr(error))
            owned.fault = fault.again(first, last, repr(error)) if fault else note
            log.error("judging failed", partition=owned.partition, first=first, last=last, times=owned.fault.times)
            with contextlib.suppress(KafkaError):  # the bug is what ends us, noted or not
                await self._store.note(owned.partition, owned.fault)
            raise
        yield answer

    def _judge(self, engine: Engine, records: list[Record], poison: str | None = None) -> tuple[Chunk, Results]:
        began = time.perf_counter()
        chunk = _set_aside(records[0], poison) if poison else self.decoder.decode(records, engine.partition)
        decoded = time.perf_counter()
        results = engine.feed(chunk)
        self._metrics.count("millstream_batch_seconds_total", decoded - began, stage="decode")
        self._metrics.count("millstream_batch_seconds_total", time.perf_counter() - decoded, stage="judge")
        return chunk, results

    def _carefully(self, owned: Owned, records: list[Record]) -> list[tuple[Chunk, Results]]:
        """Halve what fails, from a restored engine each time, until what fails alone is set aside."""
        assert owned.engine is not None
        before = owned.engine.snapshot()
        try:
            return [self._judge(owned.engine, records)]
        except Exception as error:
            self._put_back(owned, before)
            if len(records) == 1:
                log.error("a message is set aside: the engine fails on it", offset=records[0].offset, error=repr(error))
                return [self._judge(owned.engine, records, repr(error))]
        middle = len(records) // 2
        return [*self._carefully(owned, records[:middle]), *self._carefully(owned, records[middle:])]

    def _put_back(self, owned: Owned, state: dict[str, Any]) -> None:
        broken = owned.engine
        assert broken is not None
        owned.engine = Engine(broken.partition, broken.partitions, broken.site, broken.registry, broken.rows)
        owned.engine.restore(state)


def _set_aside(record: Record, why: str) -> Chunk:
    """The chunk of one message that is rejected unread; the clock goes on by it."""
    none = np.zeros(0)
    whole, code = none.astype(np.int64), none.astype(np.int32)
    place = Place(0, POISON, f"the engine failed on this message twice and alone: {why}", source_of(record), 0)
    return Chunk(
        records=[record],
        offset=np.array([record.offset]),
        received=np.array([record.timestamp]),
        kind=np.array([REJECTED], dtype=np.uint8),
        asset=[None],
        origin={},
        message=code,
        code=code,
        keys=[],
        time=whole,
        value=none,
        text={},
        quality=none.astype(np.uint8),
        waveforms=(),
        controls=(),
        rejects=[place],
        notes={},
    )
