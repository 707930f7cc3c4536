"""InfluxDB line protocol, written in bulk: columns become bytes at once, rows are only joined."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from streams.sinks.table import Table, part

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
    return _between(before, _texts(values), after) if len(values) else []


def _texts(values: NDArray[Any]) -> bytes:
    """Numbers as JSON writes them, with commas between; `null` where not finite."""
    body: bytes = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    return body[1:-1]


def _between(before: bytes, body: bytes, after: bytes) -> list[bytes]:
    cells = before + body.replace(b",", after + _CUT + before) + after
    return (cells.replace(before + b"null" + after, b"") if b"null" in body else cells).split(_CUT)


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
        if not len(table.time):
            return []
        parts = _Parts(len(table.time))
        parts.cells.append(list(map(self._heads.__getitem__, table.code.tolist())))
        for name, kind in table.measurement.fields.items():
            # the first field, which every point has, is the only one without a comma
            before = b"%b%b=" % (b"" if name == table.measurement.always else b",", escape_tag(name))
            match kind:
                case "int":
                    parts.numbers(before, table.ints[name], b"i")
                case "bool":
                    parts.flags(before, table.bools[name])
                case "float":
                    parts.numbers(before, table.floats[name], b"")
                case "str":
                    parts.texts(before, table.texts[name])
        parts.numbers(b" ", table.time, b"", constant=False)
        return list(map(b"".join, zip(*parts.cells, strict=True)))


class _Parts:
    """Columns of the cells that lines are joined of; what is the same in all lines is put before the next column."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.cells: list[Sequence[bytes]] = []
        self._same = b""

    def numbers(self, before: bytes, values: NDArray[Any], after: bytes, constant: bool = True) -> None:
        """A number of each line, left out where it is not finite."""
        if constant and values.dtype.kind != "f" and (values == values[0]).all():
            self._same += b"%b%d%b" % (before, values[0], after)
            return
        if values.dtype.kind == "f" and not np.isfinite(values).any():
            return
        body = _texts(values)
        if b"null" in body:
            self._settle()
        self.cells.append(_between(self._same + before, body, after))
        self._same = b""

    def flags(self, before: bytes, values: NDArray[np.bool_]) -> None:
        """True or false in each line."""
        if values.all() or not values.any():
            self._same += before + (b"t" if values[0] else b"f")
            return
        yes, no = self._same + before + b"t", self._same + before + b"f"
        self.cells.append([yes if each else no for each in values.tolist()])
        self._same = b""

    def texts(self, before: bytes, texts: dict[int, str]) -> None:
        """A text in some lines."""
        if not texts:
            return
        self._settle()
        cells = [b""] * self.n
        for row, text in texts.items():
            cells[row] = before + escape_text(text)
        self.cells.append(cells)

    def _settle(self) -> None:
        """The next column is not in every line: what is the same in all of them comes by itself."""
        if self._same:
            self.cells.append([self._same] * self.n)
            self._same = b""
