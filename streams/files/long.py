"""The long form: columns time, series, value, and asset and unit where there are any; a row a reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from schemas.chunk import Place, SeriesKey
from streams.files.block import CELLS, FileBlock
from streams.files.numbers import ABSENT, NOT_A_NUMBER, NUMBER, REASONS, parse
from streams.files.plan import Kind, Table, time_cells
from streams.files.source import Progress, text_of
from streams.files.times import parse as parse_times
from streams.files.wide import held_times


class Keys:
    """Series keys in order of first sight, and what each holds."""

    def __init__(self) -> None:
        self.code: dict[SeriesKey, int] = {}
        self.kind: list[Kind | None] = []

    def of(self, key: SeriesKey) -> int:
        """The code of a key, new or known."""
        code = self.code.setdefault(key, len(self.code))
        if code == len(self.kind):
            self.kind.append(None)
        return code


def blocks(table: Table, asset: str, drop: Sequence[str] = (), progress: Progress | None = None) -> Iterator[FileBlock]:
    """Read a long file block by block; rows without an asset of their own are of `asset`."""
    keys, notes, last = Keys(), table.notes, None
    with text_of(table.path, table.encoding, progress) as text:
        rows = ((line, cells) for line, cells in table.rows(text) if cells is None or any(map(str.strip, cells)))
        while some := list(islice(rows, CELLS)):
            block = _block(table, some, keys, asset, frozenset(drop), last, notes)
            notes, last = (), int(block.received[-1])
            yield block


def _column(table: Table, name: str, rows: list[list[str]]) -> list[str] | None:
    folded = [n.casefold() for n in table.names]
    if name not in folded:
        return None
    at = folded.index(name)
    return [row[at].strip() if at < len(row) else "" for row in rows]


def _block(
    table: Table,
    some: list[tuple[int, list[str] | None]],
    keys: Keys,
    asset: str,
    drop: frozenset[str],
    last: int | None,
    notes: tuple[str, ...],
) -> FileBlock:
    name, n = table.path.name, len(some)
    lines, rows = [line for line, _ in some], [cells or [] for _, cells in some]
    time, ok = parse_times(time_cells(table, rows), table.rule)
    series, cells = _column(table, "series", rows) or [], _column(table, "value", rows) or []
    assets = _column(table, "asset", rows) or [""] * n
    units = _column(table, "unit", rows) or [""] * n
    code = np.fromiter(
        (keys.of(SeriesKey(a or asset, s, u or None)) for a, s, u in zip(assets, series, units, strict=True)),
        np.int32,
        n,
    )
    value, state = parse(cells, table.comma)
    named = np.fromiter((bool(s) for s in series), np.bool_, n)
    wanted = np.fromiter((s not in drop for s in series), np.bool_, n)
    is_text = _settle_kinds(keys, code, state)[code]
    # a number in a text series is a text that looks like one
    textual = is_text & (state != ABSENT)
    present = ok & named & wanted & ((state == NUMBER) | textual)
    broken = np.fromiter((cells is None for _, cells in some), np.bool_, n)
    lost = wanted & ~present & ((state != ABSENT) | ~ok | broken)
    rejects = []
    for row in np.flatnonzero(lost).tolist():
        reason, column = REASONS.get(int(state[row]), ""), "value"
        if broken[row]:
            reason, column = "broken_quotes", ""
        elif not ok[row]:
            reason, column = "bad_time", table.time_name
        elif not named[row]:
            reason, column = "no_series", "series"
        place = f"{name}:{lines[row]} {column}".strip()
        rejects.append(Place(row, reason, place, name, int(state[row] != ABSENT)))
    message = np.flatnonzero(present)
    value = np.where(is_text, np.nan, value)
    return FileBlock(
        message=message.astype(np.int32),
        received=held_times(time, ok, last),
        keys=list(keys.code),
        code=code[message],
        time=time[message],
        value=value[message],
        text={reading: cells[row] for reading, row in enumerate(message.tolist()) if textual[row]},
        quality=np.zeros(len(message), np.uint8),
        rejects=rejects,
        records=None,
        sources=(name,),
        notes=notes,
    )


def _settle_kinds(keys: Keys, code: NDArray[np.int32], state: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each key is text, (k,): by the majority of the block in which it first holds something."""
    k = len(keys.code)
    words = np.bincount(code[state == NOT_A_NUMBER], minlength=k)
    filled = np.bincount(code[state != ABSENT], minlength=k)
    for at in range(k):
        if keys.kind[at] is None and filled[at]:
            keys.kind[at] = "text" if 2 * words[at] > filled[at] else "number"
    return np.array([kind == "text" for kind in keys.kind], dtype=np.bool_)
