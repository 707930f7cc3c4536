"""What is encoded is decoded to the same readings, in every content type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.chunk import Chunk, Record
from schemas.codecs import ARROW, JSON, MSGPACK
from schemas.decode import Decoder
from schemas.encode import Message, encode_frame, encode_single, encode_waveform
from schemas.errors import Misconfigured

NS = 1_767_600_000_123_456_789
TYPES = [JSON, MSGPACK, ARROW]


def decode(message: Message) -> Chunk:
    value, headers = message
    chunk = Decoder().decode([Record(0, 0, None, value, headers)], 0)
    assert not chunk.rejects
    return chunk


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize(("value", "number", "text"), [(21.5, 21.5, None), (True, 1.0, None), ("run", None, "run")])
def test_a_single_comes_back(content_type: bytes, value: Any, number: float | None, text: str | None) -> None:
    chunk = decode(
        encode_single("s/m", "t", NS, value, unit="Cel", quality="bad", seq=1, source="g", content_type=content_type)
    )
    assert chunk.time.tolist() == [NS]
    assert tuple(chunk.keys[0]) == ("s/m", "t", "Cel")
    assert chunk.quality.tolist() == [2]
    assert chunk.text.get(0) == text
    assert number is None or chunk.value.tolist() == [number]
    assert chunk.notes == {"unknown_fields": 0, "nan_cells": 0}


@pytest.mark.parametrize("content_type", TYPES)
def test_a_frame_comes_back_from_lists_and_arrays(content_type: bytes) -> None:
    series: dict[str, Any] = {"a": np.array([1.5, 2.5]), "b": [None, 3], "state": ["run", None], "on": [True, 2]}
    time = np.array([NS, NS + 1], dtype=np.int64)
    quality: dict[str, Any] = {"a": ["good", "uncertain"], "on": "bad"}
    chunk = decode(encode_frame("s/m", time, series, unit={"a": "K"}, quality=quality, content_type=content_type))
    assert chunk.time.tolist() == [NS, NS, NS, NS + 1, NS + 1, NS + 1]
    assert [chunk.keys[code].series for code in chunk.code] == ["a", "state", "on", "a", "b", "on"]
    assert chunk.text == {1: "run"}
    assert chunk.value[[0, 2, 3, 4, 5]].tolist() == [1.5, 1.0, 2.5, 3.0, 2.0]
    assert chunk.quality.tolist() == [0, 0, 2, 1, 0, 2]
    assert chunk.keys[chunk.code[0]].unit == "K"


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
def test_a_waveform_comes_back(content_type: bytes) -> None:
    made = encode_waveform(
        "m", "accel", NS, 48000, np.array([0.5, -1]), unit="m/s2", speed_rpm=1796, content_type=content_type
    )
    (wave,) = decode(made).waveforms
    assert (wave.time, wave.rate_hz, wave.values.tolist(), wave.speed_rpm) == (NS, 48000.0, [0.5, -1.0], 1796.0)


def test_a_waveform_in_arrow_is_refused() -> None:
    with pytest.raises(Misconfigured, match="application/msgpack"):
        encode_waveform("m", "accel", NS, 1, [0.5], content_type=ARROW)
