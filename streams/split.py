"""One stream for several engines: the messages of a chunk that belong to each partition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.chunk import Chunk
from schemas.partition import key_of, partition_of
from streams.roster import Roster


class Share(NamedTuple):
    """The part of a chunk that one partition gets; `message` and `reading` say where each was in the whole."""

    partition: int
    chunk: Chunk
    message: NDArray[np.int64]
    reading: NDArray[np.int64]


def shares(chunk: Chunk, partitions: int, roster: Roster) -> Iterator[Share]:
    """Cut a chunk by the partition of each message's asset; a message about no asset goes to partition 0."""
    level = roster.site.site.partition_level
    home: dict[str | None, int] = {None: 0}
    for asset in set(chunk.asset) - {None}:
        assert asset is not None
        home[asset] = partition_of(key_of(roster.path(asset), level), partitions)
    if len({home[a] for a in set(chunk.asset)}) == 1:
        whole = home[chunk.asset[0]]
        yield Share(whole, chunk, np.arange(chunk.messages), np.arange(chunk.readings))
        return
    at = np.array([home[asset] for asset in chunk.asset])
    for partition in np.unique(at).tolist():
        yield _share(chunk, partition, np.flatnonzero(at == partition))


def _share(chunk: Chunk, partition: int, message: NDArray[np.int64]) -> Share:
    place = np.full(chunk.messages, -1, dtype=np.int64)
    place[message] = np.arange(len(message))
    reading = np.flatnonzero(place[chunk.message] >= 0)
    moved = {int(i): at for at, i in enumerate(reading.tolist())} if chunk.text else {}
    cut = chunk._replace(
        records=[chunk.records[m] for m in message.tolist()] if chunk.records else (),
        offset=chunk.offset[message],
        received=chunk.received[message],
        kind=chunk.kind[message],
        asset=[chunk.asset[m] for m in message.tolist()],
        message=place[chunk.message[reading]].astype(np.int32),
        code=chunk.code[reading],
        time=chunk.time[reading],
        value=chunk.value[reading],
        text={moved[i]: word for i, word in chunk.text.items() if i in moved},
        quality=chunk.quality[reading],
        waveforms=[w._replace(message=int(place[w.message])) for w in chunk.waveforms if place[w.message] >= 0],
        rejects=[r._replace(message=int(place[r.message])) for r in chunk.rejects if place[r.message] >= 0],
        origin={},
        controls=(),
        notes=chunk.notes if partition == 0 else {},
    )
    return Share(partition, cut, message, reading)
