"""Pieces: the lines of consecutive results, built a request at a time, in the order in which they must be stored."""

from __future__ import annotations

import asyncio
import gzip
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from streams.results import Results
from streams.sinks.line_protocol import Writer
from streams.sinks.points import tables
from streams.sinks.table import Store

BATCH = 5_000
"""Lines of one request: larger ones were not faster on a real server."""
GZIP_ABOVE = 16_384


class Piece(NamedTuple):
    """Lines that go to one bucket in one request."""

    store: Store
    lines: Sequence[bytes]
    body: bytes
    packed: bytes | None  # the body, gzip; None where it is too small to be worth it


def piece_of(store: Store, lines: Sequence[bytes]) -> Piece:
    """The request that carries some lines."""
    body = b"\n".join(lines)
    packed = gzip.compress(body, compresslevel=1, mtime=0) if len(body) > GZIP_ABOVE else None
    return Piece(store, lines, body, packed)


def cut(store: Store, ready: Sequence[bytes]) -> Iterator[Piece]:
    """Cut lines into pieces of at most BATCH."""
    return (piece_of(store, ready[i : i + BATCH]) for i in range(0, len(ready), BATCH))


def pieces(batch: Sequence[Results]) -> Iterator[Piece]:
    """The pieces of consecutive results, each built when it is asked for."""
    for table in tables(batch):
        writer = Writer(table)
        for start in range(0, len(table.time), BATCH):
            yield piece_of(table.measurement.store, writer.lines(start, start + BATCH))


class Work:
    """What one `write` has still to do: pieces that are built but not stored, and those not built yet."""

    def __init__(self, batch: Sequence[Results], more: Iterator[Piece]) -> None:
        self.batch = batch
        self.built: deque[Piece] = deque()
        self._more = more
        self._coming: asyncio.Future[Piece | None] | None = None

    def build(self, thread: ThreadPoolExecutor) -> asyncio.Future[Piece | None]:
        """Have the next piece built, beside the event loop, where none is on its way yet."""
        if self._coming is None:
            self._coming = asyncio.get_running_loop().run_in_executor(thread, next, self._more, None)
        return self._coming

    async def first(self, thread: ThreadPoolExecutor) -> Piece | None:
        """The piece to store next, None when all is stored; it stays in `built`, and the one after it is begun."""
        if not self.built:
            piece = await asyncio.shield(self.build(thread))  # a cancelled write leaves the thread to end its work
            if piece is None:
                return None
            self._coming = None
            self.built.append(piece)
        self.build(thread)
        return self.built[0]
