"""Snapshots as the state topic shows them to anyone: which are valid, how old they are, which were never finished."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from tests.faults.tap import Kept


class Seen(NamedTuple):
    """A manifest on the state topic."""

    partition: int
    generation: str
    next_offset: int
    made_ms: int  # the record's timestamp


def parse(key: bytes | None) -> tuple[int, str, str]:
    """Partition, generation and kind (`manifest`, `chunk`) of a key.

    >>> parse(b"m.reading.v1/3/some-generation/chunk/0007")
    (3, 'some-generation', 'chunk')
    """
    _, partition, generation, kind, *_ = (key or b"").decode().split("/")
    return int(partition), generation, kind


def manifests(records: Iterable[tuple[int, Kept]]) -> list[Seen]:
    """All manifests of engines on the readings that were ever written, in order for each partition."""
    found = []
    for _, record in records:
        partition, generation, kind = parse(record.key)
        if kind == "manifest" and b".reading.v1/" in (record.key or b"") and record.value is not None:
            offset = json.loads(record.value)["next_offset"]
            found.append(Seen(partition, generation, offset, record.timestamp))
    return found


def newest(records: Iterable[tuple[int, Kept]]) -> dict[int, Seen]:
    """Of each partition the manifest with the highest S: what a restart goes on from."""
    best: dict[int, Seen] = {}
    for seen in manifests(records):
        known = best.get(seen.partition)
        if known is None or seen.next_offset >= known.next_offset:
            best[seen.partition] = seen
    return best


def unfinished(records: Iterable[tuple[int, Kept]]) -> set[str]:
    """Generations of which there are chunks and no manifest."""
    chunks, whole = set(), set()
    for _, record in records:
        _, generation, kind = parse(record.key)
        if kind == "chunk" and record.value is not None:
            chunks.add(generation)
        elif kind == "manifest" and record.value is not None:
            whole.add(generation)
    return chunks - whole
