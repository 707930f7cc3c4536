"""How many readings stand before an offset: from what was sent, without decoding anything."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from schemas.codecs import HEADER
from schemas.control import CONTENT_TYPE, ORIGIN
from tests.faults.feed import Feed
from tests.faults.tap import Tap


class Ledger:
    """Readings below each offset, as an engine counts them: a misrouted one where it is forwarded to, once."""

    def __init__(self, feed: Feed, tap: Tap) -> None:
        self._feed, self._tap = feed, tap
        self._offsets: dict[int, list[int]] = {}
        self._sums: dict[int, list[int]] = {}
        self._done: dict[int, int] = {}
        self._taken: dict[int, dict[int, int]] = {}  # partition -> origin partition -> highest origin offset

    def below(self, partition: int, offset: int) -> int:
        """Readings that the engine of a partition counts before an offset."""
        self._extend(partition)
        offsets, sums = self._offsets[partition], self._sums[partition]
        at = bisect_left(offsets, offset)
        return sums[at - 1] if at else 0

    def total(self, offsets: Mapping[int, int]) -> int:
        """Readings below an offset of each partition."""
        return sum(self.below(partition, offset) for partition, offset in offsets.items())

    def _extend(self, partition: int) -> None:
        offsets, sums = self._offsets.setdefault(partition, []), self._sums.setdefault(partition, [])
        kept = self._tap.records(self._feed.topic, partition)
        at = self._done.get(partition, 0)
        while at < len(kept):
            record = kept[at]
            headers = dict(record.headers)
            if headers.get(HEADER) == CONTENT_TYPE:
                readings = 0
            elif ORIGIN in headers:
                readings = self._forwarded(partition, headers[ORIGIN])
            elif (sent := self._feed.delivered[partition].get(record.offset)) is not None:
                readings = sent.readings if sent.home == partition else 0
            else:
                break  # the broker has it, its acknowledgement is still on the way
            if readings:
                offsets.append(record.offset)
                sums.append((sums[-1] if sums else 0) + readings)
            at += 1
        self._done[partition] = at

    def _forwarded(self, partition: int, origin: bytes) -> int:
        was, offset = (int(part) for part in origin.split(b":")[:2])
        taken = self._taken.setdefault(partition, {})
        if offset <= taken.get(was, -1):
            return 0
        taken[was] = offset
        sent = self._feed.delivered[was].get(offset)
        return sent.readings if sent is not None else 0
