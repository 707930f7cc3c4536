"""What stands does not depend on how partitions are interleaved, nor on how often a record is read."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.anomaly import AnomalyEvent
from schemas.audit import Audit
from schemas.command import Target
from streams.board import standing as module
from streams.board.standing import Standing
from tests.unit.board.make import OVEN, SECOND, START, audit, event, muted, proposed

ASSETS = ("a/b/c/m1", "a/b/c/m2", "a/b/d/m1")


@st.composite
def logs(draw: st.DrawFn) -> list[list[AnomalyEvent]]:
    """A log for each asset: episodes one after the other, some of which are never closed."""
    made = []
    for asset in ASSETS:
        log: list[AnomalyEvent] = []
        for n in range(draw(st.integers(0, 3))):
            started, worse = START + n * 3600 * SECOND, draw(st.integers(0, 3))
            log += [
                event(i, "escalated" if i else "opened", asset, started=started, severity=200 + 100 * i)
                for i in range(worse + 1)
            ]
            if draw(st.booleans()):
                log.append(event(worse + 1, "closed", asset, started=started))
        made.append(log)
    return made


@given(logs(), st.randoms(use_true_random=False))
def test_episodes_are_the_same_however_partitions_are_interleaved_and_repeated(logs, chance) -> None:  # type: ignore[no-untyped-def]
    told = Standing()
    left = [list(log) for log in logs]
    while any(left):
        log = chance.choice([log for log in left if log])
        told.take_event(log.pop(0))
        if chance.random() < 0.3:  # a worker was killed: what it wrote last comes again
            again = [e for log, rest in zip(logs, left, strict=True) for e in log[: len(log) - len(rest)]]
            for repeat in sorted(again, key=lambda e: (e.asset, e.started, e.ordinal))[: chance.randrange(5)]:
                told.take_event(repeat)
    last = {
        key: list(events)[-1]
        for log in logs
        for key, events in groupby(log, key=lambda e: e.episode_id)
    }  # fmt: skip
    assert {e.last.episode_id: e.last for e in told.open()} == {k: e for k, e in last.items() if e.phase != "closed"}
    assert {e.last.episode_id: e.last for e in told.closed()} == {k: e for k, e in last.items() if e.phase == "closed"}
    for log in logs:
        for key, events in groupby(log, key=lambda e: e.episode_id):
            episode = told.episode(key)
            assert episode is not None
            assert list(episode.events) == list(events)


def test_the_worst_comes_first_and_of_equal_ones_the_newest() -> None:
    told = Standing()
    for severity, started in ((450, START), (900, START), (450, START + SECOND)):
        told.take_event(event(severity=severity, started=started, asset=f"a/{severity}/{started}"))
    assert [(e.last.severity, e.last.started - START) for e in told.open()] == [(900, 0), (450, SECOND), (450, 0)]


def test_a_long_course_keeps_its_beginning_and_its_end() -> None:
    told = Standing()
    for i in range(3 * module.EVENTS):
        told.take_event(event(i, "escalated" if i else "opened"))
    [episode] = told.open()
    assert [e.ordinal for e in episode.events] == [0, *range(2 * module.EVENTS + 1, 3 * module.EVENTS)]


def test_what_is_over_is_kept_within_bounds_and_a_repeat_of_it_does_not_open_it_again() -> None:
    told = Standing()
    for i in range(module.CLOSED + 5):
        told.take_event(event(0, started=START + i * SECOND))
        told.take_event(event(1, "closed", started=START + i * SECOND))
    assert (len(told.open()), module.CLOSED <= len(told.closed()) <= module._SLACK * module.CLOSED) == (0, True)
    told.take_event(event(0, started=START + 10 * SECOND))
    assert told.open() == []


def test_a_mute_stands_until_its_end_or_until_it_is_lifted_wherever_it_was_taken() -> None:
    told, until = Standing(), START + 7200 * SECOND
    for partition in range(3):
        told.take_audit(muted("penang/*", until, partition=partition, by="ann", reason="cleaning"))
    told.take_audit(muted(OVEN, START + 60 * SECOND, partition=1, offset=5, command_id="d"))
    told.take_audit(audit("mute", "refused", target=Target(asset="x"), detail={"until": until}, command_id="e"))
    assert [(m.asset, m.until) for m in told.mutes(START)] == [(OVEN, START + 60 * SECOND), ("penang/*", until)]
    assert [m.asset for m in told.mutes(START + 60 * SECOND)] == ["penang/*"]
    [mute] = told.mutes(START + 60 * SECOND)
    assert (mute.audit.by, mute.audit.reason) == ("ann", "cleaning")
    for partition in range(3):
        assert told.mutes(START + 60 * SECOND) != [], "until the last partition has lifted it"
        told.take_audit(muted("penang/*", 0, partition=partition, offset=9, command_id="f"))
    assert told.mutes(START + 60 * SECOND) == []


def test_a_later_mute_of_the_same_target_takes_the_place_of_the_earlier() -> None:
    told = Standing()
    told.take_audit(muted(OVEN, START + 7200 * SECOND))
    told.take_audit(muted(OVEN, START + 60 * SECOND, offset=1, command_id="d"))
    assert [m.until for m in told.mutes(START)] == [START + 60 * SECOND]


def test_a_proposal_waits_until_somebody_has_decided_or_it_is_withdrawn() -> None:
    told = Standing()
    told.take_audit(proposed("a", "p1"))
    told.take_audit(proposed("b", "p2", offset=1))
    told.take_audit(audit("approve", "refused", partition=3, offset=2, detail={"proposal": "p1"}))
    assert [row.detail["proposal"] for row in told.proposals()] == ["p1", "p2"]
    told.take_audit(audit("reject", offset=3, detail={"proposal": "p1"}))
    assert [row.detail["proposal"] for row in told.proposals()] == ["p2"]
    told.take_audit(audit("baseline", "withdrawn", offset=4, command_id=None, detail={"asset": "b"}))
    assert told.proposals() == []


def test_a_command_is_one_decision_on_however_many_partitions_it_was_decided() -> None:
    told = Standing()
    rows: list[Audit] = [
        audit("approve", "refused", partition=0, why="not here"),
        audit("approve", "accepted", partition=1, affected=1),
        audit("approve", "refused", partition=2, why="not here"),
    ]
    for row in (*rows, *rows):
        told.take_audit(row)
    told.take_audit(audit("mute", "refused", command_id="d", offset=7, received=START + SECOND, why="no"))
    newest, decided = told.decisions()
    assert (newest.row.why, newest.partitions) == ("no", 1)
    assert (decided.row.outcome, decided.partitions, decided.affected) == ("accepted", 3, 1)
    assert {p: row.outcome for p, row in told.answers("c").items()} == {0: "refused", 1: "accepted", 2: "refused"}


def test_decisions_are_kept_within_bounds_and_the_newest_are_kept_whichever_partition_is_read_first() -> None:
    told, many = Standing(), module.DECIDED
    newest = [audit(offset=i, command_id=f"n{i}", received=START + SECOND + i, kind="rebaseline") for i in range(50)]
    older = [
        audit(offset=i, partition=1, command_id=f"o{i}", received=START + i, kind="rebaseline") for i in range(2 * many)
    ]
    for row in (*newest, *older):
        told.take_audit(row)
    assert many <= len(told.decisions()) <= module._SLACK * many
    assert [each.row.command_id for each in told.decisions()[:50]] == [f"n{i}" for i in reversed(range(50))]


def test_of_what_is_over_the_newest_is_kept_whichever_partition_is_read_first() -> None:
    told = Standing()
    for i in range(50):
        told.take_event(event(0, "closed", asset="new", started=START + 10_000 * SECOND + i * SECOND), 1)
    for i in range(2 * module.CLOSED):
        told.take_event(event(0, "closed", asset="old", started=START + i * SECOND), 0)
    assert [e.last.asset for e in told.closed()[:50]] == ["new"] * 50
    told.take_event(event(0, asset="old", started=START), 0)
    assert told.open() == [], "what is no longer kept does not open again either"


def test_what_was_decided_stays_decided_when_partitions_were_added_and_are_read_the_other_way_round() -> None:
    told, until = Standing(), START + 7200 * SECOND
    told.take_audit(muted(OVEN, 0, partition=13, received=START + 60 * SECOND, command_id="end"))
    told.take_audit(muted(OVEN, until, partition=1, received=START))
    assert told.mutes(START) == []
    told.take_audit(audit("approve", partition=13, offset=1, detail={"proposal": "p1"}, received=START + SECOND))
    told.take_audit(proposed("a", "p1", partition=1))
    assert told.proposals() == []


def test_what_no_engine_knows_any_more_is_not_offered_again() -> None:
    told = Standing()
    told.take_event(event(), 4)
    told.take_audit(proposed("a", "p1", partition=4))
    episode = told.open()[0].last
    for partition in (3, 4):
        assert len(told.open()) == len(told.proposals()) == 1, "another partition's word is none on it"
        told.take_audit(
            audit("reject", "refused", partition=partition, command_id="e", received=episode.received + SECOND,
                  target=Target(episode=episode.episode_id), why="no episode with this id")
        )  # fmt: skip
        told.take_audit(audit("reject", "refused", partition, 1, command_id="p", detail={"proposal": "p1"}))
    assert told.open() == told.proposals() == []
    told.take_event(event(1, "escalated"), 4)
    assert len(told.open()) == 1, "it is told of again: it is there"


@pytest.mark.parametrize(
    "row",
    [
        audit("mute", target=Target(asset="a"), detail={}),
        audit("mute", target=Target(asset="a"), detail={"until": None}),
        audit("baseline", "proposed", detail={"asset": "a"}),
        audit("baseline", "proposed", detail={"asset": "a", "began": None, "per_period": "x", "step": "day"}),
    ],
)
def test_a_row_that_says_less_than_it_must_changes_nothing(row: Audit) -> None:
    told = Standing()
    with pytest.raises((KeyError, TypeError, ValueError)):
        told.take_audit(row)
    assert (told.mutes(0), told.proposals(), told.decisions()) == ([], [], [])
