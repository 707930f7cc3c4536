"""Cells of messages as arrays: columns of values, interned series keys, and the parts a chunk is made of."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.chunk import SeriesKey
from schemas.names import asset_fault, name_fault

_REMEMBERED = 2**18
"""Series keys that a table keeps in mind."""

NUMBERS: frozenset[type] = frozenset((float, int, bool))
VALUES: frozenset[type] = NUMBERS | {str, type(None)}


class Column(NamedTuple):
    """Values of n cells."""

    value: NDArray[np.float64]  # (n,) NaN where text, null, NaN or a fault
    null: NDArray[np.bool_] | None  # (n,) None: nowhere
    text: dict[int, str]  # cell -> text
    faults: dict[int, str]  # cell -> reason why it cannot be used


def column_of(values: Sequence[Any]) -> Column:
    """Read decoded values: number, boolean (0/1), text or null; anything else is a fault.

    >>> column_of([1, True, "run", None, [2]])
    Column(value=array([ 1.,  1., nan, nan, nan]), null=array([False, False, False,  True, False]), \
text={2: 'run'}, faults={4: 'wrong_type'})
    """
    if type(values) is list and (plain := numbers([values])) is not None:
        return Column(plain, None, {}, refuse_infinite(plain))
    kinds = set(map(type, values))
    null: NDArray[np.bool_] | None = None
    text: dict[int, str] = {}
    faults: dict[int, str] = {}
    if not kinds <= NUMBERS:
        other = [i for i, value in enumerate(values) if type(value) not in NUMBERS]
        if type(None) in kinds:
            null = np.zeros(len(values), dtype=np.bool_)
            null[[i for i in other if values[i] is None]] = True
        text = {i: values[i] for i in other if type(values[i]) is str}
        if not kinds <= VALUES:
            faults = {i: "wrong_type" for i in other if type(values[i]) not in VALUES}
        values = list(values)
        for i in other:
            values[i] = math.nan
    try:
        value = np.array(values, dtype=np.float64)
    except OverflowError:
        value = np.array([_widen(number) for number in values], dtype=np.float64)
    return Column(value, null, text, faults | refuse_infinite(value))


def numbers(columns: Sequence[list[Any]]) -> NDArray[np.float64] | None:
    """Decoded columns one after the other, None where one of them holds anything but numbers and booleans.

    >>> numbers([[1, True], [2.5]]), numbers([["1"]])
    (array([1. , 1. , 2.5]), None)
    """
    found = array("d")
    try:
        for column in columns:
            found.fromlist(column)
    except (TypeError, OverflowError):  # an integer beyond float64
        return None
    return np.frombuffer(found) if found else np.zeros(0)


def stack(columns: Sequence[Column]) -> Column:
    """Join columns of equal length."""
    n = len(columns[0].value)
    null = None
    if any(column.null is not None for column in columns):
        none = np.zeros(n, dtype=np.bool_)
        null = np.concatenate([none if column.null is None else column.null for column in columns])
    return Column(
        np.concatenate([column.value for column in columns]),
        null,
        {j * n + i: text for j, column in enumerate(columns) for i, text in column.text.items()},
        {j * n + i: fault for j, column in enumerate(columns) for i, fault in column.faults.items()},
    )


def refuse_infinite(value: NDArray[np.float64]) -> dict[int, str]:
    """Faults of the infinite ones of (n,) values, which are set to NaN."""
    infinite = np.isinf(value)
    if not infinite.any():
        return {}
    value[infinite] = np.nan
    return dict.fromkeys(np.flatnonzero(infinite).tolist(), "not_finite")


def _widen(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return np.inf


class KeyTable(dict[tuple[str, str, str | None], int]):
    """Codes of the series keys met so far, made at first sight; -1 where a name may not be used.

    Names are checked once, as the same ones come in every chunk; that codes outlive a chunk cannot be seen, as
    `number_keys` gives each chunk codes of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys_made: list[SeriesKey] = []
        self.layouts: dict[tuple[str, ...], list[int]] = {}  # asset and series of frames without units -> codes

    def forget_some(self) -> None:
        """Start over where there are so many that a sender of ever new names must be at work."""
        if len(self) > _REMEMBERED or len(self.layouts) > _REMEMBERED // 16:
            self.clear()
            self.keys_made, self.layouts = [], {}

    def __missing__(self, key: tuple[str, str, str | None]) -> int:
        made = _checked(*key)
        if made is None:
            code = -1
        elif not key[2] and key[2] is not None:
            code = self[made]
        else:
            code = len(self.keys_made)
            self.keys_made.append(made)
        self[key] = code
        return code


def _checked(asset: str, series: str, unit: str | None) -> SeriesKey | None:
    """The key of these names, None where one may not be used."""
    if asset_fault(asset) or name_fault(series) or (unit and name_fault(unit)):
        return None
    return SeriesKey(asset, series, unit or None)


class Cells(NamedTuple):
    """r readings of some messages of a chunk, those of one message in their order."""

    message: NDArray[np.int32]  # (r,)
    code: NDArray[np.int32]  # (r,) index into KeyTable.keys_made
    time: NDArray[np.int64]  # (r,)
    value: NDArray[np.float64]  # (r,)
    quality: NDArray[np.uint8]  # (r,)
    text: dict[int, str]  # reading -> text


def _texts(parts: Sequence[Cells]) -> Iterator[tuple[int, str]]:
    start = 0
    for part in parts:
        for i, text in part.text.items():
            yield start + i, text
        start += len(part.time)


def merge(parts: Sequence[Cells]) -> Cells:
    """Join parts and bring their readings into the order of the messages."""
    if not parts:
        empty = np.zeros(0, dtype=np.int32)
        return Cells(empty, empty, empty.astype(np.int64), empty.astype(float), empty.astype(np.uint8), {})
    arrays: list[NDArray[Any]]
    if len(parts) == 1:
        arrays, text = list(parts[0][:5]), parts[0].text
    else:
        arrays = [np.concatenate([part[field] for part in parts]) for field in range(5)]
        text = dict(_texts(parts))
    message = arrays[0]
    if not (message[1:] >= message[:-1]).all():
        order = np.argsort(message, kind="stable")
        arrays = [array[order] for array in arrays]
        if text:
            rank = np.empty_like(order)
            rank[order] = np.arange(len(order))
            text = {int(rank[i]): word for i, word in text.items()}
    return Cells._make([*arrays, dict(sorted(text.items()))])


def number_keys(code: NDArray[np.int32], keys: Sequence[SeriesKey]) -> tuple[NDArray[np.int32], list[SeriesKey]]:
    """Number keys by the first reading that has them, so that how messages were grouped cannot be seen.

    Keys without a reading are left out.
    """
    if len(keys) > 4 * len(code):
        distinct, first, inverse = np.unique(code, return_index=True, return_inverse=True)
        appeared = np.argsort(first)
        rank = np.empty(len(distinct), dtype=np.int32)
        rank[appeared] = np.arange(len(distinct), dtype=np.int32)
        return rank[inverse], [keys[i] for i in distinct[appeared].tolist()]
    first = np.full(len(keys), -1, dtype=np.int64)
    first[code[::-1]] = np.arange(len(code) - 1, -1, -1)  # of repeated indices the last one stays
    used = np.flatnonzero(first >= 0)
    order = used[np.argsort(first[used])]
    if len(order) == len(keys) and (order == np.arange(len(keys))).all():
        return code, list(keys)
    new = np.full(len(keys), -1, dtype=np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    return new[code], [keys[i] for i in order.tolist()]
