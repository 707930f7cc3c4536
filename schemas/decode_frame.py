"""Frames: one message with a table of readings, n rows (times) by c columns (series); here their structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.cells import Column
from schemas.codec_arrow import ArrowFrame
from schemas.codecs import check_cells
from schemas.draft import Draft
from schemas.errors import Reject
from schemas.names import name_fault, optional_name, required_name
from schemas.quality import quality_of
from schemas.times import Times

FIELDS = frozenset(("asset", "time", "series", "quality", "unit", "seq", "source"))


class Frame(NamedTuple):
    """A frame whose structure is right."""

    message: int
    asset: str
    source: str | None
    time: list[Any] | Times  # n, as sent or already parsed
    names: Sequence[str]  # c
    codes: Sequence[int]  # c, of series keys
    columns: Sequence[list[Any] | Column]  # c of n cells
    quality: dict[int, NDArray[np.uint8]]  # column -> (n,) codes or NO_QUALITY; good where left out
    unknown_fields: int

    @property
    def rows(self) -> int:
        """Number of rows (times), n."""
        return len(self.time) if isinstance(self.time, list) else len(self.time[0])


def frame_of(draft: Draft, message: int, fields: dict[Any, Any]) -> Frame:
    """Check a decoded frame's structure. Raises Reject."""
    asset = required_name(fields, "asset")
    if "time" not in fields:
        raise Reject("missing_field", "time")
    time = fields["time"]
    if type(time) is not list:
        raise Reject("wrong_type", "time", f"expected a list, got {type(time).__name__}")
    series = fields["series"]
    if not time or not series:
        raise Reject("empty_frame", "series" if time else "time", "expected at least one time and one series")
    rows = len(time)
    check_cells(rows * len(series))
    for name, column in series.items():
        if type(column) is not list:
            raise Reject("wrong_type", f"series.{_shown(name)}", f"expected a list, got {type(column).__name__}")
        if len(column) != rows:
            raise Reject("unequal_columns", f"series.{_shown(name)}", f"expected {rows} cells, got {len(column)}")
    return _finish(draft, message, asset, fields, time, series, len(fields.keys() - FIELDS))


def frame_of_arrow(draft: Draft, message: int, arrow: ArrowFrame) -> Frame:
    """Check an Arrow table's metadata and column names. Raises Reject."""
    fields = arrow_fields(arrow)
    asset = required_name(fields, "asset")
    if arrow.time is None:
        raise Reject("missing_field", "time")
    if not arrow.series or not len(arrow.time[0]):
        raise Reject("empty_frame", "series", "expected at least one time and one series")
    unknown = sum(1 for key in arrow.metadata if key not in ("asset", "source", "seq") and not key.startswith("unit."))
    return _finish(draft, message, asset, fields, arrow.time, arrow.series, unknown)


def arrow_fields(arrow: ArrowFrame) -> dict[str, Any]:
    """An Arrow table's metadata as the fields of a frame."""
    fields: dict[str, Any] = {name: arrow.metadata[name] for name in ("asset", "source") if name in arrow.metadata}
    fields["unit"] = {key[5:]: unit for key, unit in arrow.metadata.items() if key.startswith("unit.")}
    fields["quality"] = arrow.quality
    return fields


def _finish(
    draft: Draft,
    message: int,
    asset: str,
    fields: dict[str, Any],
    time: list[Any] | Times,
    series: dict[str, Any],
    unknown: int,
) -> Frame:
    """Units, qualities and keys, which both kinds of frame have."""
    units = _mapping(fields, "unit")
    qualities = _mapping(fields, "quality")
    source = optional_name(fields.get("source"), "source")
    rows = len(time) if isinstance(time, list) else len(time[0])
    quality: dict[int, NDArray[np.uint8]] = {}
    plain = not units and not qualities
    layout = (asset, *series)
    known = draft.keys.layouts.get(layout) if plain else None
    if known is not None:
        return Frame(message, asset, source, time, layout[1:], known, list(series.values()), quality, unknown)
    codes = []
    for j, name in enumerate(series):
        unit = units.get(name)
        code = draft.keys[asset, name, unit] if type(name) is str and (unit is None or type(unit) is str) else -1
        if code < 0:
            _check_name(name)
            optional_name(unit, f"unit.{name}")
        codes.append(code)
        if name in qualities:
            quality[j] = _column_quality(draft, qualities[name], name, rows)
    if plain:
        draft.keys.layouts[layout] = codes
    unknown += len(units.keys() - series.keys()) + len(qualities.keys() - series.keys())
    return Frame(message, asset, source, time, list(series), codes, list(series.values()), quality, unknown)


def _mapping(fields: dict[str, Any], field: str) -> dict[Any, Any]:
    value = fields.get(field)
    if value is None:
        return {}
    if type(value) is not dict:
        raise Reject("wrong_type", field, f"expected an object by series, got {type(value).__name__}")
    return value


def _check_name(name: Any) -> None:
    if type(name) is not str:
        raise Reject("bad_name", "series", f"expected text, got {type(name).__name__}")
    fault = name_fault(name)
    if fault:
        raise Reject("bad_name", f"series.{_shown(name)}", fault)


def _shown(name: Any) -> str:
    return repr(name)[1:-1][:64] if type(name) is str else type(name).__name__


def _column_quality(draft: Draft, value: Any, name: str, rows: int) -> NDArray[np.uint8]:
    if type(value) is not list:
        return np.full(rows, quality_of(value), dtype=np.uint8)
    if len(value) != rows:
        raise Reject("unequal_columns", f"quality.{_shown(name)}", f"expected {rows} cells, got {len(value)}")
    if set(map(type, value)) <= {str, int, type(None)}:
        return np.array([draft.qualities[word] for word in value], dtype=np.uint8)
    return np.array([quality_of(word) for word in value], dtype=np.uint8)
