"""Arrow messages, honest and hostile."""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.chunk import Chunk, Place, Record
from schemas.codecs import ARROW
from schemas.decode import Decoder
from tests.unit.schemas.messages import arrow

NS = 1_767_600_000_000_000_000


def stream(table: pa.Table, compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def decode(value: bytes) -> Chunk:
    return Decoder().decode([Record(0, 0, None, value, [("content-type", ARROW)])], 0)


def table(columns: dict[str, Any], **metadata: str) -> pa.Table:
    return pa.table(columns).replace_schema_metadata({"asset": "m", **metadata})


def reject_of(value: bytes) -> Place:
    (place,) = decode(value).rejects
    return place


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_any_unit_become_nanoseconds(unit: str) -> None:
    time = pa.array([NS // 10**9, NS // 10**9 + 1], pa.timestamp("s")).cast(pa.timestamp(unit))
    assert decode(stream(table({"time": time, "a": [1, 2]}))).time.tolist() == [NS, NS + 10**9]


def test_timestamps_beyond_the_range_cost_their_rows() -> None:
    time = pa.array([2**62, 1767600000, None], pa.timestamp("s"))
    chunk = decode(stream(table({"time": time, "a": [1, 2, 3]})))
    assert chunk.value.tolist() == [2]
    assert (chunk.rejects[0].reason, chunk.rejects[0].place) == ("bad_time", "time[0]; time[2]")


def test_metadata_names_asset_source_and_units() -> None:
    columns = {"time": [NS], "temp": [1.5], "quality.temp": ["bad"], "state": ["run"]}
    chunk = decode(stream(table(columns, **{"unit.temp": "Cel", "source": "gw", "pandas": "{}"})))
    assert [tuple(key) for key in chunk.keys] == [("m", "temp", "Cel"), ("m", "state", None)]
    assert chunk.quality.tolist() == [2, 0]
    assert chunk.text == {1: "run"}
    assert chunk.notes["unknown_fields"] == 1


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_compressed_bodies_are_refused_before_they_are_unpacked(compression: str) -> None:
    value = stream(table({"time": [NS] * 1000, "a": [0.0] * 1000}), compression)
    assert reject_of(value).reason == "unsupported_content_type"


def test_a_long_word_of_a_dictionary_is_not_copied_once_a_row() -> None:
    word = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int8()), pa.array(["x" * 1_000_000]))
    chunk = decode(stream(table({"time": [NS] * 100_000, "state": word})))
    assert chunk.readings == 100_000
    assert chunk.text[0] is chunk.text[99_999]


def test_more_cells_than_allowed_are_refused_before_they_are_read() -> None:
    columns = {"time": pa.nulls(600_000, pa.int64()), "a": pa.nulls(600_000)}
    assert reject_of(stream(table(columns))).reason == "too_large"


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"a": [1]}, "missing_field"),
        ({"time": [NS]}, "empty_frame"),
        ({"time": [1.5], "a": [1]}, "wrong_type"),
        ({"time": [NS], "a": [[1]]}, "wrong_type"),
        ({"time": [NS], "a": pa.array(["x"], pa.string_view())}, "wrong_type"),
        ({"time": [NS], "a": [b"x"]}, "wrong_type"),
        ({"time": [NS], "a\n": [1]}, "bad_name"),
    ],
)
def test_a_fault_of_structure_sets_the_message_aside(columns: dict[str, Any], reason: str) -> None:
    assert reject_of(stream(table(columns))).reason == reason


def test_columns_of_one_name_are_refused() -> None:
    twice = pa.Table.from_arrays([pa.array([NS]), pa.array([1]), pa.array([2])], names=["time", "a", "a"])
    assert reject_of(stream(twice.replace_schema_metadata({"asset": "m"}))).reason == "bad_name"


def test_offsets_that_point_outside_their_buffer_are_malformed() -> None:
    value = stream(table({"time": [NS, NS], "state": ["run", "idle"]}))
    offsets = struct.pack("<3i", 0, 3, 7)
    assert value.count(offsets) == 1
    assert reject_of(value.replace(offsets, struct.pack("<3i", 0, 3, 2**30))).reason == "malformed"


def test_without_pyarrow_the_text_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    value = stream(table({"time": [NS], "a": [1]}))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    place = reject_of(value)
    assert (place.reason, place.place) == ("unsupported_content_type", "install millstream[arrow]")


@given(arrow(), st.data())
@settings(max_examples=300)
def test_corrupted_streams_never_make_the_decoder_raise(value: bytes, data: st.DataObject) -> None:
    changed = bytearray(value)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    chunk = decode(bytes(changed[: data.draw(st.integers(0, len(changed)))]))
    assert chunk.messages == 1
