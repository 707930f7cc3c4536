"""Commands in the log: what each does, what is refused and why, and that each is carried out once."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.durations import SECOND
from schemas.audit import audit_id_of
from schemas.chunk import Record
from schemas.control import Control
from streams import commands
from streams import configure as configuring
from streams.command_agent import verify
from streams.command_client import configure_command
from streams.configure import configure_records
from streams.engine import Engine
from streams.resolve import resolve, to_payload
from streams.site import Site
from tests.unit.engine.logs import (
    PARTITION,
    PARTITIONS,
    START,
    Tape,
    command,
    configure,
    decoded,
    engine,
    play,
    renumbered,
    signed,
    site,
    tick,
)
from tests.unit.engine.test_mutes import (
    GAP,
    LEVEL,
    LIMITS,
    M1,
    M2,
    SPREAD,
    both,
    outcomes,
    reading,
    run,
    told,
    watching,
    wave,
)
from tests.unit.engine.test_outcomes import of_json, single

STEADY = [float(t % 3) for t in range(12)]


def give(at_s: float, kind: str, name: str = "", **target: str) -> Record:
    return command(START + int(at_s * SECOND), kind, name or f"{kind} at {at_s}", **target)


def id_of(tape: Tape, place: int = -1) -> str:
    return str(tape.events[place]["episode_id"])


def steady(asset: str = M1, first: int = 0, series: str = "x") -> list[Record]:
    return [reading(first + t, value, asset, series) for t, value in enumerate(STEADY)]


def by_clock(*groups: list[Record]) -> list[Record]:
    return sorted((r for group in groups for r in group), key=lambda r: r.timestamp)


# --- rebaseline


def test_a_rebaseline_forgets_what_was_learned_and_closes_what_is_open() -> None:
    records = by_clock(steady(), steady(M2), [reading(12, 500.0), reading(12, 500.0, M2)])
    again = [reading(13 + t, value) for t, value in enumerate(STEADY)]
    tape = run([*records, give(12.5, "rebaseline", asset=M1), *again, reading(13, 1.0, M2)], LEVEL)
    assert [(e["asset"], *t[1:]) for e, t in zip(tape.events, told(tape), strict=True)] == [
        (M1, "opened", 12.0, None),
        (M2, "opened", 12.0, None),
        (M1, "closed", 12.5, "rebaselined"),
        (M2, "closed", 13.0, "recovered"),
    ]
    assert tape.counts["warming"] == 5 + 5 + 5  # each once, and the first once more
    fresh = run(again, LEVEL)
    scores = [v[5] for v in tape.verdicts if v[1].path == M1 and v[3] >= START + 13 * SECOND]
    assert scores == [v[5] for v in fresh.verdicts]
    audit = tape.audits[0]
    assert (audit["outcome"], audit["affected"], audit["received"]) == ("accepted", 1, START + int(12.5 * SECOND))
    assert set(tape.events[2]["message"]) == {"en", "ms", "zh-TW"}
    assert "learns anew" in tape.events[2]["message"]["en"]


def test_a_rebaseline_takes_every_mode_and_leaves_what_the_site_declares() -> None:
    limits = {"name": "limits", "series": "*", "off_delay": "0s", "detector": {"kind": "limits"}}
    by = {**LEVEL, "by": "state"}
    records = []
    for t in range(0, 40, 2):
        mode = "run" if t // 4 % 2 else "idle"
        records += [reading(t, mode, series="state"), reading(t + 1, 1.0 + t % 3, series="a")]
    records += [
        give(41, "rebaseline", asset="*/m1", series="a"),
        reading(42, 25.0, series="a"),
        reading(43, 1.0, series="a"),
    ]
    tape = run(records, limits, by)
    assert tape.audits[0]["affected"] == 3  # the limits' row, and one for each mode
    assert told(tape) == [("limits", "opened", 42.0, None), ("limits", "closed", 43.0, "recovered")]  # high = 20
    assert [v[5] for v in tape.verdicts if v[2].name == "level"][-1] == "nan"


def test_a_rebaseline_of_silence_waits_for_the_next_reading() -> None:
    learned = {**GAP, "detector": {"kind": "gap", "at_least": "1s", "factor": 3}}
    records = [
        *[reading(t) for t in range(8)],
        give(8, "rebaseline", asset=M1, watch="gap"),
        tick(0, START + 60 * SECOND),
    ]
    assert told(run(records, learned)) == []
    assert told(run([*records, *[reading(t) for t in range(61, 67)], tick(0, START + 90 * SECOND)], learned)) == [
        ("gap", "opened", 69.0, None)
    ]


def test_a_rebaseline_takes_joint_rows_and_waveforms() -> None:
    rms = {"name": "rms", "series": "*", "off_delay": "0s", "detector": {"kind": "rms", "limit": 3}}
    records = [r for t in range(4) for r in both(t, 1.0, 9.0)]
    records += [
        wave(3, 9),
        give(4, "rebaseline", asset="*", watch="[rs]*"),
        *[r for t in (5, 6) for r in both(t, 1.0, 9.0)],
    ]
    tape = run([*records, tick(0, START + 30 * SECOND)], SPREAD, rms)
    assert tape.audits[0]["affected"] == 2
    assert told(tape) == [
        ("spread", "opened", 1.0, None),
        ("rms", "opened", 3.0, None),
        ("spread", "closed", 4.0, "rebaselined"),
        ("rms", "closed", 4.0, "rebaselined"),
        ("spread", "opened", 6.0, None),  # the instant of 5 s warms it up
    ]


@pytest.mark.parametrize(
    "target", [{"asset": "plant/*/m9"}, {"asset": M1, "series": "y"}, {"asset": M1, "watch": "none"}]
)
def test_a_rebaseline_of_nothing_is_refused(target: dict[str, str]) -> None:
    audit = run([*steady(), give(20, "rebaseline", **target)], LEVEL).audits[0]
    assert (audit["outcome"], audit["affected"]) == ("refused", 0)
    assert "nothing on this partition has learned of asset" in audit["why"]


# --- approve and reject


def test_approving_an_episode_makes_it_the_new_normal() -> None:
    before = [*steady(), reading(12, 500.0)]
    episode = id_of(play(renumbered(before), of=watching(LEVEL)))
    after = [reading(14 + t, 500.0 + value) for t, value in enumerate(STEADY)]
    tape = run([*before, give(13, "approve", episode=episode), *after], LEVEL)
    assert told(tape) == [("level", "opened", 12.0, None), ("level", "closed", 13.0, "approved")]
    assert tape.events[1]["ordinal"] == 1
    assert tape.counts["warming"] == 10
    assert (tape.audits[0]["outcome"], tape.audits[0]["affected"]) == ("accepted", 1)
    assert tape.audits[0]["target"] == {"asset": None, "series": "*", "watch": "*", "episode": episode}


def test_rejecting_an_episode_closes_it_and_keeps_what_was_learned() -> None:
    before = [*steady(), reading(12, 500.0)]
    episode = id_of(play(renumbered(before), of=watching(LEVEL)))
    after = [reading(14, 1.0), reading(15, 500.0)]
    tape = run([*before, give(13, "reject", episode=episode), *after], LEVEL)
    assert told(tape) == [("level", "opened", 12.0, None), ("level", "closed", 13.0, "rejected")]
    assert tape.counts["warming"] == 5
    undisturbed = run([*before, *after], LEVEL)
    assert [v[5] for v in tape.verdicts] == [v[5] for v in undisturbed.verdicts]


def test_a_violation_that_was_rejected_does_not_come_back_until_it_has_been_away() -> None:
    before = [reading(0, 50.0)]
    episode = id_of(play(before, of=watching(LIMITS)))
    after = [reading(2, 50.0), reading(3, 5.0), reading(4, 50.0)]
    assert told(run([*before, give(1, "reject", episode=episode), *after], LIMITS)) == [
        ("limits", "opened", 0.0, None),
        ("limits", "closed", 1.0, "rejected"),
        ("limits", "opened", 4.0, None),
    ]


def test_episodes_of_joint_watches_and_waveforms_are_approved_like_others() -> None:
    rms = {"name": "rms", "series": "*", "off_delay": "0s", "detector": {"kind": "rms", "limit": 3}}
    before = [*[r for t in range(3) for r in both(t, 1.0, 9.0)], wave(3, 9)]
    seen = play(renumbered(before), of=watching(SPREAD, rms))
    decided = [give(4 + i, "approve", episode=id_of(seen, i)) for i in range(2)]
    tape = run([*before, *decided], SPREAD, rms)
    assert told(tape)[2:] == [("spread", "closed", 4.0, "approved"), ("rms", "closed", 5.0, "approved")]


@pytest.mark.parametrize("kind", ["approve", "reject"])
def test_an_episode_that_is_not_open_here_can_be_neither_approved_nor_rejected(kind: str) -> None:
    before = [reading(0, 50.0), reading(1, 5.0)]
    closed = id_of(play(renumbered(before), of=watching(LIMITS)))
    tape = run([*before, give(2, kind, episode=closed), give(3, kind, episode="none")], LIMITS)
    assert [a["outcome"] for a in tape.audits] == ["refused", "refused"]
    assert tape.audits[0]["why"] == f"no episode with the id {closed!r} is open on this partition"


# --- once


def test_a_command_is_carried_out_once_however_often_it_comes() -> None:
    twice = [give(12, "rebaseline", "one", asset=M1), *steady(first=13), give(30, "rebaseline", "one", asset=M1)]
    tape = run([*steady(), *twice, reading(31, 1.0)], LEVEL)
    assert [(a["command_id"], a["outcome"], a["affected"]) for a in tape.audits] == [
        ("one", "accepted", 1),
        ("one", "repeated", 0),
    ]
    assert tape.verdicts[-1][5] != "nan"
    refused = run([give(0, "approve", "two", episode="e"), give(1, "approve", "two", episode="e")], LEVEL)
    assert [a["outcome"] for a in refused.audits] == ["refused", "repeated"]


def test_ids_are_remembered_in_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "REMEMBERED", 3)
    names = ["a", "b", "c", "d", "b", "a"]
    log = renumbered([give(i, "approve", name, episode="e") for i, name in enumerate(names)])
    tape = play(log, range(len(log)), restart=True)
    assert [a["outcome"] for a in tape.audits] == ["refused"] * 4 + ["repeated", "refused"]


def test_a_replay_gives_every_decision_the_same_id_and_no_two_share_one() -> None:
    log = renumbered([*steady(), *[give(20 + i, "rebaseline", "one", asset=M1) for i in range(3)]])
    audits = play(log, of=watching(LEVEL)).audits
    assert audits == play(log, [13, 14], of=watching(LEVEL), restart=True).audits
    assert [a["audit_id"] for a in audits] == [audit_id_of("one", "reading.v1", PARTITION, a["offset"]) for a in audits]
    assert [a["offset"] for a in audits] == [12, 13, 14]
    assert len({a["audit_id"] for a in audits}) == 3
    assert {(a["log"], a["partition"], a["by"]) for a in audits} == {("reading.v1", PARTITION, "ann")}
    assert {a["config"] for a in audits} == {watching(LEVEL).hash}


def test_a_command_of_a_kind_that_this_version_does_not_know_is_refused_and_stops_nothing() -> None:
    body = {"command_id": "new", "kind": "shelve", "by": "ann"}
    newer = signed(Control(kind="command", partition=PARTITION, payload={"command": body}), 0, START)
    odd = signed(Control(kind="command", partition=PARTITION, payload={}), 0, START)
    tape = run([newer, odd, reading(1, 50.0)], LIMITS)
    assert [(a["command_id"], a["outcome"]) for a in tape.audits] == [("new", "refused"), (None, "refused")]
    assert "'rebaseline', 'configure'" in tape.audits[0]["why"]
    assert outcomes(tape) == {"scored": 1}


# --- configure


def ordered(to: Any, name: str, stamp: int = START) -> Record:
    """A site as a command brings it."""
    record = Record(0, stamp, None, configure_command(to, "ann", "why not", name).to_bytes())
    found = verify(record, PARTITION, PARTITIONS, "line")
    assert isinstance(found, list)
    return signed(found[0], 0, stamp)


def test_every_configuration_taken_is_audited_whoever_brought_it() -> None:
    by_command, by_worker = site(version=2, watches=[LEVEL]), site(version=3, watches=[LIMITS])
    lower = site(version=2, watches=[GAP])
    records = [
        *steady(), ordered(by_command, "c2"), ordered(by_command, "c2"), ordered(by_command, "again"),
        *configure(by_worker, 0, START), *configure(by_worker, 0, START), ordered(lower, "lower"),
        *configure(lower, 0, START),
    ]  # fmt: skip
    tape = run(records, LEVEL)
    told = [(a["command_id"], a["by"], a["outcome"], a["detail"]["version"], a["config"]) for a in tape.audits]
    assert told == [
        ("c2", "ann", "accepted", 2, by_command.hash),
        ("c2", "ann", "repeated", 2, by_command.hash),
        ("again", "ann", "accepted", 2, by_command.hash),
        (None, None, "accepted", 3, by_worker.hash),
        ("lower", "ann", "refused", 2, by_worker.hash),
        (None, None, "refused", 2, by_worker.hash),
    ]
    assert {a["kind"] for a in tape.audits} == {"configure"}
    assert tape.audits[2]["why"] == "this configuration was in force already"
    assert tape.audits[3]["affected"] == 1  # the row of the watch that is no more
    assert tape.audits[4]["why"].endswith("raise [site] version to 4 to make it count")
    assert tape.warnings == [f"partition {PARTITION}: {tape.audits[4]['why']}"] * 2


def test_a_configuration_by_command_does_not_disturb_one_that_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuring, "PART_BYTES", 100)
    parts = configure(site(version=3, watches=[LIMITS]), 0, START)
    assert len(parts) > 2
    tape = run([parts[0], ordered(site(version=2, watches=[GAP]), "c2"), *parts[1:]], LEVEL)
    assert [(a["command_id"], a["outcome"]) for a in tape.audits] == [("c2", "accepted"), (None, "accepted")]


def test_a_configuration_that_this_version_cannot_take_is_refused_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from detectors.registry import REGISTRY

    to = site(version=9, watches=[SPREAD])
    controls = [*configure_records(to_payload(to), PARTITION)]
    by_command = ordered(to, "c")
    monkeypatch.delitem(REGISTRY, "spread")
    tape = run([by_command, signed(controls[0], 0, START), reading(1, 50.0)], LIMITS)
    assert [(a["command_id"], a["outcome"]) for a in tape.audits] == [("c", "refused"), (None, "refused")]
    assert "cannot take this configuration" in tape.audits[0]["why"]
    assert outcomes(tape) == {"scored": 1}


# --- the closing itself


def test_an_episode_that_began_ahead_of_the_clock_does_not_end_before_it_began() -> None:
    early = of_json([single(M1, 50.0, 30)])[0]._replace(timestamp=START)
    tape = run([early, give(1, "rebaseline", asset=M1)], LIMITS)
    opened, closed = tape.events
    assert closed["ended"] == opened["started"] == START + 30 * SECOND


def test_two_events_of_an_episode_at_one_time_stay_two_in_a_store() -> None:
    records = renumbered([reading(5, 50.0), give(5, "rebaseline", asset=M1)])
    results = engine(watching(LIMITS)).feed(decoded(records))
    assert [event.time for event in results.events] == [START + 5 * SECOND] * 2
    assert list(results.event_shift) == [0, 1]


def test_commands_are_decided_in_the_logs_order_within_a_chunk() -> None:
    spike = [reading(12, 500.0)]
    log = renumbered([*steady(), give(11.5, "rebaseline", asset=M1), *spike, *[reading(13 + t) for t in range(9)]])
    tape = play(log, of=watching(LEVEL))
    assert told(tape) == []  # what the spike is compared with was forgotten before it
    assert tape.counts["warming"] == 10


def test_the_ids_survive_a_restart() -> None:
    running = engine(watching(LEVEL))
    running.feed(decoded(renumbered([give(0, "approve", "one", episode="e")])))
    again = Engine(PARTITION, PARTITIONS, resolve(Site()))
    again.restore(running.snapshot())
    again_given = renumbered([give(0, "approve", "one", episode="e")])
    assert [a.outcome for a in again.feed(decoded(again_given)).audits] == ["repeated"]
