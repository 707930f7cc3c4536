"""InfluxDB line protocol, written in bulk: columns become bytes at once, rows are only joined."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from streams.sinks.table import Measurement, Table, part

_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_TEXT = str.maketrans({'"': '\\"', "\\": "\\\\"})
_CUT = b"\x00"  # stands between the cells of a column; numbers never hold it


def escape_tag(value: str) -> bytes:
    r"""A tag's value or key as line protocol writes it. The value must be `points.clean`.

    >>> escape_tag("oven 3, left=a")
    b'oven\\ 3\\,\\ left\\=a'
    """
    return value.translate(_TAG).encode(errors="replace")


def escape_text(value: str) -> bytes:
    r"""A string field with its quotes; line breaks are allowed in it.

    >>> escape_text('5" disk')
    b'"5\\" disk"'
    """
    return b'"' + value.translate(_TEXT).encode(errors="replace") + b'"'


@lru_cache(maxsize=100_000)
def head(name: str, keys: tuple[str, ...], values: tuple[str, ...]) -> bytes:
    """Measurement and tags up to the space before the fields.

    >>> head("reading", ("site", "series"), ("penang", "temp"))
    b'reading,site=penang,series=temp '
    """
    tags = zip(keys, values, strict=True)
    return escape_tag(name) + b"".join(b",%b=%b" % (escape_tag(k), escape_tag(v)) for k, v in tags) + b" "


def column(before: bytes, values: NDArray[Any], after: bytes = b"") -> list[bytes]:
    """Each number (shortest text that reads back the same) between `before` and `after`; empty where not finite.

    >>> column(b",value=", np.array([1.5, np.nan, 1e-7]))
    [b',value=1.5', b'', b',value=1e-7']
    """
    if not len(values):
        return []
    body: bytes = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    cells = before + body.replace(b",", after + _CUT + before) + after
    return cells.replace(before + b"null" + after, b"").split(_CUT)


def lines(table: Table) -> list[bytes]:
    """One line for each point of a table, in its order.

    >>> from streams.sinks.table import Measurement
    >>> kind = Measurement("reading", "raw", ("site",), {"quality": "int", "value": "float"})
    >>> at, zero = np.array([7]), np.array([0])
    >>> lines(Table(kind, [("penang",)], zero, at, {"quality": zero}, {}, {"value": np.array([0.5])}, {}))
    [b'reading,site=penang quality=0i,value=0.5 7']
    """
    return Writer(table).lines(0, len(table.time))


class Writer:
    """Writes the lines of a table, some rows at a time."""

    def __init__(self, table: Table) -> None:
        kind = table.measurement
        self._table = table
        self._heads = [head(kind.name, kind.tags, values) for values in table.tags]

    def lines(self, start: int, end: int) -> list[bytes]:
        """Lines of the rows from `start` to before `end`."""
        table = part(self._table, start, end)
        kind = table.measurement
        parts: list[Sequence[bytes]] = [list(map(self._heads.__getitem__, table.code.tolist()))]
        for name in kind.fields:
            # the first field, which every point has, is the only one without a comma
            before = b"%b%b=" % (b"" if name == kind.always else b",", escape_tag(name))
            cells = _cells(table, kind, name, before)
            if cells is not None:
                parts.append(cells)
        parts.append(column(b" ", table.time))
        return list(map(b"".join, zip(*parts, strict=True)))


def _cells(table: Table, kind: Measurement, name: str, before: bytes) -> list[bytes] | None:
    match kind.fields[name]:
        case "int":
            return column(before, table.ints[name], b"i")
        case "bool":
            yes, no = before + b"t", before + b"f"
            return [yes if each else no for each in table.bools[name].tolist()]
        case "float":
            return column(before, table.floats[name])
        case "str":
            texts = table.texts[name]
            if not texts:
                return None
            cells = [b""] * len(table.time)
            for row, text in texts.items():
                cells[row] = before + escape_text(text)
            return cells
