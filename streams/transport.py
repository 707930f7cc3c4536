"""The chunk transport: Faust events that each carry a whole fetched chunk of a partition.

Faust spends about 100 microseconds on every event, whatever it holds. So a fetched chunk of a partition travels as
one event, whose value is the list of its records. Of topics with state behind them the offsets committed are
what the newest snapshot covers (`ChunkTransport.durable`); of others, those of the longest acknowledged prefix of
chunks in flight. This leans on private parts of faust-streaming 0.15.3, so the version is pinned, and
tests/unit/test_transport.py fails when they move.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import faust
import structlog
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from schemas.chunk import Record
from streams import batch_limit
from streams.refusals import PatientThread

log = structlog.get_logger("millstream.transport")


class ChunkSchema(faust.Schema):
    """Hands a chunk on as it is: decoding is ours."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> Any:
        """The key of the chunk's first record."""
        return message.key

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> Any:
        """The chunk's records."""
        return message.value


class ChunkConsumer(driver.Consumer):
    """Yields one message for each fetched chunk, and commits what is acknowledged without a hole."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_flight: dict[TP, deque[tuple[Any, int]]] = defaultdict(deque)

    def _new_consumer_thread(self) -> Any:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Fetch, and yield a chunk for each partition that has records."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            try:
                await self.perform_seek()
            except Exception as error:
                # a partition has just gone elsewhere: the end of the rebalance seeks what is ours then
                log.debug("a seek in the middle of a rebalance was refused", error=repr(error))
            return
        for tp, batch in records.items():
            if not self.flow_active or self.app.consumer_generation_id != generation:
                break
            if batch and (active is None or tp in active or tp in self._buffered_partitions):
                yield tp, self._chunk(tp, batch)

    def _chunk(self, tp: TP, batch: Sequence[Record]) -> Any:
        first, last = batch[0], batch[-1]
        message = ConsumerMessage(
            tp.topic, tp.partition, first.offset, first.timestamp / 1e9, None, None, first.key, list(batch),
            None, None, None, tp, generation_id=self.app.consumer_generation_id,
        )  # fmt: skip
        if tp.topic not in self.transport.stateful:
            self._in_flight[tp].append((message, last.offset + 1))
        return message

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        """Partitions with something to commit: also those that no acknowledgement came for, but a snapshot."""
        acked = set(super()._filter_tps_with_pending_acks(topics))
        yield from acked
        for tp in list(self.transport.durable):
            if tp not in acked and (topics is None or tp in topics or tp.topic in topics):
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        """What the newest snapshot covers, or the offset behind the longest acknowledged prefix of chunks in flight.

        Chunks are told apart by identity, so a late acknowledgement of one that was fetched before a rebalance
        commits nothing of the chunk that took its place.
        """
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        if tp.topic in self.transport.stateful:
            durable: int | None = self.transport.durable.get(tp)
            return durable
        flight = self._in_flight[tp]
        offset = None
        while flight and flight[0][0].acked:
            offset = flight.popleft()[1]
        return offset

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        """Commit; what a rebalance has refused is tried again, where Faust would take it for committed."""
        before = {tp: self._committed_offset[tp] for tp in offsets}
        done: bool = await super()._commit_offsets(offsets, start_new_transaction)
        if not done:
            self._committed_offset.update(before)
        return done

    async def maybe_wait_for_commit_to_finish(self) -> bool:
        """Whether a commit was under way and is done. Unlike Faust's, which goes on when it is cancelled, this ends."""
        under_way = self._commit_fut
        if under_way is None:
            return False
        await asyncio.wait({under_way})
        return not under_way.cancelled()

    async def committed(self, tp: TP) -> int | None:
        """What the group has committed, asked of the broker; None where it has not."""
        thread = self._thread
        found: int | None = await thread.call_thread(thread._ensure_consumer().committed, tp)
        return found

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Our own /healthz finds a consumer that stands still; Faust's reads what its thread is just replacing."""

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Chunks know where they end: there are no gaps to keep account of."""

    async def perform_seek(self) -> None:
        """Go back to the committed offsets; what was in flight will come again."""
        self._in_flight.clear()
        self._acked.clear()
        self._acked_index.clear()
        await super().perform_seek()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what was in flight of partitions that go elsewhere."""
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._in_flight.pop(tp, None)


class _Thread(PatientThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        batch_limit.install()
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = transport.fetch_wait_ms
        return consumer

    async def on_start(self) -> None:
        """Connect, and from then on tell the transport of every heartbeat that the group has acknowledged."""
        await super().on_start()
        transport = self.transport
        coordinator = self._ensure_consumer()._coordinator
        beat = coordinator._do_heartbeat

        async def heard() -> bool:
            acknowledged: bool = await beat()
            if acknowledged:
                transport.on_heartbeat()
            return acknowledged

        coordinator._do_heartbeat = heard


_REQUEST_MS = 10_000
"""How long a request of the producer may go unanswered before its connection is given up."""


class Producer(driver.Producer):
    """Faust's producer, which notices a dead connection within seconds.

    A batch is kept for as long as Faust says (20 minutes), but Faust has each request wait as long: on a connection
    that only looks alive it would stand still, and every rebalance with it, as that flushes the producer first.
    """

    def _new_producer(self, transactional_id: str | None = None) -> Any:
        producer = super()._new_producer(transactional_id)
        producer.client._request_timeout_ms = _REQUEST_MS
        return producer


class ChunkTransport(driver.Transport):
    """Faust's aiokafka transport with the chunk consumer."""

    Consumer = ChunkConsumer
    Producer = Producer
    on_heartbeat: Callable[[], None] = staticmethod(lambda: None)
    """Called, in the consumer's thread, when the group has acknowledged a heartbeat."""
    on_fault: Callable[[BaseException], None] = staticmethod(lambda error: None)
    """Called with what ends the worker."""
    fetch_wait_ms: int
    """How long the broker may hold a fetch that finds nothing, put in by the app. Kafka answers at once when something
    comes, the embedded broker does not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stateful: frozenset[str] = frozenset()  # topics whose offsets are committed by snapshots alone
        self.durable: dict[TP, int] = {}  # of their partitions: what the newest valid snapshot covers


def abandon(app: faust.App) -> None:
    """End the consumer's thread, which a process waits for at its end, where Faust did not end it."""
    thread = getattr(app.consumer, "_thread", None)
    if thread is not None and not thread.thread_loop.is_closed():
        thread.thread_loop.call_soon_threadsafe(thread.thread_loop.stop)


_VALUE = itemgetter(3)
BITE_BYTES = 1_000_000
"""Values judged in one go: a fetch of large frames would else hold the loop for seconds and much memory."""


def bites(records: list[Record]) -> Iterator[list[Record]]:
    """Cut records, in order, into pieces of about `BITE_BYTES` of values, at least one record each.

    >>> big = Record(0, 0, None, bytes(BITE_BYTES))
    >>> [len(piece) for piece in bites([big, big, big._replace(value=b"x"), big._replace(value=None)])]
    [1, 1, 2]
    """
    values = list(map(_VALUE, records))
    sizes = list(map(len, values)) if all(values) else [len(value) if value else 0 for value in values]
    if sum(sizes) <= BITE_BYTES:
        if records:
            yield records
        return
    start = size = 0
    for i, more in enumerate(sizes):
        if i > start and size + more > BITE_BYTES:
            yield records[start:i]
            start, size = i, 0
        size += more
    yield records[start:]
