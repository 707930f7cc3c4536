"""The comparison notices each kind of difference; no server takes part."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faults.compare import Verdict, compare_events, compare_points, compare_readings
from tests.faults.reference import Expected, canonical
from tests.faults.tap import Kept

TAGS = ("penang", "smt", "line1", "m1", "temp")


def event(phase: str, ordinal: int, **more: Any) -> dict[str, Any]:
    place = {"asset": "penang/smt/line1/m1", "series": "temp", "watch": "w", "episode_id": "e"}
    return {"event_id": f"{phase}{ordinal}", "phase": phase, "ordinal": ordinal, "detected": ordinal, **place, **more}


RIGHT = [event("opened", 0), event("escalated", 1), event("closed", 2)]


def faults_of(published: list[dict[str, Any]]) -> list[str]:
    verdict = Verdict()
    expected = Expected(events={e["event_id"]: canonical(e) for e in RIGHT}, maybe=Expected())
    kept = [(0, Kept(i, 0, None, json.dumps(e).encode(), [])) for i, e in enumerate(published)]
    compare_events(verdict, kept, expected)
    return verdict.faults


def test_equal_events_have_no_fault_and_repeats_are_allowed() -> None:
    assert faults_of(RIGHT) == []
    assert faults_of([*RIGHT, event("opened", 0, detected=99), *RIGHT[1:]]) == []


@pytest.mark.parametrize(
    ("published", "words"),
    [
        (RIGHT[:2], "missing"),
        ([*RIGHT, event("opened", 7, episode_id="f")], "should not be there"),
        ([*RIGHT[:2], event("closed", 2, score=1.0)], "another content"),
        ([*RIGHT, event("opened", 0, score=1.0)], "repeats that differ"),
        ([RIGHT[1], RIGHT[0], RIGHT[2]], "out of order"),
    ],
)
def test_each_difference_of_events_is_named(published: list[dict[str, Any]], words: str) -> None:
    assert any(words in fault for fault in faults_of(published))


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({}, "missing"),
        ({1: {"value": 2.0}, 2: {"value": 2.0}}, "should not be there"),
        ({1: {"value": 2.0000000000000004}}, "other fields"),
    ],
)
def test_each_difference_of_points_is_named(stored: dict[int, dict[str, float]], words: str) -> None:
    verdict = Verdict()
    compare_points(
        verdict,
        {"reading": {TAGS: stored}},
        Expected({}, [], {"reading": {TAGS: {1: {"value": 2.0}}}}, maybe=Expected()),
    )
    assert [words in fault for fault in verdict.faults] == [True]


def test_a_lost_reading_is_found_without_any_engine() -> None:
    verdict = Verdict()
    compare_readings(verdict, {"reading": {TAGS: {1: {}}}}, {("penang/smt/line1/m1", "temp"): {1, 2}})
    assert verdict.figures["lost readings"] == 1
    assert verdict.faults
