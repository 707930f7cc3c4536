"""The wide form: a row an instant, a column a series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.chunk import Place, SeriesKey
from streams.files.block import CELLS, FileBlock
from streams.files.numbers import REASONS, is_absent, parse
from streams.files.plan import Kind, Table, kind_of, time_cells
from streams.files.source import Progress, text_of
from streams.files.times import parse as parse_times


class Clock(NamedTuple):
    """Times of a file without any: row i is at `start_ns + i * interval_ns`."""

    start_ns: int
    interval_ns: int


class Column(NamedTuple):
    """One series of a block of n rows: numbers, or texts with "" where absent; `state` as in numbers.py."""

    value: NDArray[np.float64]  # (n,) NaN where there is no number
    state: NDArray[np.uint8]  # (n,)
    text: Sequence[str] | None


class _Rows(NamedTuple):
    lines: list[int]
    slots: list[int]  # row numbers with blank rows counted, for --interval
    cells: list[list[str]]
    spoilt: dict[int, str]  # row -> why none of it can be used


def held_times(time: NDArray[np.int64], ok: NDArray[np.bool_], before: int | None) -> NDArray[np.int64]:
    """Times (n,) in which a row without one has that of the row before it.

    >>> held_times(np.array([0, 5, 0]), np.array([False, True, False]), None).tolist()
    [5, 5, 5]
    """
    if ok.all() or not len(time):
        return time
    at = np.maximum.accumulate(np.where(ok, np.arange(len(time)), -1))
    first = before if before is not None else int(time[np.argmax(ok)]) if ok.any() else 0
    return np.where(at < 0, first, time[np.maximum(at, 0)])


def assemble(
    keys: list[SeriesKey],
    columns: Sequence[Column],
    time: NDArray[np.int64],
    usable: NDArray[np.bool_],
    received: NDArray[np.int64],
    places: Sequence[str],
    rejects: list[Place],
    source: str,
    notes: tuple[str, ...],
) -> FileBlock:
    """A block of n rows and k columns; readings go by row, then by column. `places` (n,) name the rows."""
    n, k = len(time), len(columns)
    state = np.empty((n, k), np.uint8)
    value = np.empty((n, k), np.float64)
    for c, column in enumerate(columns):
        value[:, c], state[:, c] = column.value, column.state
    present = (state == 0) & usable[:, None]
    for row, c in np.argwhere((state >= 2) & usable[:, None]).tolist():
        rejects.append(Place(row, REASONS[int(state[row, c])], f"{places[row]} {keys[c].series}", source, 1))
    message, code = np.nonzero(present)
    texts = np.array([column.text is not None for column in columns], dtype=np.bool_)
    text: dict[int, str] = {}
    if texts.any():
        lists = [column.text or () for column in columns]
        for reading in np.flatnonzero(texts[code]).tolist():
            text[reading] = lists[code[reading]][message[reading]]
    return FileBlock(
        message=message.astype(np.int32),
        received=received,
        keys=keys,
        code=code.astype(np.int32),
        time=time[message],
        value=value[present],
        text=text,
        quality=np.zeros(len(message), np.uint8),
        rejects=sorted(rejects, key=lambda place: place.message),
        records=None,
        sources=(source,),
        notes=notes,
    )


def blocks(
    table: Table, asset: str, clock: Clock | None = None, progress: Progress | None = None
) -> Iterator[FileBlock]:
    """Read a wide file block by block. `clock` is for files without times."""
    keys = [SeriesKey(asset, table.names[c], None) for c in table.series]
    kinds, notes, last = list(table.kinds), table.notes, None
    with text_of(table.path, table.encoding, progress) as text:
        for rows in _batches(table, text):
            block = _block(table, rows, keys, kinds, clock, last, notes)
            notes, last = (), int(block.received[-1])
            yield block
    if notes:
        yield _block(table, _Rows([], [], [], {}), keys, kinds, clock, last, notes)


def _batches(table: Table, text: Iterator[str]) -> Iterator[_Rows]:
    width, most = len(table.names), max(1, CELLS // max(1, len(table.series)))
    rows, slot = _Rows([], [], [], {}), -1
    for line, cells in table.rows(text):
        slot += 1
        if cells is None:
            rows.spoilt[len(rows.cells)] = "broken_quotes"
            cells = [""] * width
        elif not cells or (not cells[0].strip() and not any(map(str.strip, cells))):
            continue
        elif len(cells) != width:
            if any(map(str.strip, cells[width:])):
                rows.spoilt[len(rows.cells)] = "too_many_cells"
            cells = (cells + [""] * (width - len(cells)))[:width]
        rows.lines.append(line)
        rows.slots.append(slot)
        rows.cells.append(cells)
        if len(rows.cells) == most:
            yield rows
            rows = _Rows([], [], [], {})
    if rows.cells:
        yield rows


def _block(
    table: Table,
    rows: _Rows,
    keys: list[SeriesKey],
    kinds: list[Kind | None],
    clock: Clock | None,
    last: int | None,
    notes: tuple[str, ...],
) -> FileBlock:
    n, name = len(rows.cells), table.path.name
    if clock is not None:
        time = clock.start_ns + np.array(rows.slots, dtype=np.int64) * clock.interval_ns
        ok = np.ones(n, np.bool_)
    else:
        time, ok = parse_times(time_cells(table, rows.cells), table.rule)
    received = held_times(time, ok, last)
    rejects = []
    usable = ok.copy()
    for row in sorted({*np.flatnonzero(~ok).tolist(), *rows.spoilt}):
        usable[row] = False
        reason = rows.spoilt.get(row, "bad_time")
        lost = sum(not is_absent(rows.cells[row][c]) for c in table.series)
        place = f"{name}:{rows.lines[row]}" + (f" {table.time_name}" if reason == "bad_time" else "")
        rejects.append(Place(row, reason, place, name, lost))
    cells = list(zip(*rows.cells, strict=True)) if n else [()] * len(table.names)
    columns = []
    for i, c in enumerate(table.series):
        kinds[i] = kinds[i] or kind_of(cells[c][:1000], table.comma)
        columns.append(_column(cells[c], kinds[i], table.comma))
    places = _Places(name, rows.lines)
    return assemble(keys, columns, time, usable, received, places, rejects, name, notes)


class _Places(Sequence[str]):
    """Names of rows, made when asked for."""

    def __init__(self, name: str, lines: list[int]) -> None:
        self._name, self._lines = name, lines

    def __getitem__(self, at: Any) -> Any:
        return f"{self._name}:{self._lines[at]}"

    def __len__(self) -> int:
        return len(self._lines)


def _column(cells: Sequence[str], kind: Kind | None, comma: bool) -> Column:
    if kind != "text":
        value, state = parse(cells, comma)
        return Column(value, state, None)
    texts = [cell.strip() for cell in cells]
    absent = {cell for cell in set(texts) if is_absent(cell)}
    state = np.fromiter((cell in absent for cell in texts), np.uint8, len(texts))
    return Column(np.full(len(texts), np.nan), state, texts)
