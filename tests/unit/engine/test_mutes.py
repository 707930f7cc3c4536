"""Mutes: who is not judged and until when, what is counted, and what is told when they end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from schemas.chunk import Record
from streams import command_kinds
from streams.engine import Engine
from streams.resolve import resolve
from streams.results import OUTCOMES
from streams.site import Site
from tests.naive.mutes import NaiveMutes
from tests.unit.engine.logs import (
    LINE,
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
    site,
    tick,
)
from tests.unit.engine.test_outcomes import of_json, single

M1, M2 = f"{LINE}/m1", f"{LINE}/m2"
LIMITS = {"name": "limits", "series": "*", "off_delay": "0s", "detector": {"kind": "limits", "high": 10}}
GAP = {"name": "gap", "series": "*", "off_delay": "0s", "detector": {"kind": "gap", "timeout": "10s"}}
LEVEL = {"name": "level", "series": "*", "off_delay": "0s", "detector": {"kind": "robust_zscore", "warmup": 5}}
SPREAD = {
    "name": "spread",
    "inputs": ["x", "y"],
    "wait": "2s",
    "off_delay": "0s",
    "detector": {"kind": "spread", "limit": 5, "warmup": 1},
}


def watching(*watches: dict[str, Any], **options: Any) -> Any:
    return site(watches=watches, **options)


def mute(at_s: float, until_s: float, name: str = "", **target: str) -> Record:
    stamp = START + int(at_s * SECOND)
    until = {"until": START + int(until_s * SECOND)}
    return command(stamp, "mute", name or f"mute at {at_s}", until, **{"asset": M1, **target})


def reading(at_s: float, value: Any = 5.0, asset: str = M1, series: str = "x", **more: Any) -> Record:
    return of_json([single(asset, value, at_s, series, **more)])[0]


def ticking(at_s: float) -> Record:
    return tick(0, START + int(at_s * SECOND))


def run(records: list[Record], *watches: dict[str, Any], **options: Any) -> Tape:
    """A log in the order of its stamps; however it is cut and wherever the engine restarts, the same."""
    log = renumbered(records)
    tape = play(log, of=watching(*watches, **options))
    tape.same(play(log, range(len(log)), of=watching(*watches, **options), restart=True))
    return tape


def told(tape: Tape) -> list[tuple[str, str, float, str | None]]:
    return [(e["watch"], e["phase"], (e["time"] - START) / SECOND, e["reason"]) for e in tape.events]


def outcomes(tape: Tape) -> dict[str, int]:
    return {name: tape.counts[name] for name in OUTCOMES if tape.counts[name]}


def decisions(tape: Tape) -> list[tuple[str, int]]:
    return [(audit["outcome"], audit["affected"]) for audit in tape.audits]


def test_what_is_muted_is_neither_judged_nor_learned_and_is_counted_as_such() -> None:
    records = [reading(t, float(t % 3)) for t in range(10)]
    records += (
        [mute(10, 20)] + [reading(t, 500.0) for t in range(10, 20)] + [reading(t, float(t % 3)) for t in range(20, 25)]
    )
    tape = run(records, LEVEL)
    assert outcomes(tape) == {"warming": 5, "scored": 10, "muted": 10}
    assert told(tape) == []  # the 500s have taught nothing
    never = run([r for r in records if b"500.0" not in (r.value or b"") and not r.headers], LEVEL)
    scores, without = ([v[5] for v in t.verdicts if v[5] != "nan"] for t in (tape, never))
    assert scores == without
    assert [v[9] for v in tape.verdicts[10:20]] == ["3"] * 10  # no opinion
    assert decisions(tape) == [("accepted", 1)]


def test_a_mute_holds_from_its_own_message_on_and_ends_right_at_its_time() -> None:
    records = [reading(9, 50.0), mute(9, 12), reading(9.5, 50.0), reading(11.999, 5.0), reading(12, 50.0)]
    tape = run(records, LIMITS)
    assert outcomes(tape) == {"scored": 2, "muted": 2}
    assert told(tape) == [
        ("limits", "opened", 9.0, None),
        ("limits", "closed", 9.0, "muted"),
        ("limits", "opened", 12.0, None),
    ]


def test_a_reading_counts_as_muted_only_where_no_watch_scores_it_or_is_warming_up() -> None:
    other = {**LEVEL, "name": "other"}
    records = [mute(0, 60, watch="level"), *[reading(t, float(t % 3)) for t in range(1, 8)], mute(8, 60, watch="other")]
    records += [
        reading(8, None),
        reading(9, 1.0),
        reading(8.5, 7.0),
        reading(9, 1.0),
        reading(9, 2.0),
        reading(10, "text"),
    ]
    tape = run(records, LEVEL, other)
    # the watch that is left warms up on five and scores two; a late one, a repeat and a correction stay what they are
    assert outcomes(tape) == {
        "warming": 5, "scored": 2, "muted": 2, "late": 2, "duplicate": 1, "unwatched": 1,
    }  # fmt: skip


def test_muting_the_health_gate_lets_readings_through_to_the_watches_behind_it() -> None:
    records = [reading(t, 50.0 + t % 3) for t in range(8)]
    assert outcomes(run(records, LIMITS, LEVEL)) == {"scored": 8}
    withheld = run(records, LIMITS, LEVEL)
    assert {v[2].name for v in withheld.verdicts if v[5] != "nan"} == {"limits"}
    tape = run([mute(0, 60, watch="limits"), *records], LIMITS, LEVEL)
    assert {v[2].name for v in tape.verdicts if v[5] != "nan"} == {"level"}
    assert outcomes(tape) == {"warming": 5, "scored": 3}
    bad = [reading(t, 50.0, quality="bad") for t in range(8, 10)]
    assert outcomes(run([mute(0, 60, watch="limits"), *records, *bad], LIMITS, LEVEL))["muted"] == 2


def test_a_mute_takes_series_that_appear_later_and_leaves_others_alone() -> None:
    records = [
        mute(0, 60, asset="plant/hall/*", series="x?", name="later"),
        *[reading(t, 50.0, asset, series) for t, (asset, series) in enumerate([(M1, "x1"), (M1, "y"), (M2, "x2")])],
    ]
    tape = run(records, LIMITS)
    assert [e["series"] for e in tape.events] == ["y"]
    assert outcomes(tape) == {"muted": 2, "scored": 1}
    assert decisions(tape) == [("accepted", 0)]


def test_a_violation_that_outlasts_the_mute_is_told_anew() -> None:
    records = [reading(0, 50.0), mute(1, 5), *[reading(t, 50.0) for t in range(2, 9)]]
    assert told(run(records, LIMITS)) == [
        ("limits", "opened", 0.0, None),
        ("limits", "closed", 1.0, "muted"),
        ("limits", "opened", 5.0, None),
    ]


@pytest.mark.parametrize("noticed_by", [30, 30.5, 500])
def test_silence_that_outlasts_the_mute_is_told_at_its_end_whoever_notices(noticed_by: float) -> None:
    # the gateway is 3 s behind: in the row's own time the mute ends 3 s earlier
    last = reading(0)._replace(timestamp=START + 3 * SECOND)
    tape = run([last, mute(5, 30), ticking(14), ticking(29.9), ticking(noticed_by)], GAP)
    assert told(tape) == [("gap", "opened", 27.0, None)]
    event = tape.events[0]
    assert (event["received"], event["score"]) == (START + 30 * SECOND, 2.7)
    assert not event["backfill"]


def test_silence_that_ends_before_the_mute_does_is_never_told() -> None:
    records = [reading(0), mute(5, 30), reading(25), reading(31), ticking(60)]
    assert told(run(records, GAP)) == [("gap", "opened", 41.0, None)]
    # nor one that would only begin behind it
    assert told(run([reading(0), mute(5, 30), reading(25), ticking(34.9)], GAP)) == []
    assert told(run([reading(0), mute(5, 30), reading(25), ticking(35)], GAP)) == [("gap", "opened", 35.0, None)]


def test_a_pause_between_muted_readings_teaches_the_pace_nothing() -> None:
    learned = {**GAP, "detector": {"kind": "gap", "at_least": "1s", "factor": 3}}
    steady = [reading(t) for t in range(20)]
    quiet = [mute(20, 100), *[reading(t) for t in range(20, 100, 20)], ticking(110)]
    opened = told(run([*steady, *quiet], learned))
    assert opened == [("gap", "opened", 100.0, None)]  # 3 s after the reading at 80 had passed by then
    first = run([mute(0, 30), reading(29), reading(31), ticking(60)], GAP).events[0]
    assert first["learned_since"] == START + 31 * SECOND


def test_a_silence_told_before_the_mute_is_closed_and_told_again_if_it_lasts() -> None:
    lasting = [reading(0), ticking(12), mute(12, 20), ticking(40)]
    assert told(run(lasting, GAP)) == [
        ("gap", "opened", 10.0, None),
        ("gap", "closed", 12.0, "muted"),
        ("gap", "opened", 20.0, None),
    ]
    ended = [reading(0), ticking(12), mute(12, 20), reading(15), ticking(24)]
    assert told(run(ended, GAP))[2:] == []


def test_deadlines_of_one_silence_that_pass_under_a_mute_are_told_as_one() -> None:
    deadman = {"name": "deadman", "series": "*", "off_delay": "0s",
               "detector": {"kind": "deadman", "timeout": "10s", "times": 9}}  # fmt: skip
    tape = run([reading(0), mute(5, 35), ticking(34), ticking(200)], deadman)
    assert [(e["phase"], (e["time"] - START) // SECOND, e["score"]) for e in tape.events] == [
        ("opened", 35, 3.0), ("escalated", 40, 4.0), ("escalated", 80, 8.0),
    ]  # fmt: skip


def test_a_mute_is_ended_before_its_time_by_the_same_target_alone() -> None:
    records = [
        reading(0, 50.0), mute(1, 600, series="x"), reading(2, 50.0), mute(3, 0, name="other target"), reading(4, 50.0),
        ticking(20), mute(21, 21, name="by now", series="x"), reading(22, 50.0), mute(23, 0, name="again", series="x"),
    ]  # fmt: skip
    tape = run(records, LIMITS, GAP)
    assert told(tape) == [
        ("limits", "opened", 0.0, None),
        ("limits", "closed", 1.0, "muted"),
        ("gap", "opened", 21.0, None),
        ("limits", "opened", 22.0, None),
        ("gap", "closed", 22.0, "recovered"),
    ]
    assert decisions(tape) == [("accepted", 2), ("refused", 0), ("accepted", 2), ("refused", 0)]
    assert tape.audits[1]["why"] == (f"no mute of this target (asset, series, watch) is in force; there are: {M1} x *")
    assert "there are: none" in tape.audits[3]["why"]


def test_a_mute_may_be_made_longer_or_shorter_and_the_longest_of_several_counts() -> None:
    records = [mute(0, 10), mute(1, 30, name="longer"), mute(2, 20, name="shorter"), mute(3, 25, watch="limits")]
    records += [reading(t, 50.0) for t in (5, 19, 24, 25)]
    tape = run(records, LIMITS)
    assert outcomes(tape) == {"muted": 3, "scored": 1}


def test_a_mute_of_an_asset_goes_by_its_alias_too() -> None:
    tape = run([mute(0, 9, asset="old-name"), reading(1, 50.0), reading(2, 50.0, asset="old-name")], LIMITS)
    assert outcomes(tape) == {"muted": 2}


def test_mutes_stay_in_force_under_another_configuration() -> None:
    wider = site(version=2, watches=[{**LIMITS, "severity": 900}, {**LEVEL, "name": "new"}])
    records = [reading(0), mute(1, 60), *configure(wider, 0, START + 2 * SECOND), reading(3, 50.0), reading(61, 50.0)]
    tape = run(records, LIMITS)
    assert outcomes(tape) == {"scored": 2, "muted": 1}
    assert told(tape) == [("limits", "opened", 61.0, None)]


@pytest.mark.parametrize(
    ("until_s", "why"), [(367 * 86_400, "at most 366 days ahead of the log's clock"), (366 * 86_400, None)]
)
def test_a_mute_ends_within_a_year(until_s: int, why: str | None) -> None:
    audit = run([mute(0, until_s)], LIMITS).audits[0]
    assert (audit["outcome"], audit["detail"]) == (
        "refused" if why else "accepted",
        {"until": START + until_s * SECOND},
    )
    assert (why or "") in (audit["why"] or "")


def test_mutes_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_kinds, "MOST", 2)
    records = [mute(0, 9, name=f"{s}{i}", series=s) for i, s in enumerate("abca")]
    assert [a["outcome"] for a in play(renumbered(records), of=watching(LIMITS)).audits] == [
        "accepted", "accepted", "refused", "accepted",
    ]  # fmt: skip


def both(at_s: float, x: float, y: float) -> list[Record]:
    return [reading(at_s, x, series="x"), reading(at_s, y, series="y")]


def test_a_muted_joint_watch_gives_no_verdicts_and_gathers_afresh_at_the_end() -> None:
    records = [r for t in range(4) for r in both(t, 1.0, 1.0)]
    records += [*both(4, 1.0, 9.0), reading(5, 1.0, series="x"), mute(5, 10, watch="spread")]
    records += [r for t in range(6, 10) for r in both(t, 1.0, 9.0)]
    # what x was before the mute is not held against what y is after it: the first instant waits for both
    records += [
        reading(10, 20.0, series="y"),
        ticking(11),
        reading(11.5, 20.0, series="x"),
        *both(13, 1.0, 1.0),
        ticking(60),
    ]
    tape = run(records, SPREAD)
    assert told(tape) == [("spread", "opened", 4.0, None), ("spread", "closed", 5.0, "muted")]
    assert [(v[3] - START) / SECOND for v in tape.verdicts] == [0, 1, 2, 3, 4, 10, 11.5, 13]
    assert tape.counts["muted"] == 8


def test_a_muted_input_is_absent_for_the_joint_watch_alone() -> None:
    three = {**SPREAD, "inputs": ["x", "y", "z"], "stale": "60s"}
    records = [r for t in range(4) for r in (*both(t, 1.0, 1.0), reading(t, 1.0, series="z"))]
    records += [mute(4, 8, series="z", watch="spread")]
    records += [r for t in range(4, 10) for r in (*both(t, 1.0, 1.0), reading(t, 50.0, series="z"))]
    tape = run([*records, ticking(60)], three, LEVEL)
    # z comes last: the instant of 8 s was complete without it, that of 9 s waits for it
    assert [e for e in told(tape) if e[0] == "spread"] == [("spread", "opened", 9.0, None)]
    instants = [(v[3] - START) // SECOND for v in tape.verdicts if v[2].name == "spread"]
    assert instants == list(range(10))  # the two others do not wait for it
    assert tape.counts["muted"] == 0  # another watch takes z


def test_a_joint_watch_that_gathers_afresh_does_not_go_back_behind_what_it_has_judged() -> None:
    late = reading(2, 9.0, series="x")._replace(timestamp=START + 11 * SECOND)  # new for x, older than the last instant
    records = [*both(0, 1.0, 1.0), *both(1, 1.0, 1.0), reading(3, 1.0, series="y"), ticking(6), mute(7, 10)]
    tape = run([*records, late, *both(12, 1.0, 1.0), ticking(30)], SPREAD)
    assert [(v[3] - START) // SECOND for v in tape.verdicts] == [0, 1, 3, 12]


def test_the_violation_of_a_joint_watch_that_outlasts_its_mute_is_told_anew() -> None:
    records = [r for t in range(3) for r in both(t, 1.0, 9.0)]
    records += [mute(3, 6, watch="spread"), *[r for t in range(3, 12) for r in both(t, 1.0, 9.0)]]
    assert told(run([*records, ticking(30)], SPREAD)) == [
        ("spread", "opened", 1.0, None),
        ("spread", "closed", 3.0, "muted"),
        ("spread", "opened", 6.0, None),
    ]


def wave(at_s: float, size: float) -> Record:
    return of_json(
        [{"asset": M1, "series": "v", "time": START + int(at_s * SECOND), "rate_hz": 100, "values": [size, -size] * 4}]
    )[0]


def test_waveforms_are_muted_too() -> None:
    rms = {"name": "rms", "series": "*", "off_delay": "0s", "detector": {"kind": "rms", "limit": 3}}
    records = [wave(0, 9), mute(1, 4, series="v"), wave(2, 9), wave(3, 1), wave(4, 9), wave(5, 1)]
    tape = run(records, rms)
    assert outcomes(tape) == {"scored": 3, "muted": 2}
    assert told(tape) == [
        ("rms", "opened", 0.0, None),
        ("rms", "closed", 1.0, "muted"),
        ("rms", "opened", 4.0, None),
        ("rms", "closed", 5.0, "recovered"),
    ]
    assert decisions(tape) == [("accepted", 1)]


def test_readings_that_are_held_to_be_put_in_order_are_muted_by_when_they_are_let_go() -> None:
    # held for 5 s: those of 6 to 7.5 are let go at 11 to 12.5, whichever message notices, the others from 13 on
    records = [mute(4, 13), *[reading(t, 50.0) for t in (6, 7, 7.5, 8, 9, 10, 12)], ticking(20), reading(30)]
    for more in ([], [ticking(12.999999999)], [ticking(13)]):
        log = sorted([*records, *more], key=lambda r: r.timestamp)
        tape = run(log, LIMITS, reorder="5s")
        assert outcomes(tape) == {"muted": 3, "scored": 4}, more
        assert told(tape) == [("limits", "opened", 8.0, None)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(1, 15), st.sampled_from([5.0, 50.0])),
        st.tuples(st.just("tick"), st.integers(0, 15)),
        st.tuples(
            st.just("mute"), st.integers(0, 8), st.sampled_from(["*", "gap", "limits", "g*"]), st.integers(-3, 40)
        ),
    ),
    max_size=40,
)


@given(steps=STEPS, cuts=st.lists(st.integers(0, 40), max_size=4))
@settings(max_examples=150)
def test_what_mutes_do_is_what_the_twin_does(steps: list[Any], cuts: list[int]) -> None:
    twin, records, clock = NaiveMutes(), [], 0
    accepted = []
    for i, (kind, gap, *more) in enumerate(steps):
        clock += gap
        if kind == "read":
            records.append(reading(clock, more[0]))
            twin.read(clock, more[0])
        elif kind == "tick":
            records.append(ticking(clock))
            twin.advance(clock)
        else:
            records.append(mute(clock, clock + more[1], f"mute {i}", watch=more[0]))
            accepted.append(twin.mute(clock, more[0], clock + more[1]))
    log = renumbered(records)
    tape = play(log, cuts, of=watching(LIMITS, GAP), restart=True)
    assert sorted(told(tape), key=str) == sorted(((w, p, float(t), r) for w, p, t, r in twin.events), key=str)
    assert (tape.counts["scored"], tape.counts["muted"]) == (twin.scored, twin.muted)
    assert [a["outcome"] == "accepted" for a in tape.audits] == accepted


def test_a_restored_engine_knows_its_mutes() -> None:
    running = engine(watching(LIMITS))
    running.feed(decoded(renumbered([mute(0, 60), mute(0, 70, name="b", series="y")])))
    again = Engine(PARTITION, PARTITIONS, resolve(Site()))
    again.restore(running.snapshot())
    assert again.mutes.snapshot() == running.mutes.snapshot() == [
        [M1, "*", "*", START + 60 * SECOND], [M1, "y", "*", START + 70 * SECOND],
    ]  # fmt: skip
