"""The engine's laws: batching, restoring and extra ticks are invisible; the same log gives the same answer."""

from __future__ import annotations

from typing import Any

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from schemas.chunk import Record
from tests.unit.engine.logs import (
    LINE,
    WATCHES,
    command,
    configure,
    decoded,
    engine,
    forwarded,
    log,
    play,
    renumbered,
    site,
    tick,
)

SEEDS = st.integers(0, 2**32 - 1)
CUTS = st.lists(st.integers(0, 200), max_size=6)
SOME = settings(max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate])


def open_episode(records: list[Record]) -> str:
    """Id of an episode that is open at the end of a log."""
    running = engine()
    running.feed(decoded(renumbered(records)))
    ids = [episode.id for watch in running.watches for episode in watch.episodes.open.values()]
    return ids[0] if ids else "none"


def commanded(seed: int) -> list[Record]:
    """A log with commands of every kind but configure, some refused, one repeated."""
    records: list[Record] = []
    for i, record in enumerate(log(seed)):
        now = max((r.timestamp for r in [*records, record]), default=0)

        def give(kind: str, name: str, seconds: int | None = None, clock: int = now, **target: str) -> None:
            until = {} if seconds is None else {"until": clock + seconds * SECOND}
            records.append(command(clock, kind, name, until, **target))

        if i == 20:
            give("mute", "silence of m1", 45, asset="*/m1", watch="*silence*")
            give("rebaseline", "levels", asset="*", watch="level")
        elif i == 30:
            give("mute", "all of m2", 40, asset=f"{LINE}/m2")
            give("mute", "deadman", 25, asset="*", watch="deadman")
            give("mute", "spread", 30, asset="*/m1", series="spread*", watch="spread*")
        elif i == 36:
            give("mute", "end of deadman", -5, asset="*", watch="deadman")
            give("mute", "too long", 400 * 86_400, asset="*")
        elif i == 45:
            give("reject", "a false alarm", episode=open_episode(records))
            give("mute", "one input", 60, asset="*", series="b")
            give("mute", "waves", 60, asset="*", series="vib")
        elif i == 55:
            give("mute", "longer", 30, asset="old-name", series="a")
            give("mute", "longer still", 90, asset=f"{LINE}/m1", series="a")
        elif i == 70:
            give("approve", "new normal", episode=open_episode(records))
            give("rebaseline", "m3", asset=f"{LINE}/m3")
        elif i == 90:
            give("rebaseline", "m3", asset=f"{LINE}/m3")
            give("rebaseline", "spreads", asset="*", series="spread*", watch="spread*")
            give("mute", "everything", 40, asset="*")
        elif i == 110:
            give("approve", "another", episode=open_episode(records))
        records.append(record)
    return renumbered(records)


def eventful(seed: int) -> list[Record]:
    """`commanded` with ticks, readings forwarded twice, and three changes of configuration, one of them void."""
    records, plain = commanded(seed), log(seed)
    fewer = site(version=2, watches=[w for w in WATCHES if w["name"] not in ("limits", "rms")])
    again = site(
        version=3, watches=[{**WATCHES[5], "detector": {**WATCHES[5]["detector"], "limit": 4.0}}, *WATCHES[:5]]
    )
    for at, records_in in (
        (100, configure(again, 0, records[100].timestamp)),
        (80, configure(site(version=2, max_ahead="2m"), 0, records[80].timestamp)),
        (60, configure(fewer, 0, records[60].timestamp)),
        (50, [forwarded(plain[50], 0, 7), forwarded(plain[51], 0, 7), tick(0, records[50].timestamp + 9 * SECOND)]),
    ):
        records[at:at] = records_in
    return renumbered(records)


@given(seed=SEEDS, cuts=CUTS)
@SOME
def test_batching_is_invisible(seed: int, cuts: list[int]) -> None:
    records = eventful(seed)
    play(records).same(play(records, cuts))


@given(seed=SEEDS)
@example(seed=2488)  # an event of a reading that taught nothing, before one that is older and did
@settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_one_message_at_a_time_gives_the_same(seed: int) -> None:
    records = eventful(seed)
    play(records).same(play(records, range(len(records))))


@given(seed=SEEDS, cuts=CUTS)
@SOME
def test_restoring_is_invisible(seed: int, cuts: list[int]) -> None:
    records = eventful(seed)
    play(records).same(play(records, cuts, restart=True))


@given(seed=SEEDS, ticks=st.lists(st.tuples(st.integers(0, 139), st.integers(0, 100)), min_size=1, max_size=30))
@SOME
def test_extra_ticks_are_invisible(seed: int, ticks: list[tuple[int, int]]) -> None:
    plain = commanded(seed)
    end = tick(0, plain[-1].timestamp + 3600 * SECOND)
    with_ticks: list[Record] = []
    for i, record in enumerate([*plain, end]):
        upto = max(r.timestamp for r in [*plain, end][: i + 1])
        before = max([r.timestamp for r in plain[:i]], default=plain[0].timestamp)
        extra = sorted(before + (upto - before) * share // 100 for at, share in ticks if at == i)
        with_ticks += [*(tick(0, stamp) for stamp in extra), record]
    seldom, often = play(renumbered([*plain, end])), play(renumbered(with_ticks))

    def events(tape: Any) -> list[Any]:
        return sorted(([e["event_id"], {k: v for k, v in e.items() if k != "received"}] for e in tape.events), key=str)

    assert events(seldom) == events(often)
    assert sorted(str(v[1:]) for v in seldom.verdicts) == sorted(str(v[1:]) for v in often.verdicts)
    assert seldom.points == often.points
    assert +seldom.counts == +often.counts
    assert seldom.kpis == often.kpis
    moved = ("offset", "audit_id")  # as ticks move the offsets
    assert [{k: v for k, v in a.items() if k not in moved} for a in seldom.audits] == [
        {k: v for k, v in a.items() if k not in moved} for a in often.audits
    ]


@given(seed=SEEDS)
@settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_the_same_log_gives_the_same_answer(seed: int) -> None:
    records = eventful(seed)
    play(records).same(play(records))


def test_the_logs_hold_what_the_laws_are_about() -> None:
    # laws proved on logs in which nothing happens would prove nothing
    tapes = [play(eventful(seed)) for seed in range(12)]
    phases = {(e["watch"], e["phase"], e["reason"]) for tape in tapes for e in tape.events}
    for watch in WATCHES:
        assert (watch["name"], "opened", None) in phases, watch["name"]
    told = {(row["level"], row["kpi"], row["status"]) for tape in tapes for row in tape.kpis}
    for kpi in ("energy", "demand", "good", "oee", "bottleneck_lost", "bottleneck_cost"):
        assert {("line", kpi, "provisional"), ("line", kpi, "final")} <= told, kpi
    assert {("line", "oee_mean", "provisional"), ("line", "time_producing", "provisional")} <= told
    assert {("line", "availability", "final"), ("machine", "bottleneck_now", "final")} <= told
    assert any(status == "restated" for _, _, status in told)  # of lines: tests/unit/kpi/test_lines.py
    assert any(row["product"] for tape in tapes for row in tape.kpis)
    reasons = {None, "recovered", "reconfigured", "muted", "rebaselined", "approved", "rejected"}
    assert {reason for _, _, reason in phases} == reasons
    assert "escalated" in {phase for _, phase, _ in phases}
    for name in ("scored", "warming", "withheld", "late", "duplicate", "unwatched", "muted", "rejected", "corrections"):
        assert sum(tape.counts[name] for tape in tapes) > 5, name
    assert sum(tape.counts["reforwarded"] for tape in tapes) >= 12
    assert all(tape.warnings for tape in tapes)
    decided = {(a["kind"], a["outcome"]) for tape in tapes for a in tape.audits}
    for kind in ("rebaseline", "mute", "approve", "reject", "configure"):
        assert (kind, "accepted") in decided, kind
    assert {("mute", "refused"), ("configure", "refused"), ("rebaseline", "repeated")} <= decided
