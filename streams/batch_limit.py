"""Bounded inflating of compressed batches, and our records, put into aiokafka.

A few kilobytes can claim to be gigabytes, and a record of aiokafka's own for each message is only made to be made over
into ours.

As aiokafka stands, a batch of 6 kB that inflates to 200 MB takes 400 MB in the fetcher, one that inflates to more than
there is ends the process, and the next one that reads that partition. With `install`, a batch that would grow beyond
`MAX_BATCH_BYTES`, or that cannot be inflated, gives for each of its messages a `Refused` in the message's place, which
the decoder rejects: the partition goes on. One fetch hands out about `RATION_BYTES` of a partition at a time. And all
consumers of this process get messages as our `Record`, with timestamps in ns.

The bound is a constant and not a setting, since what a log means must not depend on who reads it. This leans on
private parts of aiokafka 0.14, so its version is bounded, and tests/unit/test_batch_limit.py fails when they move.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords

from schemas.chunk import Record
from schemas.refused import Refused
from streams.inflate import INFLATE, BadBatch

MAX_MESSAGES = 1_000_000
"""Messages of a refused batch that are told one by one; the rest is a hole in the offsets."""
RATION_BYTES = 16 * 1024 * 1024
"""Values handed out at a time; the message that reaches it is the last."""
RECORD_MODULES = (
    "aiokafka.record.default_records",
    "aiokafka.record.legacy_records",
    "aiokafka.record._crecords.default_records",
    "aiokafka.record._crecords.legacy_records",
)
"""Where aiokafka looks up its decoders, as Python and compiled."""
_NEW = tuple.__new__
_MARK = (("content-type", b"application/vnd.millstream.refused"),)
"""Keeps a refused message from being taken for JSON; it proves nothing, the type `Refused` does."""


class _Record(NamedTuple):
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: Refused
    headers: tuple[tuple[str, bytes], ...]
    checksum: None


class _Batch:
    """A batch of aiokafka's whose messages are refused where it cannot be inflated within bounds."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            records: Iterator[Any] = iter(self._batch)
            # of the formats before Kafka 0.11 only the first message inflates the batch
            first = None if records is self._batch else next(records, None)
        except BadBatch as error:
            return self._refused(error)
        return records if first is None else chain((first,), records)

    def _refused(self, error: BadBatch) -> Iterator[_Record]:
        batch = self._batch
        count = getattr(batch, "last_offset_delta", 0) + 1
        first = batch.next_offset - count
        value = Refused.of(error.head, error.reason, f"a compressed batch of {count} messages and {error}")
        stamp, kind = getattr(batch, "max_timestamp", 0), getattr(batch, "timestamp_type", 0)
        for offset in range(first, first + min(count, MAX_MESSAGES)):
            yield _Record(offset, stamp, kind, None, value, _MARK, None)


class BoundedRecords:
    """aiokafka's MemoryRecords, whose batches are bounded."""

    def __init__(self, data: bytes) -> None:
        self._records = MemoryRecords(data)
        self.has_next = self._records.has_next
        self.size_in_bytes = self._records.size_in_bytes

    def next_batch(self) -> _Batch | None:
        """The next batch, None where there is none."""
        batch = self._records.next_batch()
        return None if batch is None else _Batch(batch)


class PlainRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # mypy takes aiokafka's classes, without types, for Any
    """aiokafka's PartitionRecords, which gives our records."""

    def _consumer_record(self, tp: Any, record: Any) -> Record:
        headers, time = record.headers, (record.timestamp or 0) * 1_000_000
        # half of what a named tuple's own constructor costs
        return _NEW(Record, (record.offset, time, record.key, record.value, tuple(headers) if headers else ()))


class RationedResult(fetcher.FetchResult):  # type: ignore[misc]  # likewise
    """aiokafka's FetchResult, which hands out messages by their bytes as well as by their number."""

    _partition_records: Any

    def getall(self, max_records: int | None = None) -> list[Any]:
        """The next messages; at least one, where there are any."""
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        taken: list[Any] = []
        size = 0
        for record in self._partition_records:
            taken.append(record)
            size += len(record[3] or b"")
            if size >= RATION_BYTES or len(taken) == max_records:
                self._update_position()
                break
        else:
            self._update_position()
            self._partition_records = None
        return taken


def install() -> None:
    """Bound what every aiokafka consumer of this process inflates; once is enough, more does no harm."""
    for name in RECORD_MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError:  # aiokafka without its compiled parts
            continue
        for decoder, inflate in INFLATE.items():
            if hasattr(module, decoder):
                setattr(module, decoder, inflate)
    fetcher.MemoryRecords = BoundedRecords
    fetcher.PartitionRecords = PlainRecords
    fetcher.FetchResult = RationedResult
