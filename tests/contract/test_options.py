"""Options: a round trip through JSON, a schema that holds, and a refusal that names what is valid."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from detectors.base import Detector
from detectors.registry import REGISTRY, build
from schemas.errors import Misconfigured
from streams.site import parse_site
from tests.contract.cases import KNOWN, detectors


@detectors()
def test_options_survive_json(detector: Detector[Any]) -> None:
    assert build(json.loads(detector.model_dump_json()), KNOWN) == detector


@detectors()
def test_the_json_schema_is_one_and_takes_the_options(detector: Detector[Any]) -> None:
    schema = type(detector).model_json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    options = {name: value for name, value in detector.model_dump(mode="json").items() if value is not None}
    validator.validate(options)
    assert list(validator.iter_errors(options | {"no_such_option": 1}))
    assert all(field.get("description") for name, field in schema["properties"].items() if name != "kind")


@detectors()
def test_options_are_frozen(detector: Detector[Any]) -> None:
    with pytest.raises(ValueError, match="frozen"):
        detector.kind = "other"


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_an_unknown_option_is_refused_with_its_place_and_the_valid_names(kind: str) -> None:
    text = f'[[watch]]\nname = "w"\nseries = "*"\ndetector = {{ kind = "{kind}", no_such_option = 1 }}\n'
    with pytest.raises(Misconfigured) as told:
        parse_site(text, "site.toml")
    line = str(told.value)
    assert 'watch[0] ("w").detector' in line
    assert "no_such_option" in line
    assert all(name in line.partition("valid here")[2] for name in REGISTRY[kind].model_fields)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="limits") as told:
        build({"kind": "no_such_kind"})
    assert all(kind in str(told.value) for kind in REGISTRY)


@pytest.mark.parametrize("kind", sorted(KNOWN))
def test_a_kind_is_registered_under_its_own_name(kind: str) -> None:
    assert KNOWN[kind].model_fields["kind"].default == kind


@detectors()
def test_every_option_says_whether_it_resets_learning(detector: Detector[Any]) -> None:
    for name, field in type(detector).model_fields.items():
        if name != "kind":
            assert isinstance(field.json_schema_extra, dict), name
            assert "resets" in field.json_schema_extra, name
