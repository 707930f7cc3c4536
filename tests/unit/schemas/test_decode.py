"""What single messages become: examples, one for each rule of the contract."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import control
from schemas.chunk import BAD, CONTROL, GOOD, READING, REJECTED, UNCERTAIN, Chunk, Record, SeriesKey
from schemas.codecs import ARROW, JSON, MAX_CELLS, MSGPACK
from schemas.decode import Decoder

KEY = b"control"
TIME = "2026-01-05T08:00:00Z"
NS = 1_767_600_000_000_000_000
SINGLE: dict[str, Any] = {"asset": "s/l/m", "series": "temp", "time": TIME, "value": 1.5}
FRAME: dict[str, Any] = {"asset": "s/l/m", "time": [TIME, NS + 1], "series": {"a": [1, 2], "b": ["run", None]}}


def decode(*values: Any, headers: list[tuple[str, bytes]] | None = None, dumps: Any = orjson.dumps) -> Chunk:
    made = [value if isinstance(value, bytes) else dumps(value) for value in values]
    return Decoder(KEY).decode([Record(i, i, None, value, headers or []) for i, value in enumerate(made)], 3)


def test_no_records_make_an_empty_chunk() -> None:
    chunk = decode()
    assert (chunk.messages, chunk.readings, list(chunk.rejects)) == (0, 0, [])


def test_a_chunk_keeps_offsets_and_timestamps() -> None:
    chunk = Decoder().decode([Record(7, 70, None, b"{"), Record(9, 90, b"k", orjson.dumps(SINGLE))], 0)
    assert chunk.offset.tolist() == [7, 9]
    assert chunk.received.tolist() == [70, 90]
    assert chunk.kind.tolist() == [REJECTED, READING]
    assert chunk.asset == [None, "s/l/m"]


def test_readings_of_a_frame_come_row_by_row_without_absent_cells() -> None:
    chunk = decode(FRAME)
    assert [chunk.keys[code].series for code in chunk.code] == ["a", "b", "a"]
    assert chunk.time.tolist() == [NS, NS, NS + 1]
    assert chunk.text == {1: "run"}
    assert math.isnan(chunk.value[1])


def test_frames_of_several_sizes_between_singles_stay_in_the_order_of_messages() -> None:
    one_row = FRAME | {"time": [NS], "series": {"a": [5]}}
    chunk = decode(FRAME, SINGLE, one_row, FRAME, SINGLE | {"new": 1}, one_row)
    assert chunk.message.tolist() == [0, 0, 0, 1, 2, 3, 3, 3, 4, 5]
    assert [chunk.keys[code].series for code in chunk.code] == ["a", "b", "a", "temp", "a", "a", "b", "a", "temp", "a"]
    assert chunk.text == {1: "run", 6: "run"}


def test_a_null_single_is_a_reading_of_bad_quality() -> None:
    chunk = decode(SINGLE | {"value": None, "quality": "good"})
    assert chunk.quality.tolist() == [BAD]
    assert chunk.notes["nan_cells"] == 0


def test_nan_is_a_reading_of_bad_quality_and_counted() -> None:
    frame = FRAME | {"series": {"a": [math.nan, 2.0]}}
    chunk = decode(
        SINGLE | {"value": math.nan}, frame, headers=[("content-type", MSGPACK)], dumps=msgspec.msgpack.encode
    )
    assert chunk.quality.tolist() == [BAD, BAD, GOOD]
    assert chunk.notes["nan_cells"] == 2


@pytest.mark.parametrize(
    ("quality", "code"),
    [("good", GOOD), ("UNCERTAIN", UNCERTAIN), ("Bad", BAD), (0x40A40000, UNCERTAIN), (0x80000000, BAD), (None, GOOD)],
)
def test_quality_is_a_word_or_a_status_code(quality: Any, code: int) -> None:
    frame = FRAME | {"series": {"a": [1, 2]}, "quality": {"a": [quality, None]}}
    assert decode(SINGLE | {"quality": quality}, frame).quality.tolist() == [code, code, GOOD]


def test_the_unit_is_part_of_a_series_key() -> None:
    chunk = decode(SINGLE | {"unit": "Cel"}, SINGLE, SINGLE | {"unit": ""})
    assert list(chunk.keys) == [SeriesKey("s/l/m", "temp", "Cel"), SeriesKey("s/l/m", "temp", None)]
    assert chunk.code.tolist() == [0, 1, 1]


def test_a_cell_that_cannot_be_used_costs_only_itself() -> None:
    frame = {
        "asset": "m",
        "source": "gw",
        "time": [TIME, "noon", TIME],
        "series": {"a": [1, 2, {}], "b": [4, None, 6]},
        "quality": {"b": ["fine", "fine", "good"]},
    }
    chunk = decode(frame)
    assert chunk.value.tolist() == [1, 6]
    assert [tuple(place) for place in chunk.rejects] == [
        (0, "bad_quality", "quality.b[0]; time[1]; series.a[2]", "gw", 3)
    ]
    assert chunk.kind.tolist() == [READING]


def test_a_number_beyond_float64_costs_its_cell() -> None:
    chunk = decode(b'{"asset":"m","time":["%s"],"series":{"a":[1e400],"b":[2]}}' % TIME.encode())
    assert chunk.value.tolist() == [2]
    assert [(place.reason, place.place) for place in chunk.rejects] == [("not_finite", "series.a[0]")]


def test_at_most_sixteen_places_are_told_and_all_cells_counted() -> None:
    chunk = decode({"asset": "m", "time": [TIME] * 50, "series": {"a": [[]] * 50}})
    assert chunk.rejects[0].cells == 50
    assert chunk.rejects[0].place.count(";") == 15


def test_an_integer_time_in_seconds_is_told_that_nanoseconds_are_expected() -> None:
    place = decode(SINGLE | {"time": 1767600000, "source": "gw-7"}).rejects[0]
    assert (place.reason, place.source) == ("bad_time", "gw-7")
    assert "nanoseconds" in place.place


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({}, "missing_field"),
        ([SINGLE], "wrong_type"),
        (SINGLE | {"asset": "/m"}, "bad_name"),
        (SINGLE | {"series": "a\u0000"}, "bad_name"),
        (SINGLE | {"unit": 5}, "wrong_type"),
        (SINGLE | {"source": "x" * 256}, "bad_name"),
        (FRAME | {"series": {"a": [1]}}, "unequal_columns"),
        (FRAME | {"series": {"a": 1}}, "wrong_type"),
        (FRAME | {"series": {}}, "empty_frame"),
        (FRAME | {"time": TIME}, "wrong_type"),
        (FRAME | {"quality": {"a": ["good"]}}, "unequal_columns"),
        (FRAME | {"unit": "Cel"}, "wrong_type"),
        (SINGLE | {"rate_hz": 0, "values": [1]}, "bad_rate"),
        (SINGLE | {"rate_hz": 1, "values": []}, "empty_waveform"),
        (SINGLE | {"rate_hz": 1, "values": [1, None]}, "wrong_type"),
    ],
)
def test_a_fault_of_structure_sets_the_message_aside(message: Any, reason: str) -> None:
    chunk = decode(message, SINGLE)
    assert [(place.message, place.reason, place.cells) for place in chunk.rejects] == [(0, reason, 0)]
    assert chunk.message.tolist() == [1]


def test_a_waveform_is_a_block_of_samples() -> None:
    made = {"asset": "m", "series": "accel", "time": TIME, "rate_hz": 48000, "values": [1, -2.5], "speed_rpm": 1796}
    (wave,) = decode(made).waveforms
    assert (wave.rate_hz, wave.values.tolist(), wave.speed_rpm, wave.time) == (48000.0, [1.0, -2.5], 1796.0, NS)


def test_a_single_with_a_field_named_rate_hz_is_still_a_single() -> None:
    assert decode(SINGLE | {"rate_hz": 1}).notes["unknown_fields"] == 1


def test_a_message_of_too_many_cells_is_set_aside() -> None:
    columns = {f"s{i}": [1] * 1001 for i in range(1000)}
    place = decode({"asset": "m", "time": [NS] * 1001, "series": columns}).rejects[0]
    assert place.reason == "too_large"
    assert str(MAX_CELLS) in place.place


def test_control_records_are_verified() -> None:
    value, headers = control.encode(control.Control(kind="tick", partition=3), KEY)
    forged = control.encode(control.Control(kind="tick", partition=3), b"other")[1]
    null: Any = [headers[0], (control.SIGNATURE, None)]
    records = [Record(i, 0, None, value, h) for i, h in enumerate([headers, forged, headers[:1], null])]
    chunk = Decoder(KEY).decode(records, 3)
    assert chunk.kind.tolist() == [CONTROL, REJECTED, REJECTED, REJECTED]
    assert [message for message, _ in chunk.controls] == [0]
    assert {place.reason for place in chunk.rejects} == {"forged_control"}
    assert Decoder(KEY).decode(records[:1], 4).rejects[0].reason == "forged_control"
    assert Decoder().decode(records[:1], 3).rejects[0].reason == "forged_control"


def test_a_reading_cannot_pass_as_control_nor_the_reverse() -> None:
    value, headers = control.encode(control.Control(kind="tick", partition=3), KEY)
    as_reading = [("content-type", JSON), headers[1]]
    assert Decoder(KEY).decode([Record(0, 0, None, value, as_reading)], 3).rejects[0].reason == "missing_field"


def test_a_forwarded_reading_keeps_its_signed_origin() -> None:
    value = orjson.dumps(SINGLE)
    good, forged = control.encode_origin(1, 77, value, KEY), control.encode_origin(1, 77, value + b" ", KEY)
    chunk = Decoder(KEY).decode([Record(0, 0, None, value, [good]), Record(1, 0, None, value, [forged])], 3)
    assert {message: tuple(origin) for message, origin in chunk.origin.items()} == {0: (1, 77)}
    assert [(place.message, place.reason) for place in chunk.rejects] == [(1, "forged_origin")]


@pytest.mark.parametrize(
    ("value", "kind", "reason"),
    [
        (None, None, "empty"),
        (b"", MSGPACK, "empty"),
        (b"\xff", None, "malformed"),
        (b"{}", b"text/csv", "unknown_content_type"),
        (b"[" * 100_000, None, "malformed"),
        (b"\x91" * 100_000, MSGPACK, "malformed"),
        (b'{"a":' * 50_000, None, "malformed"),
        (b"\xdd\xff\xff\xff\xff", MSGPACK, "malformed"),
        (b"1e400" + b"[" * 50_000, None, "malformed"),
        (b"[" * 2_000 + b"1e400" + b"]" * 2_000, None, "malformed"),
        (b" " * (8 * 2**20 + 1), None, "too_large"),
        (b"\xff\xff\xff\xff", ARROW, "malformed"),
    ],
)
def test_bytes_that_hold_no_message_are_set_aside(value: bytes | None, kind: bytes | None, reason: str) -> None:
    headers = [] if kind is None else [("content-type", kind)]
    chunk = Decoder().decode([Record(0, 0, None, value, headers)], 0)
    assert [place.reason for place in chunk.rejects] == [reason]
    assert chunk.kind.tolist() == [REJECTED]


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.binary(max_size=60)),
            st.lists(
                st.tuples(
                    st.sampled_from(["content-type", control.ORIGIN, control.SIGNATURE, "other"]),
                    st.one_of(st.binary(max_size=20), st.sampled_from([JSON, MSGPACK, ARROW, control.CONTENT_TYPE])),
                ),
                max_size=3,
            ),
        ),
        max_size=8,
    )
)
@settings(max_examples=200)
def test_nothing_in_a_record_makes_the_decoder_raise(made: list[tuple[bytes | None, list[tuple[str, bytes]]]]) -> None:
    chunk = Decoder(KEY).decode([Record(i, 0, None, value, headers) for i, (value, headers) in enumerate(made)], 0)
    assert chunk.messages == len(made)
