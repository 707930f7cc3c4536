"""The slow, obvious twin of schemas.decode: message by message, cell by cell, with the standard library."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from schemas.chunk import CONTROL, READING, REJECTED, Chunk, Record, SeriesKey
from schemas.control import CONTENT_TYPE, ORIGIN, decode, decode_origin
from schemas.errors import Reject

END = 9_214_646_400_000_000_000  # 2262-01-01
SINGLE = {"asset", "series", "time", "value", "unit", "quality", "seq", "source"}
FRAME = {"asset", "time", "series", "quality", "unit", "seq", "source"}
WAVEFORM = {"asset", "series", "time", "rate_hz", "values", "unit", "quality", "seq", "source", "speed_rpm"}
RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


class Outcome(NamedTuple):
    """What became of one message, free of how chunks are laid out."""

    kind: int
    asset: str | None
    readings: list[tuple[SeriesKey, int, str, str | None, int]]  # key, ns, repr of value, text, quality
    waveform: tuple[Any, ...] | None
    control: Any
    origin: tuple[int, int] | None
    reject: tuple[str, str | None, int, str] | None  # reason, source, cells, place (of cells only)


def naive_decode(
    records: Sequence[Record], partition: int, key: bytes, max_bytes: int
) -> tuple[list[Outcome], dict[str, int]]:
    """What became of each message, and the notes of all."""
    notes = {"unknown_fields": 0, "nan_cells": 0}
    return [_message(record, partition, key, max_bytes, notes) for record in records], notes


def outcomes_of(chunk: Chunk) -> list[Outcome]:
    """A chunk as the twin gives it."""
    readings: list[list[tuple[SeriesKey, int, str, str | None, int]]] = [[] for _ in range(chunk.messages)]
    for i, message in enumerate(chunk.message.tolist()):
        cell = (repr(float(chunk.value[i])), chunk.text.get(i), int(chunk.quality[i]))
        readings[message].append((chunk.keys[chunk.code[i]], int(chunk.time[i]), *cell))
    waves = {
        w.message: (w.key, w.time, w.rate_hz, w.values.tolist(), repr(w.speed_rpm), w.quality) for w in chunk.waveforms
    }
    rejects = {}
    for place in chunk.rejects:
        assert place.message not in rejects, "one place a message"
        rejects[place.message] = (place.reason, place.source, place.cells, place.place if place.cells else "")
    controls = dict(chunk.controls)
    return [
        Outcome(
            int(chunk.kind[m]),
            chunk.asset[m],
            readings[m],
            waves.get(m),
            controls.get(m),
            tuple(chunk.origin[m]) if m in chunk.origin else None,  # type: ignore[arg-type]
            rejects.get(m),
        )
        for m in range(chunk.messages)
    ]


def naive_time(value: Any) -> int | None:
    if type(value) is int:
        return value if value == 0 or 10**16 <= value < END else None
    if type(value) is not str or not (found := RFC3339.fullmatch(value)):
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, sign, east_h, east_m = found.groups()[6:]
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    east = timedelta()
    if sign:
        if int(east_h) > 23 or int(east_m) > 59:
            return None
        east = timedelta(hours=int(east_h), minutes=int(east_m)) * (-1 if sign == "-" else 1)
    if not 1970 <= year <= 2261:
        return None
    seconds = (local - datetime(1970, 1, 1, tzinfo=UTC) - east) // timedelta(seconds=1)
    ns = seconds * 10**9 + int((fraction or "").ljust(9, "0"))
    return ns if 0 <= ns < END else None


def naive_quality(value: Any) -> int | None:
    if value is None:
        return 0
    if type(value) is str:
        return {"good": 0, "uncertain": 1, "bad": 2}.get(value.lower())
    if type(value) is int and 0 <= value <= 0xFFFFFFFF:
        return [0, 1, 2, 2][value // 2**30]
    return None


def _name(value: Any, path: bool = False) -> str:
    if type(value) is not str:
        raise Reject("wrong_type")
    if not 1 <= len(value) <= 255 or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in value):
        raise Reject("bad_name")
    if path and "" in value.split("/"):
        raise Reject("bad_name")
    return value


def _required(fields: dict[Any, Any], field: str) -> Any:
    if field not in fields:
        raise Reject("missing_field")
    return fields[field]


def _optional(value: Any) -> str | None:
    return None if value is None or value == "" else _name(value)


def _message(record: Record, partition: int, key: bytes, max_bytes: int, notes: dict[str, int]) -> Outcome:
    fields: Any = None
    origin = None
    try:
        if not record.value:
            raise Reject("empty")
        if len(record.value) > max_bytes:
            raise Reject("too_large")
        headers = dict(record.headers)
        if headers.get("content-type") == CONTENT_TYPE:
            return Outcome(CONTROL, None, [], None, decode(record.value, headers, key, partition), None, None)
        kind = (headers.get("content-type") or b"application/json").split(b";")[0].strip().lower()
        loads = {
            b"application/json": _json,
            b"application/msgpack": _msgpack,
            b"application/vnd.apache.arrow.stream": _arrow,
        }.get(kind)
        if loads is None:
            raise Reject("unknown_content_type")
        if ORIGIN in headers:
            origin = decode_origin(headers[ORIGIN], record.value, key)
        fields = loads(record.value)
        if type(fields) is not dict:
            raise Reject("wrong_type")
        if type(fields.get("series")) is dict:
            return _frame(fields, notes)._replace(origin=origin)
        if "rate_hz" in fields and "values" in fields:
            return _waveform(fields, notes)._replace(origin=origin)
        return _single(fields, notes)._replace(origin=origin)
    except Reject as error:
        source = fields.get("source") if type(fields) is dict else None
        try:
            source = _name(source)
        except Reject:
            source = None
        return Outcome(REJECTED, None, [], None, None, origin, (error.reason, source, 0, ""))


def _single(fields: dict[Any, Any], notes: dict[str, int]) -> Outcome:
    asset = _name(_required(fields, "asset"), path=True)
    series = _name(_required(fields, "series"))
    time = naive_time(_required(fields, "time"))
    if time is None:
        raise Reject("bad_time")
    value = _required(fields, "value")
    unit, source = _optional(fields.get("unit")), _optional(fields.get("source"))
    notes["unknown_fields"] += len(set(fields) - SINGLE)
    cell = _cell(value, fields.get("quality"), notes)
    if isinstance(cell, tuple) and len(cell) == 3:
        if value is None:
            cell = ("nan", None, 2)
        return Outcome(READING, asset, [(SeriesKey(asset, series, unit), time, *cell)], None, None, None, None)
    reason, field = cell
    return Outcome(READING, asset, [], None, None, None, (reason, source, 1, field))


def _cell(value: Any, quality: Any, notes: dict[str, int]) -> Any:
    """(repr of value, text, quality), or (reason, field)."""
    number = math.nan
    text = None
    if type(value) is str:
        text = value
    elif type(value) in (int, float, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isinf(number):
            return "not_finite", "value"
    elif value is not None:
        return "wrong_type", "value"
    code = naive_quality(quality)
    if code is None:
        return "bad_quality", "quality"
    if text is None and value is not None and math.isnan(number):
        notes["nan_cells"] += 1
        code = 2
    return repr(number), text, code


def _frame(fields: dict[Any, Any], notes: dict[str, int]) -> Outcome:
    asset = _name(_required(fields, "asset"), path=True)
    time, series = _required(fields, "time"), fields["series"]
    if type(time) is not list:
        raise Reject("wrong_type")
    if not time or not series:
        raise Reject("empty_frame")
    for column in series.values():
        if type(column) is not list:
            raise Reject("wrong_type")
        if len(column) != len(time):
            raise Reject("unequal_columns")
    units, qualities = fields.get("unit") or {}, fields.get("quality") or {}
    for name in ("unit", "quality"):
        if fields.get(name) is not None and type(fields[name]) is not dict:
            raise Reject("wrong_type")
    source = _optional(fields.get("source"))
    keys = {}
    for name in series:
        if type(name) is not str:
            raise Reject("bad_name")
        keys[name] = SeriesKey(asset, _name(name), _optional(units.get(name)))
        words = qualities.get(name)
        if type(words) is list and len(words) != len(time):
            raise Reject("unequal_columns")
    notes["unknown_fields"] += len(set(fields) - FRAME - {"_metadata"}) + fields.get("_metadata", 0)
    notes["unknown_fields"] += len(set(units) - set(series)) + len(set(qualities) - set(series))
    readings, reasons, places = [], [], []
    for i, sent in enumerate(time):
        for name, column in series.items():
            if column[i] is None:
                continue
            words = qualities.get(name)
            ns = sent[0] if type(sent) is tuple else naive_time(sent)
            cell = (
                ("bad_time", None)
                if ns is None
                else _cell(column[i], words[i] if type(words) is list else words, notes)
            )
            if len(cell) == 3:
                readings.append((keys[name], ns, *cell))
                continue
            reasons.append(cell[0])
            where = {None: f"time[{i}]", "value": f"series.{name}[{i}]", "quality": f"quality.{name}[{i}]"}[cell[1]]
            if where not in places:
                places.append(where)
    reject = (reasons[0], source, len(reasons), "; ".join(places[:16])) if reasons else None
    return Outcome(READING, asset, readings, None, None, None, reject)


def _waveform(fields: dict[Any, Any], notes: dict[str, int]) -> Outcome:
    asset, series = _name(_required(fields, "asset"), path=True), _name(_required(fields, "series"))
    time = naive_time(_required(fields, "time"))
    if time is None:
        raise Reject("bad_time")

    def real(value: Any) -> float:
        if type(value) not in (int, float):
            raise Reject("wrong_type")
        if math.isnan(value) or math.isinf(value):
            raise Reject("not_finite")
        return float(value)

    rate, samples = real(fields["rate_hz"]), fields["values"]
    if rate <= 0:
        raise Reject("bad_rate")
    if type(samples) is not list:
        raise Reject("wrong_type")
    if not samples:
        raise Reject("empty_waveform")
    if any(type(sample) not in (int, float) for sample in samples):
        raise Reject("wrong_type")
    values = [real(sample) for sample in samples]
    speed = math.nan if fields.get("speed_rpm") is None else real(fields["speed_rpm"])
    unit = _optional(fields.get("unit"))
    _optional(fields.get("source"))
    quality = naive_quality(fields.get("quality"))
    if quality is None:
        raise Reject("bad_quality")
    notes["unknown_fields"] += len(set(fields) - WAVEFORM)
    wave = (SeriesKey(asset, series, unit), time, rate, values, repr(speed), quality)
    return Outcome(READING, asset, [], wave, None, None, None)


def _json(value: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    def integer(digits: str) -> float:
        return int(digits) if len(digits) <= 20 else float(digits)

    try:
        found = json.loads(value.decode(), parse_constant=refuse, parse_int=integer)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Reject("malformed") from error
    return found


def _msgpack(value: bytes) -> Any:
    try:
        return msgspec.msgpack.decode(value)
    except (ValueError, RecursionError) as error:
        raise Reject("malformed") from error


def _arrow(value: bytes) -> Any:
    """An Arrow table as the fields of a frame; times that are timestamps come as (ns,) or None."""
    import pyarrow as pa

    table = pa.ipc.open_stream(value).read_all()
    fields: dict[str, Any] = {"series": {}, "unit": {}, "quality": {}, "_metadata": 0}
    for key, text in ((k.decode(), v.decode()) for k, v in (table.schema.metadata or {}).items()):
        if key.startswith("unit."):
            fields["unit"][key[5:]] = text
        elif key in ("asset", "source", "seq"):
            fields[key] = text
        else:
            fields["_metadata"] += 1
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name == "time":
            fields["time"] = [
                cell if pa.types.is_int64(column.type) or cell is None or not 0 <= cell < END else (cell,)
                for cell in column.cast(pa.int64()).to_pylist()
            ]
        elif name.startswith("quality."):
            fields["quality"][name[8:]] = column.to_pylist()
        else:
            fields["series"][name] = column.to_pylist()
    return fields
