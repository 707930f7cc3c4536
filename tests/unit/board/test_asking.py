"""What a person is told of a command is what became of it: never better, never worse."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.audit import Audit
from schemas.command import Target
from streams.board.asking import PATIENCE_S, Asked, Asking, Deed
from streams.settings import load_settings
from tests.unit.board.make import audit

MACHINE, MANY, EPISODE = Target(asset="a/b"), Target(asset="a/*"), Target(episode="e")


def answers(*said: tuple[str, int] | None) -> dict[int, Audit]:
    return {p: audit(outcome=one[0], affected=one[1], partition=p) for p, one in enumerate(said) if one is not None}


DONE, NONE, NO, AGAIN = ("accepted", 7), ("accepted", 0), ("refused", 0), ("repeated", 0)


@pytest.mark.parametrize(
    ("deed", "target", "said", "outcome"),
    [
        ("mute", MANY, (DONE, NONE, NONE), "done"),
        ("mute", MANY, (NONE, NONE, NONE), "nothing"),
        ("mute", MANY, (DONE, NO, NONE), "partly"),
        ("mute", MANY, (NO, NO, NO), "refused"),
        ("mute", MANY, (AGAIN, AGAIN, AGAIN), "done"),
        ("mute", MANY, (DONE, NONE, None), "unanswered"),
        ("unmute", MANY, (DONE, NO, NO), "done"),
        ("unmute", MANY, (NO, NO, NO), "refused"),
        ("rebaseline", MANY, (NO, DONE, NO), "done"),
        ("approve", EPISODE, (None, DONE, None), "done"),
        ("approve", EPISODE, (NO, NO, None), "unanswered"),
        ("reject", EPISODE, (NO, NO, NO), "refused"),
        ("reject", EPISODE, (None, None, None), "unanswered"),
    ],
)
def test_outcomes(deed: Deed, target: Target, said: tuple[Any, ...], outcome: str) -> None:
    asked = Asked(deed, target, None, 3, 0.0)
    assert asked.outcome(answers(*said), PATIENCE_S + 1) == outcome
    early = asked.outcome(answers(*said), PATIENCE_S - 1)
    assert early == ("waiting" if outcome == "unanswered" else outcome)


def test_what_another_board_asked_for_is_judged_by_the_same_rule() -> None:
    asking = Asking(load_settings(partitions=3))
    refused = audit("reject", "refused", target=EPISODE)
    known = asking.asked("c", {0: refused})
    assert known is not None
    assert known.outcome({0: refused}, 0.0) == "unanswered", "two partitions have not said anything"
    one = audit("rebaseline", target=MACHINE, affected=2)
    known = asking.asked("c", {2: one})
    assert known is not None
    assert (known.deed, known.outcome({2: one}, 0.0)) == ("rebaseline", "done")
    assert asking.asked("c", {}) is None
