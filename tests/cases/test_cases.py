"""Every case folder, through the scorer and its engine: the alarms at the times expected, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.registry import REGISTRY
from schemas.times import format_times, parse_times
from streams.files.options import FileOptions
from streams.files.read import read
from streams.resolve import resolve
from streams.score import Scorer
from streams.site import Site

ROOT = Path(__file__).parent
CASES = sorted(folder.parent for folder in ROOT.glob("*/*/expected.json"))


def alarms(folder: Path, expected: dict[str, Any]) -> list[str]:
    """Times at which episodes open."""
    watch = {"name": "case", "detector": expected["detector"], "off_delay": "10s"}
    watch |= expected.get("watch", {"series": "*/x"})
    scorer = Scorer(resolve(Site.model_validate({"watch": [watch]})), partitions=1)
    found = []
    for block in read([next(folder.glob("input.*"))], FileOptions(asset="machine")):
        for scored in scorer.feed(block):
            found += [event.time for event in scored.results.events if event.phase == "opened"]
    return format_times(np.array(found, dtype=np.int64))


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_the_case_alarms_when_it_should_and_only_then(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    assert expected["detector"]["kind"] == folder.parent.name
    given, bad = parse_times(expected["alarms"])
    assert not bad.any()
    assert alarms(folder, expected) == format_times(given), (folder / "why.txt").read_text()


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_every_detector_has_a_case_that_alarms_and_two_that_stay_silent(kind: str) -> None:
    told = [json.loads((c / "expected.json").read_text())["alarms"] for c in CASES if c.parent.name == kind]
    assert sum(bool(a) for a in told) >= 1
    assert sum(not a for a in told) >= 2


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_the_case_says_why_in_one_line(folder: Path) -> None:
    lines = (folder / "why.txt").read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(".")
