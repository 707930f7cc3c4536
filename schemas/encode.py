"""Readings to messages: what gateways, the demo plant and tests send."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from schemas.codecs import ARROW, HEADER, JSON, MSGPACK
from schemas.errors import Misconfigured
from schemas.times import format_time

Value = float | bool | str | None
Message = tuple[bytes, list[tuple[str, bytes]]]
"""Value and headers of a message."""


def encode_single(
    asset: str,
    series: str,
    time: int,
    value: Value,
    *,
    unit: str | None = None,
    quality: str | int | None = None,
    seq: int | None = None,
    source: str | None = None,
    content_type: bytes = JSON,
) -> Message:
    """One reading at `time` (ns since the epoch); in Arrow a frame of one cell.

    >>> encode_single("penang/oven3", "temp", 1767600000000000000, 21.5, unit="Cel")[0]
    b'{"asset":"penang/oven3","series":"temp","time":"2026-01-05T08:00:00Z","value":21.5,"unit":"Cel"}'
    """
    if content_type == ARROW:
        units = {} if unit is None else {series: unit}
        qualities: dict[str, Any] = {} if quality is None else {series: [quality]}
        return encode_frame(
            asset, [time], {series: [value]}, unit=units, quality=qualities, seq=seq, source=source, content_type=ARROW
        )
    fields = {"asset": asset, "series": series, "time": time, "value": value}
    return _encode(fields, {"unit": unit, "quality": quality, "seq": seq, "source": source}, content_type)


def encode_frame(
    asset: str,
    time: Sequence[int],
    series: Mapping[str, Sequence[Value]],
    *,
    unit: Mapping[str, str] | None = None,
    quality: Mapping[str, str | int | Sequence[str | int | None]] | None = None,
    seq: int | None = None,
    source: str | None = None,
    content_type: bytes = JSON,
) -> Message:
    """n times (ns) by columns of n values; None is an absent cell, and so is NaN in JSON. Lists or numpy arrays.

    Raises Misconfigured where Arrow is asked for and pyarrow is not installed.
    """
    times = [int(ns) for ns in time]
    if content_type == ARROW:
        return _encode_arrow(asset, times, series, unit or {}, quality or {}, seq, source)
    columns = {name: _plain(column) for name, column in series.items()}
    qualities = {
        name: words if isinstance(words, str | int) else list(words) for name, words in (quality or {}).items()
    }
    fields = {"asset": asset, "time": times, "series": columns}
    more = {"unit": dict(unit or {}) or None, "quality": qualities or None, "seq": seq, "source": source}
    return _encode(fields, more, content_type)


def encode_waveform(
    asset: str,
    series: str,
    time: int,
    rate_hz: float,
    values: Sequence[float],
    *,
    unit: str | None = None,
    speed_rpm: float | None = None,
    quality: str | int | None = None,
    seq: int | None = None,
    source: str | None = None,
    content_type: bytes = JSON,
) -> Message:
    """One block of samples. Raises Misconfigured for Arrow, which carries frames alone."""
    if content_type == ARROW:
        raise Misconfigured("waveforms are sent as application/json or application/msgpack, not as Arrow")
    fields = {"asset": asset, "series": series, "time": time, "rate_hz": rate_hz, "values": _plain(values)}
    more = {"unit": unit, "speed_rpm": speed_rpm, "quality": quality, "seq": seq, "source": source}
    return _encode(fields, more, content_type)


def _plain(column: Sequence[Any]) -> list[Any]:
    tolist: Callable[[], list[Any]] | None = getattr(column, "tolist", None)
    return tolist() if tolist else list(column)


def _encode(fields: dict[str, Any], more: dict[str, Any], content_type: bytes) -> Message:
    fields |= {name: value for name, value in more.items() if value is not None}
    if content_type == MSGPACK:
        return msgspec.msgpack.encode(fields), [(HEADER, MSGPACK)]
    time = fields["time"]
    fields["time"] = [format_time(ns) for ns in time] if isinstance(time, list) else format_time(time)
    return orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY), [(HEADER, JSON)]


def _encode_arrow(
    asset: str,
    times: list[int],
    series: Mapping[str, Sequence[Value]],
    unit: Mapping[str, str],
    quality: Mapping[str, Any],
    seq: int | None,
    source: str | None,
) -> Message:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise Misconfigured("Arrow needs pyarrow: install millstream[arrow]") from error
    metadata = {"asset": asset, **{f"unit.{name}": text for name, text in unit.items()}}
    metadata |= {name: str(value) for name, value in (("source", source), ("seq", seq)) if value is not None}
    columns = {"time": pa.array(times, type=pa.timestamp("ns", tz="UTC"))}
    columns |= {name: pa.array(_uniform(_plain(column))) for name, column in series.items()}
    for name, words in quality.items():
        spread = [words] * len(times) if isinstance(words, str | int) else list(words)
        columns[f"quality.{name}"] = pa.array(spread)
    table = pa.table(columns).replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes(), [(HEADER, ARROW)]


def _uniform(column: list[Any]) -> list[Any]:
    """Arrow columns have one type: booleans beside numbers become numbers."""
    kinds = set(map(type, column)) - {type(None)}
    if kinds > {bool}:
        return [float(value) if isinstance(value, bool) else value for value in column]
    return column
