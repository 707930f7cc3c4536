"""Cells: columns of numbers read at once, and keys whose memory cannot be seen in a chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import cells
from schemas.cells import KeyTable, column_of, number_keys, numbers
from schemas.chunk import Chunk, Record, SeriesKey
from schemas.decode import Decoder

START = 1_767_600_000_000_000_000
ANY = st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=3), st.just([1]))


def frame(asset: str, names: list[str], rows: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "asset": asset,
        "time": [START + i for i in range(rows)],
        "series": {n: [1.5] * rows for n in names},
        **more,
    }


def decode(decoder: Decoder, *messages: Any) -> Chunk:
    return decoder.decode([Record(i, 0, None, orjson.dumps(m)) for i, m in enumerate(messages)], 0)


def plainly(chunk: Chunk) -> list[Any]:
    readings = zip(
        chunk.message.tolist(), chunk.code.tolist(), chunk.time.tolist(), map(repr, chunk.value), strict=True
    )
    return [list(readings), list(chunk.keys), chunk.rejects, chunk.text, chunk.notes, chunk.quality.tolist()]


@given(st.lists(st.lists(st.one_of(st.floats(), st.integers(-(2**70), 2**70), st.booleans())), max_size=5))
def test_columns_of_numbers_are_read_to_the_bit(columns: list[list[float]]) -> None:
    found = numbers(columns)
    assert found is not None
    expected = np.array([float(x) for column in columns for x in column], dtype=np.float64)
    assert [repr(x) for x in found.tolist()] == [repr(x) for x in expected.tolist()]


@pytest.mark.parametrize("odd", ["1", "", None, [1], {}, b"1", 10**400])
def test_a_column_with_anything_else_is_left_to_the_slow_way(odd: Any) -> None:
    assert numbers([[1.0], [2, odd]]) is None


@given(st.lists(ANY, max_size=12))
def test_a_column_reads_as_its_cells_read_alone(values: list[Any]) -> None:
    whole, alone = column_of(list(values)), [column_of([value]) for value in values]
    assert [repr(x) for x in whole.value.tolist()] == [repr(one.value[0].item()) for one in alone]
    assert whole.text == {i: one.text[0] for i, one in enumerate(alone) if one.text}
    assert whole.faults == {i: one.faults[0] for i, one in enumerate(alone) if one.faults}
    nulls = [bool(one.null is not None and one.null[0]) for one in alone]
    assert (whole.null.tolist() if whole.null is not None else [False] * len(values)) == nulls


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), st.sampled_from([31, 1000]))
def test_keys_are_numbered_by_their_first_reading_however_many_there_are(codes: list[int], known: int) -> None:
    keys = [SeriesKey("a", f"s{i}", None) for i in range(known)]
    code, used = number_keys(np.array(codes, dtype=np.int32), keys)
    assert used == [keys[i] for i in dict.fromkeys(codes)]
    assert [used[c] for c in code.tolist()] == [keys[c] for c in codes]
    assert code.dtype == np.int32


def test_what_a_decoder_has_met_before_cannot_be_seen() -> None:
    chunks = [
        [frame("a", ["x", "y"]), frame("b", ["y", "x"])],
        [frame("b", ["x", "y"]), frame("a", ["x", "y"], unit={"x": "Cel"}), frame("a", ["x"])],
        [frame("a", ["x", "\x07"]), frame("/a", ["x", "y"]), frame("a", ["x", "y"], quality={"y": "bad"})],
        [frame("a", ["x", "y"]), {"asset": "a", "series": "x", "time": START, "value": 3}],
    ]
    old = Decoder()
    for messages in [*chunks, *reversed(chunks)]:
        assert plainly(decode(old, *messages)) == plainly(decode(Decoder(), *messages))


def test_a_sender_of_ever_new_names_does_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "_REMEMBERED", 160)
    table, decoder = KeyTable(), Decoder()
    decoder._keys = table
    for i in range(400):
        assert decode(decoder, frame(f"asset{i}", ["x", "y"])).readings == 4
        assert len(table) <= 160 + 2
        assert len(table.keys_made) <= 160 + 2
        assert len(table.layouts) <= 10 + 1
