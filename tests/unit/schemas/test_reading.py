"""The published models and the decoder agree on what a good message is."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from schemas.chunk import Record
from schemas.contract import PATH, contract, text
from schemas.decode import Decoder
from schemas.reading import Frame, Single, WaveformMessage
from tests.unit.schemas.messages import dump_json, fields

MODELS: dict[str, type[BaseModel]] = {"single": Single, "frame": Frame, "waveform": WaveformMessage}


def valid(kind: str, made: Any) -> bool:
    try:
        MODELS[kind].model_validate(made)
    except ValidationError:
        return False
    return True


def agree(kind: str, value: bytes) -> tuple[bool, bool]:
    """Whether the decoder uses all of a message, and whether the model takes it."""
    chunk = Decoder().decode([Record(0, 0, None, value)], 0)
    made = orjson.loads(value) if b"1e999" not in value and b"NaN" not in value else None
    return not chunk.rejects, made is not None and valid(kind, made)


@given(
    fields("single").map(lambda made: {k: v for k, v in made.items() if k not in ("rate_hz", "values")}).map(dump_json)
)
@settings(max_examples=300)
def test_a_single_is_used_exactly_when_its_model_takes_it(value: bytes) -> None:
    made = orjson.loads(value) if b"1e999" not in value and b"NaN" not in value else {}
    if isinstance(made.get("series"), dict):
        return
    used, taken = agree("single", value)
    assert used == taken


@pytest.mark.parametrize("kind", ["frame", "waveform"])
def test_what_a_model_takes_is_used_whole(kind: str) -> None:
    seen = set()

    @given(fields(kind).map(dump_json))
    @settings(max_examples=200)
    def check(value: bytes) -> None:
        used, taken = agree(kind, value)
        assert used or not taken
        seen.add(taken)

    check()
    assert seen == {True, False}


def test_the_contract_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(contract())


def test_the_committed_contract_is_the_one_the_models_give() -> None:
    assert PATH.read_bytes() == text(), "run python -m schemas.contract"


@pytest.mark.parametrize(
    ("name", "document", "good"),
    [
        ("Single", {"asset": "s/m", "series": "t", "time": "2026-01-05T08:00:00Z", "value": None}, True),
        ("Single", {"asset": "s//m", "series": "t", "time": "2026-01-05T08:00:00Z", "value": 1}, False),
        ("Single", {"asset": "s/m", "series": "t", "time": 1767600000, "value": 1}, False),
        ("Single", {"asset": "s/m", "series": "t", "time": 0, "value": 1, "quality": "Good", "new": 1}, True),
        ("Frame", {"asset": "m", "time": [0], "series": {"a": [None], "b": ["run"]}, "unit": {"a": "Cel"}}, True),
        ("Frame", {"asset": "m", "time": [], "series": {"a": []}}, False),
        ("WaveformMessage", {"asset": "m", "series": "a", "time": 0, "rate_hz": 1, "values": [1.5]}, True),
        ("WaveformMessage", {"asset": "m", "series": "a", "time": 0, "rate_hz": 0, "values": [1.5]}, False),
    ],
)
def test_a_document_is_judged_by_the_contract_alone(name: str, document: dict[str, Any], good: bool) -> None:
    schema = {**contract(), "$ref": f"#/$defs/{name}"}
    assert Draft202012Validator(schema).is_valid(document) == good
