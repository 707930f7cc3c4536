"""Manifests and notes: signed, readable by later versions, and exact in what they name."""

from __future__ import annotations

import pytest

from schemas.errors import Reject
from streams.state.faults import Fault
from streams.state.manifest import Manifest, Piece, from_record, key_of, parts_of, to_record

KEY = b"0123456789abcdef"
MANIFEST = Manifest(
    format=1, topic="m.reading.v1", partition=3, partitions=8, generation="g", next_offset=77, events_end=5, made=1,
    config="c", site_version=2, series=10, episodes=1,
    pieces=[Piece(offset=4, size=10, sha256="a"), Piece(offset=6, size=5, sha256="b")],
)  # fmt: skip


def test_a_manifest_comes_back_as_it_was() -> None:
    value, headers = to_record(MANIFEST, KEY)
    assert from_record(value, headers, KEY) == MANIFEST
    assert MANIFEST.size == 15


def test_a_field_of_a_later_version_is_no_obstacle() -> None:
    value = MANIFEST.model_dump_json()[:-1].encode() + b',"new":1}'
    _, headers = to_record(MANIFEST, KEY)
    with pytest.raises(Reject, match="forged_state"):
        from_record(value, headers, KEY)
    assert Manifest.model_validate_json(value) == MANIFEST


@pytest.mark.parametrize("headers", [[], [("millstream-signature", b"")], [("millstream-signature", b"00")]])
def test_a_manifest_without_our_signature_is_refused(headers: list[tuple[str, bytes]]) -> None:
    value, _ = to_record(MANIFEST, KEY)
    with pytest.raises(Reject, match="forged_state"):
        from_record(value, headers, KEY)


def test_its_keys_are_those_of_all_its_records() -> None:
    assert MANIFEST.keys() == [
        b"m.reading.v1/3/g/manifest", b"m.reading.v1/3/g/chunk/0000", b"m.reading.v1/3/g/chunk/0001",
    ]  # fmt: skip
    assert parts_of(key_of("t", 1, "g", "manifest")) == ("t", 1, "g", "manifest")
    assert parts_of(b"something/else") is None
    assert parts_of(None) is None


def test_the_second_failure_on_the_same_records_makes_them_suspects() -> None:
    once = Fault(first=10, last=100, times=1, error="a bug")
    assert not once.suspect
    twice = once.again(50, 60, "a bug")
    assert (twice.first, twice.last, twice.suspect) == (50, 60, True)


def test_a_failure_elsewhere_starts_to_count_anew() -> None:
    assert not Fault(first=10, last=20, times=1, error="a bug").again(20, 30, "another").suspect


def test_a_note_that_cannot_be_read_is_none() -> None:
    assert Fault.from_bytes(b"{") is None
    note = Fault(first=1, last=2, times=1, error="e")
    assert Fault.from_bytes(note.to_bytes()) == note
