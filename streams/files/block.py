"""A block of a file: some rows as arrays, the way the engine takes them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.chunk import REJECTED, Chunk, Place, Record, SeriesKey, columns

CELLS = 50_000
"""About how many cells a block holds: enough for numpy to pay, little enough to keep memory flat."""


class FileBlock(NamedTuple):
    """Some rows of one file, or of several merged by time. r readings (cells), k distinct series keys.

    A row whose time cannot be read keeps its place: its `received` is that of the row before it, it has no
    readings, and one entry of `rejects` counts its cells.
    """

    message: NDArray[np.int32]  # (r,) index of the source row inside the block, ascending
    received: NDArray[np.int64]  # (rows,) the row's time as the file has it, ns; not made monotone
    keys: list[SeriesKey]  # k
    code: NDArray[np.int32]  # (r,) index into keys
    time: NDArray[np.int64]  # (r,) ns
    value: NDArray[np.float64]  # (r,) NaN where text or absent with bad quality
    text: dict[int, str]  # reading -> text
    quality: NDArray[np.uint8]  # (r,)
    rejects: list[Place]
    records: list[Record] | None  # JSON lines: messages for the caller to decode; the arrays are empty then
    sources: tuple[str, ...]  # names of the files these rows are from
    notes: tuple[str, ...]  # lines for a person, each given once, with the first block it concerns

    @property
    def rows(self) -> int:
        """Number of source rows."""
        return len(self.received)


def to_chunk(block: FileBlock, first_offset: int = 0) -> Chunk:
    """The block as an engine takes it; row i has offset `first_offset + i`.

    A row of which nothing was usable, and nothing could be counted, is REJECTED as a message. Raises ValueError
    for JSON lines, whose `records` the caller decodes as it does those of the topic.

    >>> t = np.array([0, 10**9])
    >>> two = np.arange(2, dtype=np.int32)
    >>> key, good = SeriesKey("m1", "temp", None), np.zeros(2, dtype=np.uint8)
    >>> block = FileBlock(two, t, [key], two * 0, t, t * 1.0, {}, good, [], None, ("a.csv",), ())
    >>> to_chunk(block, 7).offset.tolist(), to_chunk(block, 7).asset
    ([7, 8], ['m1', 'm1'])
    """
    if block.records is not None:
        raise ValueError("a block of JSON lines holds records, not readings: decode block.records")
    chunk = columns(
        block.received,
        block.message,
        block.keys,
        block.code,
        block.time,
        block.value,
        block.text,
        block.quality,
        first_offset,
    )
    for place in block.rejects:
        if place.cells == 0:
            chunk.kind[place.message] = REJECTED
    assets = {key.asset for key in block.keys}
    only = assets.pop() if len(assets) == 1 else None
    # a row may hold nothing, yet it is about the file's machine
    return chunk._replace(rejects=block.rejects, asset=[asset or only for asset in chunk.asset])
