"""MTConnect adapter lines (SHDR): `time|item|value[|item|value...]`, as adapters write them to their agent."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from schemas.chunk import BAD, GOOD, Place, SeriesKey
from schemas.errors import Misconfigured
from streams.files.block import CELLS, FileBlock
from streams.files.guess import are_times
from streams.files.numbers import NOT_FINITE
from streams.files.numbers import parse as parse_numbers
from streams.files.source import Progress, encoding_of, head_of, text_of
from streams.files.times import TimeRule, parse
from streams.files.wide import held_times

_LEVELS = frozenset(("NORMAL", "WARNING", "FAULT", "UNAVAILABLE"))
_CONDITION = 7
"""Fields of a condition: time, item, level, native code, native severity, qualifier, text."""

_UNAVAILABLE = "UNAVAILABLE"
_NO_VALUE = frozenset((_UNAVAILABLE, "NAN"))


def looks_like(head: str) -> bool:
    """Whether a text starts as adapter lines do.

    >>> looks_like("2017-02-01T13:59:35.09Z|Block_Number|12"), looks_like("time|a|b")
    (True, False)
    """
    for line in head.splitlines()[:50]:
        if line.strip() and not line.startswith(("*", "#")):
            fields = line.split("|")
            return len(fields) >= 3 and are_times([_time_of(fields[0])]) and fields[1][:1].isalpha()
    return False


def _time_of(field: str) -> str:
    """The time itself; a duration may follow it behind an @."""
    return field.partition("@")[0]


def _said(fields: list[str]) -> str:
    return " ".join(field.strip() for field in fields if field.strip())


def pairs_of(fields: list[str]) -> list[tuple[str, str]]:
    """Items and values of a line's fields behind the time. Conditions and messages are one item with a text.

    >>> pairs_of(["a", "1", "b", "2"]), pairs_of(["sys", "FAULT", "7", "", "HIGH", "hot"])
    ([('a', '1'), ('b', '2')], [('sys', 'FAULT 7 HIGH hot')])
    """
    if len(fields) == _CONDITION - 1 and fields[1].strip().upper() in _LEVELS:
        # of three pairs, the second and third would have names that are no items: codes and texts
        absent = fields[1].strip().upper() == _UNAVAILABLE
        return [(fields[0], _UNAVAILABLE if absent else _said(fields[1:]))]
    if len(fields) % 2:
        return [(fields[0], _said(fields[1:]))]
    return list(zip(fields[::2], fields[1::2], strict=True))


def check(path: Path) -> None:
    """Raise Misconfigured when none of the first lines is `time|item|value`."""
    head = head_of(path)
    lines = [line for line in head.decode(encoding_of(path, head), "replace").splitlines() if line.strip()]
    if any(line.count("|") > 1 and are_times([_time_of(line.partition("|")[0])]) for line in lines):
        return
    shown = lines[0].strip()[:60] if lines else ""
    raise Misconfigured(f"{path}: holds no adapter lines; a line should be time|item|value, the first is {shown!r}")


def blocks(
    path: Path, asset: str, zone: str = "UTC", drop: tuple[str, ...] = (), progress: Progress | None = None
) -> Iterator[FileBlock]:
    """Read adapter lines block by block."""
    encoding = encoding_of(path, head_of(path))
    codes: dict[SeriesKey, int] = {}
    last = None
    with text_of(path, encoding, progress) as text:
        numbered = ((n, line) for n, line in enumerate(text, 1) if line.strip() and line[0] not in "*#")
        while some := list(islice(numbered, CELLS)):
            block = _block(path.name, some, asset, TimeRule(zone=zone), frozenset(drop), codes, last)
            last = int(block.received[-1])
            yield block


def _block(
    name: str,
    some: list[tuple[int, str]],
    asset: str,
    rule: TimeRule,
    drop: frozenset[str],
    codes: dict[SeriesKey, int],
    last: int | None,
) -> FileBlock:
    split = [line.rstrip("\r\n").split("|") for _, line in some]
    time, ok = parse([_time_of(fields[0]) for fields in split], rule)
    rejects: list[Place] = []
    message: list[int] = []
    code: list[int] = []
    cells: list[str] = []
    for row, (fields, good) in enumerate(zip(split, ok.tolist(), strict=True)):
        pairs = pairs_of(fields[1:]) if len(fields) > 2 else []
        if not good or not pairs:
            reason, place = ("bad_line" if good else "bad_time"), f"{name}:{some[row][0]}"
            rejects.append(Place(row, reason, place, name, sum(1 for item, _ in pairs if item.strip())))
            continue
        for item, cell in pairs:
            item = item.strip()
            cell = cell.strip()
            # an empty value says nothing, as an empty cell does; UNAVAILABLE says that the item is not to be had
            if item in drop or (item and not cell):
                continue
            if not item:
                rejects.append(Place(row, "no_series", f"{name}:{some[row][0]}", name, 1))
                continue
            message.append(row)
            code.append(codes.setdefault(SeriesKey(asset, item, None), len(codes)))
            cells.append(cell)
    value, state = parse_numbers(cells)
    at = np.array(message, dtype=np.int32)
    absent = np.fromiter((cell.upper() in _NO_VALUE for cell in cells), np.bool_, len(cells)) | (state == NOT_FINITE)
    text = {reading: cells[reading] for reading in np.flatnonzero((state != 0) & ~absent).tolist()}
    return FileBlock(
        message=at,
        received=held_times(time, ok, last),
        keys=list(codes),
        code=np.array(code, dtype=np.int32),
        time=time[at],
        value=value,
        text=text,
        quality=np.where(absent, BAD, GOOD).astype(np.uint8),
        rejects=rejects,
        records=None,
        sources=(name,),
        notes=(),
    )
