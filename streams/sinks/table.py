"""Tables of points: columns of one measurement, which every sink writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Store = Literal["raw", "main"]
FieldType = Literal["int", "float", "bool", "str"]


class Measurement(NamedTuple):
    """Name, tags and fields of one kind of point. The first field is an int that every point has."""

    name: str
    store: Store
    tags: tuple[str, ...]
    fields: dict[str, FieldType]

    @property
    def always(self) -> str:
        """The field that every point has: counting it counts points."""
        return next(iter(self.fields))

    @property
    def columns(self) -> tuple[str, ...]:
        """Time, tags and fields."""
        return ("time", *self.tags, *self.fields)


class Table(NamedTuple):
    """n points of one measurement, in the order they are to be written: of equal tags and time the last wins."""

    measurement: Measurement
    tags: Sequence[tuple[str, ...]]  # distinct tag values, in the order of measurement.tags, none empty
    code: NDArray[np.intp]  # (n,) index into tags
    time: NDArray[np.int64]  # (n,) ns since the epoch
    ints: dict[str, NDArray[np.int64]]  # field -> (n,)
    bools: dict[str, NDArray[np.bool_]]  # field -> (n,)
    floats: dict[str, NDArray[np.float64]]  # field -> (n,) NaN = left out
    texts: dict[str, dict[int, str]]  # field -> row -> text; rows without are left out


def part(table: Table, start: int, end: int) -> Table:
    """Some rows of a table; its tags stay as they are."""
    rows = slice(start, end)
    texts = {
        name: {i - start: text for i, text in rows_.items() if start <= i < end} for name, rows_ in table.texts.items()
    }
    return Table(
        table.measurement,
        table.tags,
        table.code[rows],
        table.time[rows],
        {name: column[rows] for name, column in table.ints.items()},
        {name: column[rows] for name, column in table.bools.items()},
        {name: column[rows] for name, column in table.floats.items()},
        texts,
    )


def join(parts: Sequence[Table]) -> Table | None:
    """Tables of one measurement as one, in their order; None for no tables."""
    if len(parts) < 2:
        return parts[0] if parts else None
    first = parts[0]
    rows = np.cumsum([0, *(len(part.time) for part in parts)]).tolist()
    heads = np.cumsum([0, *(len(part.tags) for part in parts)]).tolist()
    return Table(
        first.measurement,
        [tags for part in parts for tags in part.tags],
        np.concatenate([part.code + start for part, start in zip(parts, heads, strict=False)]),
        np.concatenate([part.time for part in parts]),
        {name: np.concatenate([part.ints[name] for part in parts]) for name in first.ints},
        {name: np.concatenate([part.bools[name] for part in parts]) for name in first.bools},
        {name: np.concatenate([part.floats[name] for part in parts]) for name in first.floats},
        {
            name: {
                start + i: text
                for part, start in zip(parts, rows, strict=False)
                for i, text in part.texts[name].items()
            }
            for name in first.texts
        },
    )
