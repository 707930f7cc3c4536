"""The decoder gives what its slow twin gives, however a log is cut into chunks."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.chunk import Record
from schemas.decode import Decoder
from tests.naive.decode import naive_decode, outcomes_of
from tests.unit.schemas.messages import CRAFTED, KEY, MAX_BYTES, PARTITION, dump_json, fields, json_values, mangled
from tests.unit.schemas.messages import records as some_records

DECODER = Decoder(KEY, max_bytes=MAX_BYTES * 10)


def same_as_twin(records: list[Record], decoder: Decoder = DECODER) -> None:
    chunk = decoder.decode(records, PARTITION)
    outcomes, notes = naive_decode(records, PARTITION, KEY, decoder.max_bytes)
    assert outcomes_of(chunk) == outcomes
    assert chunk.notes == notes


@given(some_records())
@settings(max_examples=300)
def test_any_mix_of_messages_is_decoded_as_by_the_twin(records: list[Record]) -> None:
    same_as_twin(records)


@given(some_records())
@settings(max_examples=50)
def test_a_message_above_the_limit_is_set_aside(records: list[Record]) -> None:
    same_as_twin(records, Decoder(KEY, max_bytes=100))


@given(st.lists(st.one_of(json_values, mangled(fields("single").map(dump_json))), min_size=1, max_size=30))
@settings(max_examples=300)
def test_mangled_json_is_read_as_by_the_standard_library(values: list[bytes]) -> None:
    same_as_twin([Record(i, 0, None, value) for i, value in enumerate(values)])


@given(some_records(), st.lists(st.integers(0, 12), max_size=3))
@settings(max_examples=150)
def test_cutting_a_log_into_chunks_cannot_be_seen(records: list[Record], cuts: list[int]) -> None:
    bounds = [0, *sorted(min(cut, len(records)) for cut in cuts), len(records)]
    parts = [DECODER.decode(records[a:b], PARTITION) for a, b in pairwise(bounds)]
    whole = DECODER.decode(records, PARTITION)
    assert [outcome for part in parts for outcome in outcomes_of(part)] == outcomes_of(whole)
    assert list(dict.fromkeys(key for part in parts for key in part.keys)) == list(whole.keys)
    assert whole.notes == {name: sum(part.notes[name] for part in parts) for name in whole.notes}


@given(st.lists(st.sampled_from([*CRAFTED[:6], None]), min_size=1, max_size=12))
def test_crafted_garbage_never_lends_its_content_to_another_message(values: list[bytes | None]) -> None:
    good = b'{"asset":"good","series":"temp","time":"2026-01-05T08:00:00Z","value":%d}'
    records = [Record(i, 0, None, good % i if value is None else value) for i, value in enumerate(values)]
    chunk = DECODER.decode(records, PARTITION)
    expected = [i for i, value in enumerate(values) if value is None]
    assert chunk.message.tolist() == expected
    assert chunk.value.tolist() == expected
    assert [place.message for place in chunk.rejects] == [i for i, value in enumerate(values) if value is not None]
    assert {key.asset for key in chunk.keys} <= {"good"}
