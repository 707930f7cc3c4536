"""Singles: many messages with one reading each, checked column by column."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.cells import NUMBERS, VALUES, Cells, column_of
from schemas.chunk import BAD
from schemas.draft import Draft
from schemas.errors import Reject
from schemas.names import name_fault, optional_name, required_name
from schemas.quality import NO_QUALITY, quality_of
from schemas.times import explain, parse_times

REQUIRED = ("asset", "series", "time", "value")
FIELDS = frozenset((*REQUIRED, "unit", "quality", "seq", "source"))

_TEXT: frozenset[type] = frozenset((str,))
_OPTIONAL: frozenset[type] = frozenset((str, type(None)))
_QUALITY: frozenset[type] = frozenset((str, int, type(None)))


class Singles(NamedTuple):
    """Fields of n messages as columns; None for a field that no message has."""

    message: Sequence[int]
    asset: Sequence[Any]
    series: Sequence[Any]
    time: Sequence[Any]
    value: Sequence[Any]
    unit: Sequence[Any] | None
    quality: Sequence[Any] | None
    source: Sequence[Any] | None


def add_singles(draft: Draft, singles: Singles, typed: bool = False) -> list[int]:
    """Add the readings of n messages to the draft and return the rows (of n) that cannot be used as they are.

    `typed`: their fields are known to have the right types.
    """
    odd = set() if typed else _odd_types(singles)
    if not odd:
        return _add_typed(draft, singles)
    rows = [i for i in range(len(singles.message)) if i not in odd]
    return [*odd, *(rows[i] for i in _add_typed(draft, _take(singles, rows)))]


def _odd_types(singles: Singles) -> set[int]:
    odd: set[int] = set()

    def check(column: Sequence[Any] | None, allowed: Collection[type]) -> None:
        if column is not None and not set(map(type, column)).issubset(allowed):
            odd.update(i for i, value in enumerate(column) if type(value) not in allowed)

    check(singles.asset, _TEXT)
    check(singles.series, _TEXT)
    check(singles.value, VALUES)
    check(singles.unit, _OPTIONAL)
    check(singles.quality, _QUALITY)
    check(singles.source, _OPTIONAL)
    return odd


def _take(singles: Singles, rows: Sequence[int]) -> Singles:
    return Singles._make(None if column is None else [column[i] for i in rows] for column in singles)


def _add_typed(draft: Draft, singles: Singles) -> list[int]:
    """Add messages whose fields have the right types; returns the rows whose values do not do."""
    n = len(singles.message)
    if not n:
        return []
    keys, qualities = draft.keys, draft.qualities
    named = zip(singles.asset, singles.series, singles.unit or [None] * n, strict=True)
    code = np.fromiter(map(keys.__getitem__, named), dtype=np.int32, count=n)
    time, bad = parse_times(singles.time)
    column = column_of(singles.value)
    bad |= code < 0
    bad[list(column.faults)] = True
    if singles.quality is None:
        quality = np.zeros(n, dtype=np.uint8)
    else:
        quality = np.fromiter(map(qualities.__getitem__, singles.quality), dtype=np.uint8, count=n)
        bad |= quality == NO_QUALITY
    if singles.source is not None:
        wrong = {source for source in set(singles.source) if source and name_fault(source)}
        if wrong:
            bad |= np.array([source in wrong for source in singles.source], dtype=np.bool_)
    absent = np.isnan(column.value)
    if absent.any():
        absent[list(column.text)] = False
        quality[absent] = BAD
        sent_nan = absent if column.null is None else absent & ~column.null
        draft.nan_cells += int((sent_nan & ~bad).sum())
    message = np.array(singles.message, dtype=np.int32)
    cells = Cells(message, code, time, column.value, quality, column.text)
    if n == len(draft.asset):
        draft.asset[:] = singles.asset
    else:
        for i, asset in zip(singles.message, singles.asset, strict=True):
            draft.asset[i] = asset
    if not bad.any():
        draft.parts.append(cells)
        return []
    draft.parts.append(_keep(cells, ~bad))
    unused: list[int] = np.flatnonzero(bad).tolist()
    for row in unused:
        draft.asset[singles.message[row]] = None
    return unused


def _keep(cells: Cells, good: NDArray[np.bool_]) -> Cells:
    rank = np.cumsum(good) - 1
    text = {int(rank[i]): text for i, text in cells.text.items() if good[i]}
    return Cells._make([*(array[good] for array in cells[:5]), text])


def reject_single(draft: Draft, message: int, fields: dict[Any, Any]) -> None:
    """Say why a single cannot be used: its structure loses the message, its value or quality the cell.

    Raises Reject for the structure.
    """
    asset = required_name(fields, "asset")
    required_name(fields, "series")
    if "time" not in fields:
        raise Reject("missing_field", "time")
    if parse_times([fields["time"]])[1][0]:
        raise Reject("bad_time", "time", explain(fields["time"]))
    if "value" not in fields:
        raise Reject("missing_field", "value")
    optional_name(fields.get("unit"), "unit")
    source = optional_name(fields.get("source"), "source")
    value = fields["value"]
    if type(value) not in VALUES:
        fault, place = "wrong_type", "value"
    elif type(value) in NUMBERS and column_of([value]).faults:
        fault, place = "not_finite", "value"
    else:
        assert quality_of(fields.get("quality")) == NO_QUALITY, "a usable reading was called unusable"
        fault, place = "bad_quality", "quality"
    draft.asset[message] = asset
    draft.unknown_fields += len(fields.keys() - FIELDS)
    draft.reject_cells(message, fault, [place], source, 1)
