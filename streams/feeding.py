"""Feeding an engine: decode, judge; what raises a bug twice is taken apart until single messages can be set aside."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import structlog
from aiokafka.errors import KafkaError

from schemas.chunk import REJECTED, Chunk, Place, Record
from schemas.source import source_of
from streams.metrics import Metrics
from streams.owned import Owned, Stateful
from streams.results import Results
from streams.state.faults import Fault
from streams.state.store import StateStore

log = structlog.get_logger("millstream.feeding")

POISON = "poison"
"""Reason under which a message is set aside that the engine cannot judge."""


C = TypeVar("C")
C_in = TypeVar("C_in", contravariant=True)
"""Records as an engine takes them."""


class Feeds(Stateful, Protocol[C_in]):
    """An engine that takes records of a kind."""

    def feed(self, chunk: C_in, /) -> Results:
        """Judge them."""


F = TypeVar("F", bound=Feeds[Any])


class Feeding(Generic[F, C]):
    """Feeds engines. A bug is noted on the state topic and raised; only after two notes are its records suspects.

    `decode` makes of records what the engines of a topic take, `aside` that of one record that is rejected unread (the
    clock goes on by it), `fresh` an engine to put back what was restored.
    """

    def __init__(
        self,
        decode: Callable[[list[Record], int], C],
        aside: Callable[[Record, str], C],
        fresh: Callable[[int], F],
        store: StateStore,
        metrics: Metrics,
    ) -> None:
        self.decode, self._aside, self._fresh = decode, aside, fresh
        self._store, self._metrics = store, metrics

    async def feed(self, owned: Owned[F], records: list[Record]) -> AsyncIterator[tuple[C, Results]]:
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

    def _judge(self, engine: F, records: list[Record], poison: str | None = None) -> tuple[C, Results]:
        began = time.perf_counter()
        chunk = self._aside(records[0], poison) if poison else self.decode(records, engine.partition)
        decoded = time.perf_counter()
        results = engine.feed(chunk)
        self._metrics.count("millstream_batch_seconds_total", decoded - began, stage="decode")
        self._metrics.count("millstream_batch_seconds_total", time.perf_counter() - decoded, stage="judge")
        return chunk, results

    def _carefully(self, owned: Owned[F], records: list[Record]) -> list[tuple[C, Results]]:
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

    def _put_back(self, owned: Owned[F], state: dict[str, Any]) -> None:
        broken = owned.engine
        assert broken is not None
        owned.engine = self._fresh(broken.partition)
        owned.engine.restore(state)


def set_aside(record: Record, why: str) -> Chunk:
    """The chunk of one reading that is rejected unread; the clock goes on by it."""
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
