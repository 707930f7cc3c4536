"""The engine's laws with watches on bins: batching, restoring, growing and extra ticks are invisible."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from schemas.chunk import Record
from streams.engine import Engine
from streams.state.codec import pack
from tests.unit.engine.binned import BINNED, site
from tests.unit.engine.logs import PARTITION, PARTITIONS, Tape, command, configure, decoded, play, renumbered, tick
from tests.unit.engine.test_laws import commanded
from tests.unit.engine.test_regroup import N, assert_same, run

SEEDS = st.integers(0, 2**32 - 1)
CUTS = st.lists(st.integers(0, 200), max_size=6)
REORDER = st.sampled_from([None, "3s"])
SOME = settings(max_examples=10, phases=[Phase.explicit, Phase.reuse, Phase.generate])
FEW = settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate])


def eventful(seed: int) -> list[Record]:
    """`commanded`, with more commands, changes of what is declared of an interval, and an end to whatever waits."""
    records = commanded(seed)
    records.insert(75, command(records[75].timestamp, "rebaseline", "bins", asset="*", watch="bins*"))
    for at, to in ((110, site(4)), (85, site(3, None)), (60, site(2, "2s"))):
        records[at:at] = configure(to, 0, records[at].timestamp)
    return renumbered([*records, tick(0, records[-1].timestamp + 3600 * SECOND)])


@given(seed=SEEDS, cuts=CUTS, reorder=REORDER)
@SOME
def test_batching_is_invisible(seed: int, cuts: list[int], reorder: str | None) -> None:
    records, of = eventful(seed), site(reorder=reorder)
    play(records, of=of).same(play(records, cuts, of=of))


@given(seed=SEEDS, cuts=CUTS)
@SOME
def test_what_readings_count_as_does_not_depend_on_the_batches(seed: int, cuts: list[int]) -> None:
    of = site(others=False)  # that would score most of them
    play(commanded(seed), of=of).same(play(commanded(seed), cuts, of=of))


@given(seed=SEEDS)
@FEW
def test_one_message_at_a_time_gives_the_same(seed: int) -> None:
    records = eventful(seed)
    play(records, of=site()).same(play(records, range(len(records)), of=site()))


@given(seed=SEEDS, cuts=CUTS, reorder=REORDER)
@SOME
def test_restoring_is_invisible(seed: int, cuts: list[int], reorder: str | None) -> None:
    records, of = eventful(seed), site(reorder=reorder)
    play(records, of=of).same(play(records, cuts, of=of, restart=True))


@given(
    seed=SEEDS, ticks=st.lists(st.tuples(st.integers(0, 139), st.integers(0, 100)), min_size=1, max_size=30),
    reorder=REORDER,
)  # fmt: skip
@SOME
def test_extra_ticks_are_invisible(seed: int, ticks: list[tuple[int, int]], reorder: str | None) -> None:
    plain = commanded(seed)
    end = tick(0, plain[-1].timestamp + 3600 * SECOND)
    with_ticks: list[Record] = []
    for i, record in enumerate([*plain, end]):
        upto = max(r.timestamp for r in [*plain, end][: i + 1])
        before = max([r.timestamp for r in plain[:i]], default=plain[0].timestamp)
        extra = sorted(before + (upto - before) * share // 100 for at, share in ticks if at == i)
        with_ticks += [*(tick(0, stamp) for stamp in extra), record]
    of = site(reorder=reorder)
    seldom, often = play(renumbered([*plain, end]), of=of), play(renumbered(with_ticks), of=of)

    def events(tape: Tape) -> list[Any]:
        return sorted((e["event_id"], str(e)) for e in tape.events if e["watch"].startswith("bins"))

    assert events(seldom) == events(often)  # `received` included: a deadline's own
    assert sorted(str(v[1:]) for v in seldom.verdicts) == sorted(str(v[1:]) for v in often.verdicts)
    assert +seldom.counts == +often.counts


def test_the_logs_hold_what_the_laws_are_about() -> None:
    tapes = [play(eventful(seed), of=site()) for seed in range(12)]
    told = {(e["watch"], e["phase"], e["reason"]) for tape in tapes for e in tape.events}
    for watch in BINNED:
        assert (watch["name"], "opened", None) in told, watch["name"]
        assert sum(v[2].name == watch["name"] and v[5] != "nan" for tape in tapes for v in tape.verdicts) > 50
    reasons = {reason for watch, _, reason in told if watch.startswith("bins")}
    assert {None, "recovered", "muted", "reconfigured", "rebaselined"} <= reasons


@given(seed=SEEDS, cut=st.integers(20, 380), to=st.sampled_from([4, 7, 12]), reorder=REORDER)
@FEW
def test_what_follows_is_what_follows_without_growing(seed: int, cut: int, to: int, reorder: str | None) -> None:
    of = site(reorder=reorder)
    assert_same(*(run(seed, cut, sizes, of).said() for sizes in ([N, to], [N], [to])))


@pytest.mark.parametrize("seed", range(3))
def test_rows_that_are_asked_for_change_nothing_else(seed: int) -> None:
    every, stored, none = (played(seed, rows) for rows in ("all", "stored", "none"))
    assert every[:2] == stored[:2] == none[:2]
    assert [row for row in every[2] if row[-1]] == stored[2]
    assert not none[2]


def played(seed: int, rows: Any) -> tuple[Any, ...]:
    """Counts and events, state, and verdict rows, apart from their order."""
    engine, told, found = Engine(PARTITION, PARTITIONS, site(), rows=rows), [], []
    records = eventful(seed)
    for i in range(0, len(records), 25):
        results = engine.feed(decoded(records[i : i + 25]))
        told.append((results.counts, list(results.events)))
        v = results.verdicts
        names = (v.reading, v.series, v.watch, v.time, v.value, v.score, v.expected, v.low, v.high, v.status, v.store)
        found += sorted(zip(*(map(str, a.tolist()) for a in names[:-1]), names[-1].tolist(), strict=True))
    return told, b"".join(pack(engine.snapshot())), found
