"""Finding the line that names the columns, behind comments, preambles of loggers and before lines of units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.errors import Misconfigured
from streams.files.guess import are_times
from streams.files.numbers import is_number
from streams.files.table import Row, is_comment, trimmed
from streams.files.times import TimeRule, parse

SEARCHED = 200
"""Lines within which a header and the first row of values must stand."""

_UNITS_AT_MOST = 5
_PREAMBLES = ("TOA5", "TOB1", "TOB3", "TOACI1")


class Header(NamedTuple):
    """The columns' names as they stand, the line before the first row of values, and lines passed over."""

    names: list[str]
    before_data: int
    skipped: int


class _Line(NamedTuple):
    line: int
    cells: list[str]


def find(rows: Sequence[Row], where: str, required: Sequence[str], has_time: bool, time_format: str | None) -> Header:
    """Find the header in a file's first rows.

    `required` are names it must hold (letter case apart); without them the first column must hold times, unless
    `has_time` is False: then the header is the line before the first numbers. Raises Misconfigured.
    """
    filled = [_Line(row.line, row.cells) for row in rows if row.cells and trimmed(row.cells)]
    body = [line for line in filled if not is_comment(line.cells)]
    comments = [line for line in filled if is_comment(line.cells)]
    if not body:
        raise Misconfigured(f"{where}: holds no rows, only {'comments' if comments else 'blank lines'}")
    if required:
        at = _named(body, where, required)
        data = _first_data(body, at, required, time_format)
        return _header(body[at], data, body, len(comments))
    first = _first_values(body, has_time, time_format)
    if first is None:
        at = _best(body, body[-1])
        if has_time:
            raise Misconfigured(_no_time(body, at, where))
        return _header(body[at], at + 1, body, len(comments))
    if first == 0:
        return _from_comment(body, comments, where)
    at = _best(body[:first], body[first])
    return _header(body[at], _behind_units(body, at, first), body, len(comments))


def _header(line: _Line, data: int, body: Sequence[_Line], comments: int) -> Header:
    return Header([cell.strip() for cell in line.cells], body[data - 1].line, comments + data - 1)


def _fold(name: str) -> str:
    return name.strip().casefold()


def _named(body: Sequence[_Line], where: str, required: Sequence[str]) -> int:
    wanted = [_fold(name) for name in required]
    for at, line in enumerate(body[:SEARCHED]):
        names = {_fold(cell) for cell in line.cells}
        if all(name in names for name in wanted):
            return at
    guess = body[_best(body[:SEARCHED], body[-1])]
    have = {_fold(cell) for cell in guess.cells}
    missing = ", ".join(repr(name) for name in required if _fold(name) not in have)
    raise Misconfigured(f"{where}: there is no column {missing}; the columns are {listed(guess.cells)}")


def listed(cells: Sequence[str]) -> str:
    """Names for a message, on one line however they are written, and not without end."""
    names = [" ".join(cell.split())[:60] for cell in cells if cell.strip()]
    return ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")


def _first_data(body: Sequence[_Line], at: int, required: Sequence[str], time_format: str | None) -> int:
    """The first row behind a header at `at` that holds a time: lines of units may stand between."""
    names = [_fold(cell) for cell in body[at].cells]
    columns = [names.index(_fold(name)) for name in required]
    for data in range(at + 1, min(at + 1 + _UNITS_AT_MOST, len(body))):
        cells = body[data].cells
        joined = " ".join(cells[c] for c in columns if c < len(cells))
        first = cells[columns[0]] if columns[0] < len(cells) else ""
        if _is_time(joined, time_format) or _is_time(first, time_format):
            return _behind_units(body, at, data)
    return at + 1


def _behind_units(body: Sequence[_Line], at: int, data: int) -> int:
    """Lines of units hold no numbers: one that does is a row whose time cannot be read, and is to be counted."""
    return next((line for line in range(at + 1, data) if any(map(is_number, body[line].cells))), data)


def _is_time(cell: str, time_format: str | None) -> bool:
    if time_format is not None:
        return bool(parse([cell], TimeRule(format=time_format)).ok[0])
    return are_times([cell])


def _first_values(body: Sequence[_Line], has_time: bool, time_format: str | None) -> int | None:
    for at, line in enumerate(body[:SEARCHED]):
        if has_time and _is_time(line.cells[0], time_format):
            return at
        filled = [cell for cell in line.cells if cell.strip()]
        if not has_time and 2 * sum(map(is_number, filled)) >= len(filled) and line.cells[0] not in _PREAMBLES:
            return at
    return None


def _best(lines: Sequence[_Line], like: _Line) -> int:
    """Of the lines before a row of values, the first that is as wide and holds names rather than values."""

    def rank(at: int) -> tuple[bool, int, int]:
        cells = lines[at].cells
        names = cells[0] not in _PREAMBLES and not any(is_number(c) or are_times([c]) for c in cells)
        return (not names, abs(len(cells) - len(like.cells)), at)

    return min(range(len(lines)), key=rank) if lines else 0


def _from_comment(body: Sequence[_Line], comments: Sequence[_Line], where: str) -> Header:
    """A header that is written as a comment: `# time, a, b`."""
    width = len(body[0].cells)
    for line in reversed([line for line in comments if line.line < body[0].line]):
        names = [cell.strip() for cell in [line.cells[0].lstrip("# \t"), *line.cells[1:]]]
        if len(names) == width and not any(is_number(name) for name in names):
            return Header(names, line.line, len(comments) - 1)
    start = listed(body[0].cells[:3])
    raise Misconfigured(
        f"{where}: has no header: line {body[0].line} holds values already ({start}); add a first line that names "
        "the columns"
    )


def _no_time(body: Sequence[_Line], at: int, where: str) -> str:
    names, rows = body[at].cells, [line.cells for line in body[at + 1 : at + 101]]
    if not rows:
        return f"{where}: has one line only ({listed(names)}), and no rows below it"
    others = [
        " ".join(name.split())[:60]
        for column, name in enumerate(names)
        if column and name.strip() and are_times([row[column] for row in rows if column < len(row)])
    ]
    first = next((row[0].strip() for row in rows if row[0].strip()), "")
    said = f"{where}: no time column found: the first one, {names[0].strip()[:60]!r}, holds {first[:40]!r}; "
    if others:
        return said + f"use --time-column {others[0]!r}" + (f" (or {', '.join(others[1:4])})" if others[1:] else "")
    return said + "use --time-column NAME, or --interval 1h for a file without times"
