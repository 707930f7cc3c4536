"""Who sent a message that is set aside after it was decoded: read again, as decoded readings do not carry it."""

from __future__ import annotations

from typing import Any

from schemas.chunk import Record
from schemas.codec_arrow import read_arrow
from schemas.codecs import ARROW, HEADER, MSGPACK, loads_json, loads_msgpack, media_type
from schemas.errors import Reject
from schemas.names import name_fault


def source_of(record: Record | None) -> str | None:
    """The `source` that a message names, None where it names none that may be used.

    >>> source_of(Record(0, 0, None, b'{"source": "gw-7"}'))
    'gw-7'
    """
    if record is None or not record.value:
        return None
    try:
        source = _fields(record, record.value).get("source")
    except Reject:
        return None
    return source if isinstance(source, str) and source and not name_fault(source) else None


def _fields(record: Record, value: bytes) -> dict[Any, Any]:
    kind = media_type(dict(record.headers).get(HEADER))
    if kind == ARROW:
        return dict(read_arrow(value).metadata)
    fields = loads_msgpack(value) if kind == MSGPACK else loads_json(value)
    return fields if isinstance(fields, dict) else {}
