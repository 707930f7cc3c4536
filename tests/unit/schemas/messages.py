"""Messages good and bad, as hypothesis makes them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pyarrow as pa
from hypothesis import strategies as st

from schemas import control
from schemas.chunk import Record
from schemas.codecs import ARROW, JSON, MSGPACK

KEY = b"control"
PARTITION = 3
MAX_BYTES = 600

BAD_NAMES = ["", "x" * 256, "a\nb", "a\u0085b", 5, None, ["a"], {"b": 1}]
SERIES = ["temp", "state", "a/b", "温度", "x" * 255, "é\u00a0b"]
ASSETS = ["penang/smt/line1/oven3", "m", "s/l/m", "a/b/c/d/e"]
TIMES = [
    "2026-01-05T08:00:00Z",
    "2026-01-05t08:00:00.123456789z",
    "2026-01-05 16:00:00.5+08:00",
    "2026-01-05T08:00:00-00:00",
    "2024-02-29T00:00:00.000001-23:59",
    "1970-01-01T00:00:00Z",
    1767600000123456789,
    0,
]
BAD_TIMES = [
    "2026-02-29T00:00:00Z",
    "2026-01-05T08:00:60Z",
    "2026-01-05T08:00:00",
    "2026-01-05T08:00:00.Z",
    "２026-01-05T08:00:00Z",
    "1969-12-31T23:59:59Z",
    1767600000,
    -1,
    2**63,
    1.5,
    True,
    None,
    [],
]
VALUES = [0, 1, -2.5, True, False, 2**53 + 1, 2**64 - 1, 1e308, "run", ""]
BAD_VALUES = [[1], {"a": 1}, float("inf"), float("-inf")]
QUALITIES = ["good", "GOOD", "Uncertain", "bad", None, 0, 0x40000000, 0x80000000, 0xC0000000]
BAD_QUALITIES = ["fine", "", True, -1, 2**32, 1.5, [], {}]


def mostly(good: list[Any], bad: list[Any]) -> st.SearchStrategy[Any]:
    """Good ones about thirty times as often as bad ones."""
    return st.sampled_from([*good * (30 * len(bad) // len(good) + 1), *bad])


def seldom() -> st.SearchStrategy[bool]:
    """True once in a while."""
    return st.sampled_from([*[False] * 15, True])


asset = mostly(ASSETS, [*BAD_NAMES, "/a", "a/", "a//b"])
series = mostly(SERIES, BAD_NAMES)
time = mostly(TIMES, BAD_TIMES)
value = mostly([*VALUES, None, float("nan")], BAD_VALUES)
quality = mostly(QUALITIES, BAD_QUALITIES)
optional = mostly(["Cel", "gw-7", None, ""], [5, "x" * 256, "a\tb", []])


@st.composite
def fields(draw: st.DrawFn, kind: str) -> dict[Any, Any]:
    """A message of a kind, perhaps without a field or with one more."""
    made: dict[Any, Any] = {"asset": draw(asset)}
    if kind == "frame":
        rows = draw(st.integers(1, 4))
        names = draw(st.lists(mostly(SERIES, ["", "a\nb"]), min_size=1, max_size=4, unique=True))
        column = st.lists(value, min_size=rows, max_size=rows)
        words = st.one_of(quality, st.lists(quality, min_size=rows, max_size=rows))
        made["time"] = draw(st.lists(time, min_size=rows, max_size=rows))
        made["series"] = {name: draw(column) for name in names}
        if draw(st.booleans()):
            made["quality"] = {name: draw(words) for name in [*names, "other"] if draw(st.booleans())}
        if draw(st.booleans()):
            made["unit"] = {name: draw(optional) for name in [*names, "other"] if draw(st.booleans())}
        if draw(seldom()):
            where = draw(st.sampled_from(["series", "quality", "unit"]))
            made[where] = draw(st.sampled_from([{}, {"temp": []}, {"temp": [1] * 5}, {"temp": 1}, "good", 5, []]))
    else:
        made |= {"series": draw(series), "time": draw(time)}
        if kind == "single":
            made["value"] = draw(value)
        else:
            real = mostly([1, 48000, 0.5, 2**60], [0, -1.0, "1", None, True, float("nan"), float("inf")])
            made |= {
                "rate_hz": draw(real),
                "values": draw(st.lists(mostly([1, -0.5], [None, "x", True, float("nan")]))),
            }
            made |= draw(st.sampled_from([{}, {"values": "x"}, {"values": [1, 2.5]}]))
            if draw(st.booleans()):
                made["speed_rpm"] = draw(real)
        for name, strategy in (("unit", optional), ("quality", quality)):
            if draw(st.booleans()):
                made[name] = draw(strategy)
    for name, strategy in (("source", optional), ("seq", st.integers(0, 9))):
        if draw(st.booleans()):
            made[name] = draw(strategy)
    if draw(seldom()):
        made[draw(st.sampled_from(["new", "rate_hz", "values", "value", "series"]))] = draw(value)
    if draw(seldom()):
        del made[draw(st.sampled_from(sorted(made)))]
    return made


def dump_json(made: Any) -> bytes:
    """JSON in which what is beyond float64 is written as a number, as careless senders do."""
    return json.dumps(made, ensure_ascii=False).replace("Infinity", "1e999").encode()


def dump_msgpack(made: Any) -> bytes:
    return msgspec.msgpack.encode(made)


@st.composite
def arrow(draw: st.DrawFn) -> bytes:
    """A table whose columns have one type each, perhaps in several batches."""
    rows = draw(st.integers(0, 4))

    def column(cells: st.SearchStrategy[Any], kind: pa.DataType) -> pa.Array:
        return pa.array(draw(st.lists(cells, min_size=rows, max_size=rows)), type=kind)

    ns = st.sampled_from([1767600000123456789, 1, -1, 0, None, 2**63 - 1])
    kinds: list[tuple[st.SearchStrategy[Any], pa.DataType]] = [
        (st.sampled_from([1.5, None, float("nan"), float("inf")]), pa.float64()),
        (st.sampled_from([1.5, None]), pa.float32()),
        (st.sampled_from([2**63 - 1, None]), pa.int64()),
        (st.sampled_from([True, None]), pa.bool_()),
        (st.sampled_from(["run", "", None]), pa.string()),
        (st.sampled_from(["run", "idle", None]), pa.dictionary(pa.int8(), pa.string())),
        (st.none(), pa.null()),
    ]
    words = [
        (st.sampled_from(["good", "bad", "fine", None]), pa.string()),
        (st.sampled_from([0, 1 << 31, -1, None]), pa.int64()),
        (st.sampled_from(["good", "fine", None]), pa.dictionary(pa.int32(), pa.string())),
    ]
    columns = {}
    if not draw(seldom()):
        columns["time"] = column(ns, draw(st.sampled_from([pa.int64(), pa.timestamp("ns"), pa.timestamp("ns", "UTC")])))
    for name in draw(st.lists(mostly(SERIES, ["", "a\nb"]), max_size=3, unique=True)):
        columns[name] = column(*draw(st.sampled_from(kinds)))
        if draw(st.booleans()):
            columns[f"quality.{name}"] = column(*draw(st.sampled_from(words)))
    metadata = {"asset": draw(mostly(ASSETS, ["", "/a", "a//b"])), "source": draw(st.sampled_from(["gw", "", "a\tb"]))}
    metadata |= {"unit.temp": "Cel", "unit.nowhere": "K", "pandas": "{}"} if draw(st.booleans()) else {}
    if draw(seldom()):
        del metadata["asset"]
    table = pa.table(columns).replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=draw(st.sampled_from([2, 100])))
    return bytes(sink.getvalue().to_pybytes())


CRAFTED = [
    b'{"a":1}],[{"b":2}',
    b"[[3",
    b"4]]",
    b'{"asset":"m","series":"temp","time":0,"value":1}],[{"asset":"m","series":"temp","time":0,"value":2}',
    b'{"asset":"m","x":[[1',
    b"2]]}",
    b'{"asset":"m","asset":"n","series":"temp","time":0,"value":1}',
    b'{"asset":"m","series":"temp","time":0,"value":1} ',
    b'{"asset":"m","series":"temp","time":0,"value":1},',
    b'{"asset":"m","series":"\\ud800","time":0,"value":1}',
    b'{"asset":"m","series":"\\ud83d\\ude00","time":0,"value":1}',
    b'{"asset":"\xff","series":"temp","time":0,"value":1}',
    b'\xef\xbb\xbf{"asset":"m","series":"temp","time":0,"value":1}',
    b'{"asset":"m","series":"temp","time":0,"value":' + b"9" * 330 + b"}",
    b'{"asset":"m","series":"temp","time":0,"value":01}',
    b'{"asset":"m","series":"temp","time":0,"value":NaN}',
    b'{"asset":"m","series":"temp","time":0,"value":1,"seq":"x"}',
    b'{"asset":"m","series":"temp","time":0.0,"value":1}',
    b'{"asset":"m","series":"temp","time":100000000000000000000000000000000,"value":1}',
    b"\x81\x91\x01\x02",
    b"\xdd\xff\xff\xff\xff",
    b"null",
    b"[]",
    b" ",
    b"\n",
    b"",
]


@st.composite
def mangled(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes with some of them cut out and others put in."""
    value = draw(whole)
    at = draw(st.integers(0, len(value)))
    put = draw(
        st.one_of(st.binary(max_size=2), st.sampled_from([b"0", b".", b"e9", b"-", b"\\", b'"', b"\\u", b"]", b","]))
    )
    return value[:at] + put + value[at + draw(st.integers(0, 2)) :]


json_values = st.one_of(fields("single"), fields("single"), fields("frame"), fields("waveform")).map(dump_json)
msgpack_values = st.one_of(fields("single"), fields("frame"), fields("waveform")).map(dump_msgpack)

JSON_HEADERS = st.sampled_from([[], [], [("content-type", JSON)], [("content-type", b"Application/JSON; v=1")]])


@st.composite
def records(draw: st.DrawFn, max_size: int = 12) -> list[Record]:
    """Records of one partition: every content type, forwarded, signed, forged, crafted and empty ones."""
    made: list[tuple[bytes | None, list[tuple[str, bytes]]]] = []
    json_like = st.one_of(json_values, json_values, json_values, mangled(json_values), st.sampled_from(CRAFTED))
    for kind in draw(st.lists(st.sampled_from("jjjjmmaco?"), max_size=max_size)):
        if kind in "jo":
            value, headers = draw(json_like), list(draw(JSON_HEADERS))
            if kind == "o":
                headers.append(control.encode_origin(1, 7, value, draw(st.sampled_from([KEY, KEY, b"other"]))))
            made.append((value, headers))
        elif kind == "m":
            value = draw(st.one_of(msgpack_values, mangled(msgpack_values), st.sampled_from(CRAFTED)))
            made.append((value, [("content-type", MSGPACK)]))
        elif kind == "a":
            made.append((draw(arrow()), [("content-type", ARROW)]))
        elif kind == "c":
            body = control.Control(kind="tick", partition=draw(st.sampled_from([PARTITION, PARTITION, 4])))
            made.append(control.encode(body, draw(st.sampled_from([KEY, KEY, b"other"]))))
        else:
            made.append(draw(st.sampled_from([(None, []), (b"", []), (b"{}", [("content-type", b"text/csv")])])))
    return [Record(i, 10**9 * i, None, value, headers) for i, (value, headers) in enumerate(made)]
