"""Several files as one stream: their rows merged by time, ties in the order of the arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np

from schemas.chunk import SeriesKey
from streams.files.block import CELLS, FileBlock

Reader = Callable[[], Iterator[FileBlock]]
"""Starts a file from its first row, each time it is called."""


def first_if_ordered(blocks: Iterator[FileBlock]) -> int | None:
    """The time of a file's first row, None when its rows go back in time somewhere."""
    first = last = None
    for block in blocks:
        if (last is not None and block.received[0] < last) or (np.diff(block.received) < 0).any():
            return None
        first = int(block.received[0]) if first is None else first
        last = int(block.received[-1])
    return first


class _Cursor:
    """A file, the block it is in, and the first row of it not yet handed on."""

    def __init__(self, reader: Reader) -> None:
        self._blocks = reader()
        self.block: FileBlock | None = None
        self.row = 0
        self.next()

    def next(self) -> None:
        """Go to the next block; `block` is None at the end."""
        self.block, self.row = next(self._blocks, None), 0

    @property
    def end(self) -> int:
        assert self.block is not None
        return int(self.block.received[-1])


def merged(readers: Sequence[Reader], firsts: Sequence[int]) -> Iterator[FileBlock]:
    """Merge time-ordered files whose first rows are at `firsts`; a file is open only while its time has come."""
    waiting = sorted(range(len(readers)), key=lambda at: (firsts[at], at), reverse=True)
    open_: dict[int, _Cursor] = {}
    codes: dict[SeriesKey, int] = {}
    while waiting or open_:
        # the block that ends first bounds what is known: a later one of that file may hold the very next row
        bound, first = min((cursor.end, at) for at, cursor in open_.items()) if open_ else (None, -1)
        if waiting and (bound is None or firsts[waiting[-1]] <= bound):
            at = waiting.pop()
            open_[at] = _Cursor(readers[at])
            continue
        assert bound is not None
        live = sorted(open_.items())
        parts: list[tuple[FileBlock, int, int]] = []
        for at, cursor in live:
            block = cursor.block
            assert block is not None
            side: Literal["left", "right"] = "right" if at <= first else "left"
            stop = int(np.searchsorted(block.received, bound, side=side))
            if stop > cursor.row:
                parts.append((block, cursor.row, stop))
                cursor.row = stop
                # notes go out once, with the file's first rows
                cursor.block = block._replace(notes=())
            if stop == block.rows:
                cursor.next()
                if cursor.block is None:
                    del open_[at]
        yield from _joined(parts, codes)


def _joined(parts: Sequence[tuple[FileBlock, int, int]], codes: dict[SeriesKey, int]) -> Iterator[FileBlock]:
    """Rows [start, stop) of each part, ordered by time, cut into blocks of the usual size."""
    if len(parts) == 1:
        yield _ordered(parts, codes)
        return
    readings = sum(len(block.time) for block, _, _ in parts)
    if readings <= 4 * CELLS:
        yield _ordered(parts, codes)
        return
    # many files at once: halve the time span until a block is small again
    low = min(int(block.received[start]) for block, start, _ in parts)
    high = max(int(block.received[stop - 1]) for block, _, stop in parts)
    if low == high:
        yield _ordered(parts, codes)
        return
    middle = low + (high - low) // 2
    cuts = [start + int(np.searchsorted(b.received[start:stop], middle, side="right")) for b, start, stop in parts]
    early = [(b, start, cut) for (b, start, _), cut in zip(parts, cuts, strict=True) if cut > start]
    noted = {id(b) for b, _, _ in early}
    late = [
        (b._replace(notes=()) if id(b) in noted else b, cut, stop)
        for (b, _, stop), cut in zip(parts, cuts, strict=True)
        if stop > cut
    ]
    yield from _joined(early, codes)
    yield from _joined(late, codes)


def _ordered(parts: Sequence[tuple[FileBlock, int, int]], codes: dict[SeriesKey, int]) -> FileBlock:
    received = np.concatenate([block.received[start:stop] for block, start, stop in parts])
    order = np.argsort(received, kind="stable")
    place = np.empty(len(order), np.int64)  # where each row of the parts, one behind the other, goes
    place[order] = np.arange(len(order))
    message, code, time, value, quality, rejects, records = [], [], [], [], [], [], []
    text: dict[int, str] = {}
    shift = readings = 0
    for block, start, stop in parts:
        inside = slice(*np.searchsorted(block.message, [start, stop]).tolist())
        table = np.array([codes.setdefault(key, len(codes)) for key in block.keys], dtype=np.int32)
        message.append(place[block.message[inside] - start + shift])
        code.append(table[block.code[inside]] if len(table) else block.code[inside])
        time.append(block.time[inside])
        value.append(block.value[inside])
        quality.append(block.quality[inside])
        if block.text:
            for at in range(inside.start, inside.stop):
                if at in block.text:
                    text[readings + at - inside.start] = block.text[at]
        rejects += [
            reject._replace(message=int(place[reject.message - start + shift]))
            for reject in block.rejects
            if start <= reject.message < stop
        ]
        if block.records is not None:
            records += block.records[start:stop]
        shift += stop - start
        readings += inside.stop - inside.start
    rows = np.concatenate(message)
    by_row = np.argsort(rows, kind="stable")
    if text:
        goes = np.empty(readings, np.int64)
        goes[by_row] = np.arange(readings)
        text = {int(goes[reading]): cell for reading, cell in text.items()}
    return FileBlock(
        message=rows[by_row].astype(np.int32),
        received=received[order],
        keys=list(codes),
        code=np.concatenate(code)[by_row],
        time=np.concatenate(time)[by_row],
        value=np.concatenate(value)[by_row],
        text=text,
        quality=np.concatenate(quality)[by_row],
        rejects=sorted(rejects, key=lambda reject: reject.message),
        records=[records[at] for at in order.tolist()] if parts[0][0].records is not None else None,
        sources=tuple(dict.fromkeys(name for block, _, _ in parts for name in block.sources)),
        notes=tuple(note for block, _, _ in parts for note in block.notes),
    )
