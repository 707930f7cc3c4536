"""An Arrow IPC stream as one frame, with every limit checked before pyarrow touches a buffer."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np

from schemas.cells import Column, refuse_infinite
from schemas.codecs import check_cells
from schemas.errors import Reject
from schemas.times import LEAST_NS, Times, usable


class ArrowFrame(NamedTuple):
    """One table of n rows: times, columns of values by series, quality values by series, and its metadata."""

    metadata: dict[str, str]
    time: Times | None  # (n,) each; None: no such column
    series: dict[str, Column]
    quality: dict[str, list[Any]]


def read_arrow(value: bytes) -> ArrowFrame:
    """Read a stream of record batches. Raises Reject: malformed, too_large, wrong_type, bad_name."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise Reject("unsupported_content_type", "", "install millstream[arrow]") from error
    try:
        metadata, table = _table(pa, value)
        return _frame(pa, metadata, table)
    except Reject:
        raise
    except Exception as error:  # pyarrow raises many kinds for hostile bytes, all of them about this message
        raise Reject("malformed", "", f"{type(error).__name__}: {error}"[:100]) from error


def _table(pa: Any, value: bytes) -> tuple[dict[str, str], Any]:
    buffer = pa.BufferReader(value)
    with pa.ipc.open_stream(buffer) as reader:
        schema = reader.schema
        _check_schema(pa, schema)
        rows = 0
        for message in pa.ipc.MessageReader.open_stream(pa.BufferReader(value)):
            if message.type in ("record batch", "dictionary"):
                rows += _length(message.metadata.to_pybytes(), message.type == "dictionary")
                check_cells(rows * len(schema.names))
        table = reader.read_all()
    table.validate(full=True)  # offsets and indices of hostile buffers may point anywhere
    found = {key.decode(): text.decode() for key, text in (schema.metadata or {}).items()}
    return found, table.combine_chunks()


def _check_schema(pa: Any, schema: Any) -> None:
    names = schema.names
    if len(set(names)) < len(names):
        raise Reject("bad_name", "schema", "expected distinct column names")
    is_ = pa.types
    for field in schema:
        kind = field.type
        text = is_.is_string(kind) or is_.is_large_string(kind)
        if is_.is_dictionary(kind):
            text = is_.is_string(kind.value_type)
        if field.name == "time":
            good = is_.is_timestamp(kind) or is_.is_int64(kind)
        elif field.name.startswith("quality."):
            good = text or is_.is_integer(kind) or is_.is_null(kind)
        else:
            good = text or is_.is_integer(kind) or is_.is_floating(kind) or is_.is_boolean(kind) or is_.is_null(kind)
        if not good:
            place = field.name if field.name == "time" else f"series.{field.name}"
            raise Reject("wrong_type", place, f"expected time, number, boolean or text, got {str(kind)[:40]}")


def _length(message: bytes, dictionary: bool) -> int:
    """Rows that a record batch or dictionary batch claims; its metadata is a flatbuffer (Arrow's Message.fbs).

    pyarrow reports neither rows nor compression before it has allocated what the message asks for.
    """

    def table_field(table: int, index: int) -> int:
        vtable = table - struct.unpack_from("<i", message, table)[0]
        size = struct.unpack_from("<H", message, vtable)[0]
        offset = struct.unpack_from("<H", message, vtable + 4 + 2 * index)[0] if 4 + 2 * index < size else 0
        return table + offset if offset else 0

    def child(position: int) -> int:
        return position + int(struct.unpack_from("<I", message, position)[0])

    header = child(table_field(child(0), 2))
    if dictionary:
        header = child(table_field(header, 1))
    if table_field(header, 3):
        raise Reject("unsupported_content_type", "body compression", "expected plain bodies: let Kafka compress")
    length = table_field(header, 0)
    rows = int(struct.unpack_from("<q", message, length)[0]) if length else 0
    if rows < 0:
        raise Reject("malformed", "length", "expected 0 or more rows")
    return rows


def _frame(pa: Any, metadata: dict[str, str], table: Any) -> ArrowFrame:
    time: Times | None = None
    series: dict[str, Column] = {}
    quality: dict[str, list[Any]] = {}
    for name, chunked in zip(table.schema.names, table.columns, strict=True):
        array = chunked.chunk(0) if chunked.num_chunks == 1 else pa.array([], chunked.type)
        if name == "time":
            time = _times(pa, array)
        elif name.startswith("quality."):
            quality[name[len("quality.") :]] = _texts(pa, array) if _is_text(pa, array) else array.to_pylist()
        else:
            series[name] = _column(pa, array)
    return ArrowFrame(metadata, time, series, quality)


def _times(pa: Any, array: Any) -> Times:
    kind = array.type
    step = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[kind.unit] if pa.types.is_timestamp(kind) else 1
    count = array.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    in_range = (count >= 0) & (count < 2**63 // step)
    ns = np.where(in_range, count, 0) * step
    # A timestamp says its unit, so a small one is not mistaken for nanoseconds.
    bad = ~(in_range & usable(np.maximum(ns, LEAST_NS) if pa.types.is_timestamp(kind) else ns))
    return np.where(bad, 0, ns), bad


def _is_text(pa: Any, array: Any) -> bool:
    is_ = pa.types
    return bool(is_.is_string(array.type) or is_.is_large_string(array.type) or is_.is_dictionary(array.type))


def _texts(pa: Any, array: Any) -> list[str | None]:
    if not pa.types.is_dictionary(array.type):
        found: list[str | None] = array.to_pylist()
        return found
    # Decoding a dictionary would copy a long word once a row; this shares it.
    words = array.dictionary.to_pylist()
    return [None if i is None else words[i] for i in array.indices.to_pylist()]


def _column(pa: Any, array: Any) -> Column:
    null = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    if _is_text(pa, array):
        texts = _texts(pa, array)
        null = np.array([text is None for text in texts], dtype=np.bool_)
        text = {i: word for i, word in enumerate(texts) if word is not None}
        return Column(np.full(len(array), np.nan), null, text, {})
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    value = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64, copy=True)
    if null is not None:
        value[null] = np.nan
    return Column(value, null, {}, refuse_infinite(value))
