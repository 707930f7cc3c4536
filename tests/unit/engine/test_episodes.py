"""Episodes open, escalate and close as their twin tells from the whole history."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.episodes import Change, Episodes, Step
from streams.severity import severity_of
from tests.naive.episodes import Told, tell

SCORES = st.sampled_from([0.0, 0.5, 0.79, 0.8, 0.95, 1.0, 1.5, 2.0, 3.9, 4.0, 9.0, 1e6, math.nan])
HISTORY = st.lists(st.tuples(st.integers(1, 20), SCORES, st.booleans()), max_size=60)


def history_of(drawn: list[tuple[int, float, bool]]) -> list[tuple[int, float, bool]]:
    out, time = [], 0
    for gap, score, alarm in drawn:
        time += gap
        out.append((time, score, alarm and score >= 1.0))
    return out


def told(change: Change) -> Told:
    e = change.episode
    return Told(change.phase, change.step.time, e.started, e.ordinal, e.severity, e.peak)


@given(drawn=HISTORY, off_delay=st.sampled_from([0, 1, 15, 60]), fixed=st.sampled_from([None, 700]), cut=st.integers(0))
@settings(max_examples=200)
def test_changes_are_those_of_the_twin_also_across_a_restart(
    drawn: list[tuple[int, float, bool]], off_delay: int, fixed: int | None, cut: int
) -> None:
    history = history_of(drawn)
    cut = cut % (len(history) + 1)
    steps = [Step(7, *one, i) for i, one in enumerate(history)]
    episodes = Episodes(off_delay, fixed)
    found = [told(c) for c in episodes.apply(steps[:cut], lambda row, time: f"{row}-{time}")]
    restored = Episodes(off_delay, fixed)
    restored.restore(episodes.snapshot())
    found += [told(c) for c in restored.apply(steps[cut:], lambda row, time: f"{row}-{time}")]
    assert found == tell(history, off_delay, fixed)


def test_rows_do_not_meet() -> None:
    episodes = Episodes(0, None)
    steps = [Step(0, 1, 2.0, True, 0), Step(1, 2, 0.0, False, 1), Step(0, 3, 0.0, False, 2)]
    assert [(c.phase, c.step.row) for c in episodes.apply(steps, lambda row, time: "")] == [
        ("opened", 0),
        ("closed", 0),
    ]


def test_only_rows_with_an_episode_or_an_alarm_are_looked_at() -> None:
    episodes = Episodes(0, None)
    rows, alarm = np.array([3, 4, 3, 5]), np.array([False, True, False, False])
    assert episodes.relevant(rows, alarm).tolist() == [1]
    list(episodes.apply([Step(3, 0, 2.0, True, 0)], lambda row, time: ""))
    assert episodes.relevant(rows, alarm).tolist() == [0, 1, 2]
    assert episodes.relevant(rows, alarm & False).tolist() == [0, 2]


@pytest.mark.parametrize("score", [0.1, 1.0, 1.99, 2.0, 3.99, 4.0, 8.0, 1e6])
def test_severity_doubles_a_band(score: float) -> None:
    assert 1 <= severity_of(score) <= 1000
    assert severity_of(2 * score) == min(1000, severity_of(max(score, 0.5)) + 200) or score < 0.5
