"""The record of a rejection holds the bytes while they are few, then a hash and the head."""

from __future__ import annotations

import base64
import hashlib

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.chunk import Place, Record
from schemas.contract import contract
from schemas.rejected import HEAD_BYTES, MAX_VALUE_BYTES, Rejected, rejected_from

PLACE = Place(4, "bad_time", "time[3]", "gw-7", 2)


@pytest.mark.parametrize("size", [0, 1, MAX_VALUE_BYTES])
def test_a_short_value_is_kept_whole(size: int) -> None:
    made = rejected_from(PLACE, Record(7, 0, None, b"\xff" * size), "reading.v1", 3, 99)
    assert base64.b64decode(made.value_base64 or "") == b"\xff" * size
    assert made.sha256 is None
    assert (made.reason, made.place, made.source, made.cells, made.offset, made.size) == (
        "bad_time",
        "time[3]",
        "gw-7",
        2,
        7,
        size,
    )


def test_a_long_value_is_kept_as_hash_and_head() -> None:
    value = bytes(range(256)) * 257
    made = rejected_from(PLACE, Record(7, 0, None, value), "reading.v1", 3, 99)
    assert made.value_base64 is None
    assert made.sha256 == hashlib.sha256(value).hexdigest()
    assert base64.b64decode(made.head_base64 or "") == value[:HEAD_BYTES]


@pytest.mark.parametrize(
    "record", [None, Record(7, 0, None, None), Record(7, 0, None, b"{"), Record(7, 0, None, b"x" * 70000)]
)
def test_what_is_sent_fits_the_contract_and_comes_back(record: Record | None) -> None:
    made = rejected_from(PLACE._replace(source=None), record, "reading.v1", 3, 99)
    Draft202012Validator({**contract(), "$ref": "#/$defs/Rejected"}).validate(orjson.loads(made.to_bytes()))
    assert Rejected.model_validate_json(made.to_bytes()) == made
