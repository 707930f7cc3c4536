"""Bytes to plain objects, by content type, within limits; whatever the bytes, nothing but Reject is raised."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from schemas.errors import Reject

HEADER = "content-type"
JSON = b"application/json"
MSGPACK = b"application/msgpack"
ARROW = b"application/vnd.apache.arrow.stream"

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
MAX_CELLS = 1_000_000
"""Of one message: rows times columns of a frame, samples of a waveform."""

_MSGPACK = msgspec.msgpack.Decoder()


def media_type(header: bytes | None) -> bytes:
    """Content type without parameters, in lower case; JSON where there is none.

    >>> media_type(b"Application/JSON; charset=utf-8"), media_type(None)
    (b'application/json', b'application/json')
    """
    return (header or JSON).partition(b";")[0].strip().lower()


def check_cells(count: int) -> None:
    """Raise Reject("too_large") for a message of more than MAX_CELLS cells."""
    if count > MAX_CELLS:
        raise Reject("too_large", "", f"expected at most {MAX_CELLS} cells a message, got {count}")


def loads_json(value: bytes) -> Any:
    """The object that JSON text holds. Raises Reject("malformed").

    >>> loads_json(b'{"value": 1e400}')
    {'value': inf}
    """
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        if "infinity" not in error.msg:
            raise Reject("malformed", f"byte {error.pos}", error.msg) from error
    except RecursionError as error:
        raise Reject("malformed", "", "nested too deeply") from error
    return _loads_beyond_float64(value)


def _loads_beyond_float64(value: bytes) -> Any:
    """JSON with a number beyond float64, read as infinite: it costs its cell, not its message."""
    try:
        found = json.loads(value.decode(), parse_int=_integer, parse_constant=_refuse)
        json.dumps(found, ensure_ascii=False).encode()  # lone surrogates are no text
    except (ValueError, RecursionError) as error:
        raise Reject("malformed", "", str(error)[:100]) from error
    return found


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= 20 else float(digits)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def loads_msgpack(value: bytes) -> Any:
    """The object that MessagePack bytes hold. Raises Reject("malformed")."""
    try:
        return _MSGPACK.decode(value)
    except (ValueError, RecursionError, OverflowError, TypeError) as error:  # DecodeError is a ValueError
        raise Reject("malformed", "", str(error)[:100]) from error


class Plain(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A single with no fields but the contract's and no faults of type: parsed twice as fast as into a dict."""

    asset: str
    series: str
    time: str | int
    value: float | bool | str | None
    unit: str | None = None
    quality: str | int | None = None
    seq: int | None = None
    source: str | None = None


_PLAIN = msgspec.json.Decoder(Plain)


def loads_all_json(values: Sequence[bytes]) -> list[Any]:
    """Of each of n values a Plain, else what `loads_json` gives, the Reject in the place of what is malformed.

    Each is parsed by itself. Joining them into one array is no faster (measured), and brackets alone do not keep
    crafted garbage apart: of `{"a":1}],[{"b":2}`, `[[3` and `4]]`, joined as `[[..]\\n,[..]\\n,[..]]`, three
    lists of one element come out.
    """
    out: list[Any] = []
    rest = iter(values)
    patience = 8 + len(values) // 16  # where singles are few, trying costs more than it saves
    while len(out) < len(values):
        try:
            if patience:
                out.extend(map(_PLAIN.decode, rest))  # what was read before an error stays
            else:
                out += map(_or_reject, rest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            patience -= 1
            out.append(_or_reject(values[len(out)]))
    return out


def _or_reject(value: bytes) -> Any:
    try:
        return loads_json(value)
    except Reject as reject:
        return reject
