"""What is found out about a delimited file from its first rows, before any reading is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from schemas.errors import Misconfigured
from streams.files.guess import check_format, format_of, learn_order
from streams.files.header import SEARCHED, Header, find
from streams.files.layouts import is_date_only, is_slashed, is_time_of_day, layout_of, signature_of
from streams.files.numbers import ABSENT, NOT_A_NUMBER, has_decimal_comma
from streams.files.numbers import parse as parse_numbers
from streams.files.options import FileOptions
from streams.files.source import encoding_of, head_of, text_of
from streams.files.table import Row, is_comment, rows_of, separator_of, trimmed
from streams.files.times import TimeRule, parse

SAMPLE = 1_000
"""Rows that decide what a column holds and how its times are written."""

UNDECIDED_AT_MOST = 1_000_000
"""Rows looked at for a date that tells day from month, before giving up."""

Kind = Literal["number", "text"]

LONG = ("time", "series", "value")


@dataclass(frozen=True)
class Table:
    """How one delimited file is read. Column numbers count from 0 in the file's own order."""

    path: Path
    encoding: str
    sep: str
    before_data: int  # line number of the last line before the rows
    names: tuple[str, ...]  # every column, made distinct
    time: tuple[int, ...]  # none with --interval
    series: tuple[int, ...]  # columns that are series
    kinds: tuple[Kind | None, ...]  # of each of series; None while it has been empty
    rule: TimeRule
    comma: bool  # decimal commas
    notes: tuple[str, ...]

    @property
    def time_name(self) -> str:
        """The time columns' names, for places."""
        return " ".join(self.names[c] for c in self.time)

    def rows(self, text: Sequence[str] | Iterator[str]) -> Iterator[Row]:
        """The rows of values: what stands before them and comments left out."""
        for row in rows_of(text, self.sep):
            if row.line > self.before_data and not (row.cells and row.cells[0][:1] == "#"):
                yield row


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names made distinct; an unnamed column gets its number, from 1.

    >>> distinct(["t", "a", "a", "", "a"])
    ('t', 'a', 'a_2', 'column_4', 'a_3')
    """
    taken: set[str] = set()
    out: list[str] = []
    for at, given in enumerate(names):
        name = base = given or f"column_{at + 1}"
        count = 1
        while name in taken or (count > 1 and name in names):
            count += 1
            name = f"{base}_{count}"
        taken.add(name)
        out.append(name)
    return tuple(out)


def kind_of(cells: Sequence[str], comma: bool) -> Kind | None:
    """Text when more than half of the cells that hold something are no numbers; None when none does.

    >>> kind_of(["1", "-", "off", "off"], False), kind_of(["", "NA"], False)
    ('text', None)
    """
    state = parse_numbers(cells, comma).state
    filled, words = int((state != ABSENT).sum()), int((state == NOT_A_NUMBER).sum())
    return None if not filled else "text" if 2 * words > filled else "number"


def plan(path: Path, options: FileOptions, long: bool = False) -> Table:
    """Look at a file's first rows and settle how it is read. Raises Misconfigured in one clear line."""
    where, head = str(path), head_of(path)
    encoding = encoding_of(path, head)
    with text_of(path, encoding) as text:
        start = text.read(16_384)
    sep = options.separator or separator_of(start.splitlines())
    required = LONG if long else options.time_columns
    with text_of(path, encoding) as text:
        rows = _first_rows(rows_of(text, sep))
    header = find(rows, where, required, options.interval_ns is None or long, options.time_format)
    data = [row.cells for row in rows if row.cells and row.line > header.before_data and not is_comment(row.cells)]
    data = [cells for cells in data if trimmed(cells)][:SAMPLE]
    if not data:
        raise Misconfigured(f"{where}: has a header but no rows below it")
    names = distinct(header.names)
    notes = [f"{path.name}: {header.skipped} lines around the header skipped"] if header.skipped else []
    time = _time_columns(names, data, options, required, notes, path.name)
    if long and options.interval_ns is not None:
        raise Misconfigured(f"{where}: the long form has a time in every row; leave out --interval")
    series = _series(header, names, time, data, options)
    if not series:
        beside = " and ".join(repr(names[c][:60]) for c in time) or "those dropped"
        raise Misconfigured(f"{where}: has no column to read beside {beside}; is --sep {sep!r} right?")
    sample = {c: [cells[c] if c < len(cells) else "" for cells in data] for c in series}
    comma = sep != "," and has_decimal_comma([cell for c in series for cell in sample[c]])
    table = Table(
        path=path,
        encoding=encoding,
        sep=sep,
        before_data=header.before_data,
        names=names,
        time=time,
        series=series,
        kinds=tuple(kind_of(sample[c], comma) for c in series),
        rule=TimeRule(zone=options.timezone, format=options.time_format),
        comma=comma,
        notes=tuple(notes),
    )
    return _with_rule(table, data, where) if time else table


def _first_rows(rows: Iterator[Row]) -> list[Row]:
    """Enough rows for a header and a sample behind it, and the comments among them."""
    out, left = [], SAMPLE + 2 * SEARCHED
    for row in rows:
        out.append(row)
        left -= not (row.cells and is_comment(row.cells))
        if not left:
            break
    return out


def _time_columns(
    names: tuple[str, ...],
    data: list[list[str]],
    options: FileOptions,
    required: Sequence[str],
    notes: list[str],
    name: str,
) -> tuple[int, ...]:
    if options.interval_ns is not None:
        return ()
    if required:
        folded = [n.casefold() for n in names]
        wanted = required[:1] if required is LONG else required
        return tuple(names.index(w) if w in names else folded.index(w.strip().casefold()) for w in wanted)
    firsts = [cells[0] for cells in data if cells[0].strip()]
    seconds = [cells[1] for cells in data if len(cells) > 1 and cells[1].strip()]
    split = (
        len(names) > 1
        and len(seconds) >= len(firsts) > 0
        and all(map(is_date_only, firsts))
        and all(map(is_time_of_day, seconds))
    )
    if split and options.time_format is None:
        notes.append(f"{name}: time is {names[0]!r} and {names[1]!r} joined")
        return (0, 1)
    return (0,)


def _series(
    header: Header, names: tuple[str, ...], time: tuple[int, ...], data: list[list[str]], options: FileOptions
) -> tuple[int, ...]:
    last = max(len(trimmed(header.names)), *(len(trimmed(cells)) for cells in data))
    return tuple(c for c in range(min(last, len(names))) if c not in time and names[c] not in options.drop)


def time_cells(table: Table, rows: Sequence[Sequence[str]]) -> list[str]:
    """The time of each row as text; two columns are joined with a space."""
    if len(table.time) == 1:
        (at,) = table.time
        return [row[at] if at < len(row) else "" for row in rows]
    first, second = table.time
    most = max(first, second)
    return [f"{row[first].strip()} {row[second].strip()}" if most < len(row) else "" for row in rows]


def _with_rule(table: Table, data: list[list[str]], where: str) -> Table:
    """Settle how times are read, looking further than the sample where day and month stay in doubt."""
    cells = time_cells(table, data)
    if table.rule.format is not None:
        check_format(table.rule.format, cells, where)
        return table
    _check_times(table, cells, where)
    order = learn_order(cells)
    if order is None:
        with text_of(table.path, table.encoding) as text:
            rows = table.rows(text)
            while order is None and (more := list(islice(rows, 20_000))) and more[-1].line < UNDECIDED_AT_MOST:
                order = learn_order(time_cells(table, [row.cells for row in more if row.cells]))
    if order is None:
        first = next(cell for cell in cells if is_slashed(cell))
        raise Misconfigured(
            f"{where}: {first.strip()!r} can be day or month first and no row decides; "
            f"use --time-format {format_of(first, 'd', 'm')!r} or {format_of(first, 'm', 'd')!r}"
        )
    notes = table.notes
    filled = [cell.strip() for cell in cells if cell.strip()]
    layout = layout_of(signature_of(filled[0]))
    if layout is not None and layout.number is not None:
        unit = {10: "s", 13: "ms", 16: "us"}.get(layout.number[1], "ns" if layout.number[1] > 17 else "s, ms or us")
        notes = (*notes, f"{table.path.name}: times are counts since 1970 in {unit}, by their size")
    return Table(**{**table.__dict__, "rule": TimeRule(zone=table.rule.zone, order=order), "notes": notes})


def _check_times(table: Table, cells: Sequence[str], where: str) -> None:
    filled = [cell for cell in cells if cell.strip()]
    if any(parse(filled, TimeRule(order=order)).ok.any() for order in ("dmy", "mdy")):
        return
    first = repr(filled[0].strip()[:40]) if filled else "nothing"
    raise Misconfigured(
        f"{where}: column {table.time_name!r} holds no times millstream knows: the first is {first}; "
        "use --time-format FMT (strptime's, such as '%d.%m.%Y %H:%M'), or another --time-column"
    )
