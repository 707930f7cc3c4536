"""What senders get wrong, and what each must end as: one case for each way."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import msgspec
import orjson
import pyarrow as pa

from schemas.codecs import ARROW, HEADER, JSON, MSGPACK
from schemas.control import CONTENT_TYPE, ORIGIN, SIGNATURE, Control, encode, encode_origin
from schemas.encode import encode_frame

HOUR = 3_600_000_000_000
WRONG_KEY = b"some-other-key-0123456789"


class Bad(NamedTuple):
    """A message that cannot be used, whole or in part."""

    name: str
    value: bytes | None
    reason: str
    place: str = ""  # in the record's place
    headers: tuple[tuple[str, bytes], ...] = ()
    source: str | None = None
    cells: int = 0  # set aside; 0: the whole message
    served: int = 0  # readings of the message that are used nevertheless


def single(now: int, **fields: Any) -> dict[str, Any]:
    """The fields of a good single, with some of them changed; Ellipsis leaves one out."""
    good = {"asset": "penang/smt/line1/oven3", "series": "bad", "time": now, "value": 1.0, "source": "gw-7"}
    return {name: value for name, value in (good | fields).items() if value is not ...}


def as_json(now: int, **fields: Any) -> bytes:
    """A single as JSON."""
    return orjson.dumps(single(now, **fields))


def as_msgpack(now: int, **fields: Any) -> bytes:
    """A single as MessagePack."""
    return msgspec.msgpack.encode(single(now, **fields))


def cases(now: int, partition: int) -> list[Bad]:
    """All cases; `now` in ns, `partition` is where they are sent."""
    msgpack, arrow = ((HEADER, MSGPACK),), ((HEADER, ARROW),)
    asset = "penang/smt/line1/oven3"
    control, signed = encode(Control(kind="configure", partition=partition), WRONG_KEY)
    unequal = as_json(now, series={"a": [1.0, 2.0], "b": [1.0]}, time=[now, now + 1], value=...)
    infinite, _ = encode_frame(asset, [now, now + 1], {"bad": [1.0, math.inf]}, content_type=ARROW)
    words, _ = encode_frame(asset, [now], {"bad": [1.0]}, content_type=ARROW)
    half = as_json(now, series={"bad": [1.0, [2], 3.0]}, time=[now, now + 1, "noon"], value=...)
    crafted = b'{"asset":"' + asset.encode() + b'","series":"leak","time":%d,"value":666.0}' % now
    return [
        Bad("truncated JSON", b'{"asset": "penang/smt/line1/oven3", "val', "malformed"),
        Bad("not JSON", b"<reading>21.5</reading>", "malformed", "byte"),
        Bad("a bare NaN", as_json(now).replace(b"1.0", b"NaN"), "malformed"),
        Bad("nested deeply", b"[" * 100_000, "malformed"),
        Bad("not UTF-8", as_json(now).replace(b"gw-7", b"gw-\xff"), "malformed"),
        Bad("a lone surrogate", as_json(now).replace(b"gw-7", rb"\ud800"), "malformed"),
        Bad("a list", b"[1, 2]", "wrong_type", "expected an object, got list"),
        Bad("an asset that is a number", as_json(now, asset=5), "wrong_type", "asset", source="gw-7"),
        Bad("no series", as_json(now, series=...), "missing_field", "series", source="gw-7"),
        Bad("no value", as_json(now, value=...), "missing_field", "value", source="gw-7"),
        Bad("no time", as_json(now, time=...), "missing_field", "time", source="gw-7"),
        Bad("an asset with an empty level", as_json(now, asset="a//b"), "bad_name", "asset", source="gw-7"),
        Bad("a control character", as_json(now, series="a\nb"), "bad_name", "series", source="gw-7"),
        Bad("a time in seconds", as_json(now, time=now // 10**9), "bad_time", "multiply by 10**9", source="gw-7"),
        Bad("a time in words", as_json(now, time="noon"), "bad_time", "RFC 3339", source="gw-7"),
        Bad("an object as value", as_json(now, value={"v": 1}), "wrong_type", "value", source="gw-7", cells=1),
        Bad("1e400", as_json(now).replace(b"1.0", b"1e400"), "not_finite", "value", source="gw-7", cells=1),
        Bad("a huge integer", as_json(now).replace(b"1.0", b"9" * 400), "not_finite", "value", source="gw-7", cells=1),
        Bad("infinity in msgpack", as_msgpack(now, value=math.inf), "not_finite", "value", msgpack, "gw-7", 1),
        Bad("infinity in Arrow", infinite, "not_finite", "series.bad[1]", arrow, None, 1, 1),
        Bad("an unknown quality", as_json(now, quality="fine"), "bad_quality", "quality", source="gw-7", cells=1),
        Bad("cells of a frame", half, "wrong_type", "series.bad[1]; time[2]", source="gw-7", cells=2, served=1),
        Bad("an hour ahead", as_json(now, time=now + HOUR), "future", f"{asset}/bad", source="gw-7", cells=1),
        Bad("unequal columns", unequal, "unequal_columns", "series.b: expected 2 cells, got 1", source="gw-7"),
        Bad("an unknown content type", b"a=1", "unknown_content_type", "content-type", ((HEADER, b"text/csv"),)),
        Bad("an empty content type", b"\x01", "malformed", "", ((HEADER, b""),)),
        Bad("truncated msgpack", as_msgpack(now)[:-3], "malformed", "", msgpack),
        Bad("truncated Arrow", words[:-40], "malformed", "", arrow),
        Bad("not Arrow", b"ARROW1\0\0" + bytes(64), "malformed", "", arrow),
        Bad("Arrow that is compressed", _compressed(asset, now), "unsupported_content_type", "body compression", arrow),
        Bad("empty", b"", "empty", "value: expected a reading"),
        Bad("a tombstone", None, "empty", "value: expected a reading"),
        Bad("just 64 KiB", b"{" + b"x" * (64 * 1024 - 1), "malformed"),
        Bad("above 64 KiB", b"{" + b"x" * (64 * 1024), "malformed"),
        Bad("10 MB", b'{"value":"' + b"x" * 10_000_000 + b'"}', "too_large", "expected at most 8388608 bytes"),
        Bad("a control record of another key", control, "forged_control", SIGNATURE, tuple(signed)),
        Bad("a control record without signature", control, "forged_control", SIGNATURE, ((HEADER, CONTENT_TYPE),)),
        Bad(
            "an origin of another key", as_json(now), "forged_origin", ORIGIN,
            (encode_origin(1, 2**40, as_json(now), WRONG_KEY), (HEADER, JSON)),
        ),
        Bad("an origin in words", as_json(now), "forged_origin", ORIGIN, ((ORIGIN, b"elsewhere"),)),
        Bad("a way out of a list, opening", crafted + b"],[" + crafted, "malformed"),
        Bad("a way out of a list, middle", b"[[" + crafted, "malformed"),
        Bad("a way out of a list, closing", crafted + b"]]", "malformed"),
        Bad("two objects", crafted + b"\n" + crafted, "malformed"),
    ]  # fmt: skip


def _compressed(asset: str, now: int) -> bytes:
    table = pa.table({"time": pa.array([now], pa.int64()), "bad": [1.0]}).replace_schema_metadata({"asset": asset})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
