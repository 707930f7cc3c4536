"""`[site] reorder`: an asset's readings are judged in the order of their time, and nothing else is changed by it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from detectors.durations import SECOND
from schemas.chunk import READING, Chunk, Record
from schemas.partition import key_of, partition_of
from streams.cli.main import app
from streams.results import OUTCOMES
from tests.naive import reorder as naive
from tests.unit.engine.logs import (
    LINE,
    PARTITION,
    PARTITIONS,
    START,
    Tape,
    configure,
    decoded,
    engine,
    forwarded,
    log,
    play,
    renumbered,
    site,
    tick,
)  # fmt: skip
from tests.unit.engine.test_outcomes import of_json, single

SEEDS = st.integers(0, 2**32 - 1)
CUTS = st.lists(st.integers(0, 200), max_size=6)
SOME = settings(max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate])
FEW = settings(max_examples=4, phases=[Phase.explicit, Phase.reuse, Phase.generate])
WAIT = 5 * SECOND


def jumbled(seed: int) -> list[Record]:
    """A random log whose readings are often a few seconds older than what came before them, with a tick at its end."""
    rng = np.random.default_rng(seed)
    records = []
    for record in log(seed):
        value = record.value or b""
        if value.startswith(b'{"asset"'):
            body = json.loads(value)
            body.pop("unit", None)  # the unit of a series is the one that came first, whichever is judged first
            if isinstance(body.get("time"), int) and body["time"] > START and rng.random() < 0.5:
                body["time"] -= int(rng.integers(0, 9)) * SECOND
            value = json.dumps(body).encode()
        records.append(record._replace(value=value))
    return renumbered([*records, tick(0, records[-1].timestamp + 3600 * SECOND)])


def eventful(seed: int) -> list[Record]:
    """A jumbled log in which the wait is made shorter, is given up, and comes back longer."""
    records = jumbled(seed)
    for at, to in ((100, site(version=4, reorder="20s")), (80, site(version=3)), (60, site(version=2, reorder="2s"))):
        records[at:at] = configure(to, 0, records[at].timestamp)
    records[50:50] = [forwarded(records[50], 0, 7), forwarded(records[51], 0, 7)]
    return renumbered(records)


def said(tape: Tape) -> list[Any]:
    """What a tape holds, apart from the order in which it is told."""
    verdicts = sorted(str(v[1:]) for v in tape.verdicts)
    events = sorted(json.dumps(e, sort_keys=True) for e in tape.events)
    return [verdicts, events, sorted(map(str, tape.points)), +tape.counts]


def rearranged(chunk: Chunk, wait: int) -> Chunk:
    """The log as it would be if every reading came when it is let go: each step is a message of its own."""
    clock = np.maximum.accumulate(chunk.received).tolist()
    messages, stays = [], [[] for _ in clock]
    for m, now in enumerate(clock):
        asset = f"{LINE}/m1" if chunk.asset[m] == "old-name" else chunk.asset[m]
        ours = asset is not None and partition_of(key_of(asset), PARTITIONS) == PARTITION
        held = []
        for i in np.flatnonzero(chunk.message == m).tolist():
            if ours and chunk.time[i] <= now + 60 * SECOND:
                held.append((int(chunk.time[i]), i))
            else:
                stays[m].append(i)
        waves = [w.time for w in chunk.waveforms if w.message == m and w.time <= now + 60 * SECOND]
        messages.append(naive.Message(now, asset if ours else None, held, max(waves, default=None)))
    lines: list[tuple[int, int, int, list[int], int | None]]
    lines = [(m, 1, now, stays[m], m) for m, now in enumerate(clock)]
    lines += [(s.message, 0 if s.deadline else 2, s.clock, s.readings, None) for s in naive.steps(messages, wait)]
    lines.sort(key=lambda line: line[:2])
    taken = {m: at for at, (*_, m) in enumerate(lines) if m is not None}
    reading = np.array([i for line in lines for i in line[3]], dtype=np.int64)
    where = {i: at for at, i in enumerate(reading.tolist())}
    return chunk._replace(
        records=[chunk.records[m] if m is not None else chunk.records[0] for *_, m in lines],
        offset=np.arange(len(lines)),
        received=np.array([now for _, _, now, *_ in lines]),
        kind=np.array([chunk.kind[m] if m is not None else READING for *_, m in lines], dtype=np.uint8),
        asset=[chunk.asset[m] if m is not None else chunk.asset[chunk.message[of[0]]] for *_, of, m in lines],
        message=np.repeat(np.arange(len(lines)), [len(line[3]) for line in lines]).astype(np.int32),
        code=chunk.code[reading],
        time=chunk.time[reading],
        value=chunk.value[reading],
        text={where[i]: word for i, word in chunk.text.items()},
        quality=chunk.quality[reading],
        waveforms=[w._replace(message=taken[w.message]) for w in chunk.waveforms],
        rejects=[r._replace(message=taken[r.message]) for r in chunk.rejects],
        controls=[(taken[m], control) for m, control in chunk.controls],
    )


@given(seed=SEEDS)
@SOME
def test_readings_are_judged_as_if_they_came_when_the_twin_lets_them_go(seed: int) -> None:
    chunk = decoded(jumbled(seed))
    held, plain = Tape(), Tape()
    held.add(engine(site(reorder="5s")).feed(chunk), chunk)
    instead = rearranged(chunk, WAIT)
    plain.add(engine(site()).feed(instead), instead)
    for event in (*held.events, *plain.events):
        del event["config"]  # their sites are two
    assert said(held) == said(plain)


@given(seed=SEEDS, cuts=CUTS)
@SOME
def test_batching_is_invisible_with_reorder(seed: int, cuts: list[int]) -> None:
    records, of = eventful(seed), site(reorder="5s")
    play(records, of=of).same(play(records, cuts, of=of))


@given(seed=SEEDS)
@FEW
def test_one_message_at_a_time_gives_the_same_with_reorder(seed: int) -> None:
    records, of = eventful(seed), site(reorder="5s")
    play(records, of=of).same(play(records, range(len(records)), of=of))


@given(seed=SEEDS, cuts=CUTS)
@SOME
def test_restoring_is_invisible_with_reorder(seed: int, cuts: list[int]) -> None:
    records, of = eventful(seed), site(reorder="5s")
    play(records, of=of).same(play(records, cuts, of=of, restart=True))


@given(seed=SEEDS, ticks=st.lists(st.tuples(st.integers(0, 119), st.integers(0, 100)), min_size=1, max_size=30))
@SOME
def test_extra_ticks_are_invisible_with_reorder(seed: int, ticks: list[tuple[int, int]]) -> None:
    plain, of = eventful(seed), site(reorder="5s")
    with_ticks: list[Record] = []
    for i, record in enumerate(plain):
        upto = max(r.timestamp for r in plain[: i + 1])
        before = max([r.timestamp for r in plain[:i]], default=plain[0].timestamp)
        whole = record.headers == () or i == 0 or plain[i - 1].headers == ()  # parts of one configuration stay together
        extra = sorted(before + (upto - before) * share // 100 for at, share in ticks if at == i) if whole else []
        with_ticks += [*(tick(0, stamp) for stamp in extra), record]
    seldom, often = play(renumbered(plain), of=of), play(renumbered(with_ticks), of=of)
    for tape in (seldom, often):
        tape.events = [{k: v for k, v in e.items() if k != "received"} for e in tape.events]
    assert said(seldom) == said(often)
    assert seldom.points == often.points


def test_the_logs_hold_what_reorder_is_about() -> None:
    with_it = [play(jumbled(seed), of=site(reorder="5s")) for seed in range(12)]
    without = [play(jumbled(seed)) for seed in range(12)]
    late = [sum(tape.counts["late"] for tape in tapes) for tapes in (with_it, without)]
    assert 20 < late[0] < 0.7 * late[1]  # some come in order that did not; some are too late for any wait
    for tape in with_it:
        assert sum(tape.counts[name] for name in OUTCOMES) == tape.counts["readings_in"]


@given(seed=SEEDS)
@FEW
def test_every_reading_is_counted_once_whether_held_or_not(seed: int) -> None:
    records = jumbled(seed)
    tapes = [play(records, range(0, 200, 7), of=site(**o)) for o in ({"reorder": "5s"}, {"reorder": "30m"}, {})]
    assert len({tape.counts["readings_in"] for tape in tapes}) == 1
    assert len({tape.counts["rejected"] for tape in tapes}) == 1


def test_readings_out_of_order_within_the_wait_are_scored_and_late_without_it() -> None:
    watch = {"name": "w", "series": "*", "detector": {"kind": "limits", "high": 10}}
    order = [0, 3, 1, 2, 7, 5, 4, 6, 11, 9, 12, 10, 8]
    messages = [single(f"{LINE}/m1", float(s), s) for s in order]
    records = [r._replace(timestamp=START + i * SECOND) for i, r in enumerate(of_json(messages))]
    records.append(tick(len(records), START + 60 * SECOND))
    plain = play(records, of=site(watches=[watch]))
    assert (plain.counts["scored"], plain.counts["late"]) == (5, 8)
    held = play(records, of=site(watches=[watch], reorder="5s"))
    assert (held.counts["scored"], held.counts["late"]) == (13, 0)
    assert [float(v[4]) for v in held.verdicts] == sorted(map(float, order))
    assert [(e["phase"], e["value"]) for e in held.events] == [("opened", 11.0)]


def test_readings_wait_no_longer_than_they_must() -> None:
    watch = {"name": "w", "series": "*", "detector": {"kind": "limits", "high": 10}}
    running = engine(site(watches=[watch], reorder="5s"))

    def feed(*records: Record) -> list[float]:
        results = running.feed(decoded(renumbered(records)))
        assert results.counts["readings_in"] == len(results.verdicts.value)
        return results.verdicts.value.tolist()

    def reading(value: float, at_s: float, clock_s: float, asset: str = "m1") -> Record:
        return of_json([single(f"{LINE}/{asset}", value, at_s)])[0]._replace(timestamp=START + int(clock_s * SECOND))

    assert feed(reading(1.0, 0, 0)) == []  # held
    assert feed(reading(2.0, 4.9, 1)) == []
    assert feed(reading(3.0, 5.0, 2)) == [1.0]  # its asset is five seconds on
    assert feed(reading(9.0, 50, 2.5, "m2")) == []  # another asset's time moves nothing here
    assert feed(tick(0, START + 5 * SECOND)) == []
    assert feed(tick(0, START + 6 * SECOND)) == [2.0]  # has waited five seconds
    assert feed(tick(0, START + 60 * SECOND)) == [3.0, 9.0]
    assert feed(reading(4.0, 5.5, 61), reading(5.0, 5.2, 64), tick(0, START + 66 * SECOND)) == [5.0, 4.0]
    assert running.intake.reorder.holding == 0


def test_a_gateway_that_returns_after_a_day_catches_up_in_order_and_no_neighbour_notices() -> None:
    watches = [
        {"name": "level", "series": "*", "detector": {"kind": "robust_zscore", "warmup": 20, "half_life": "1h"}},
        {"name": "limits", "series": "*", "detector": {"kind": "limits", "high": 50}},
    ]
    rng = np.random.default_rng(3)
    day, minute = 86_400, 180
    noise = dict.fromkeys(range(0, day + 600, minute))
    noise = {s: 5.0 + float(rng.normal()) * 0.1 for s in noise} | {43_200: 99.0}
    stored = [single(f"{LINE}/m1", noise[s], s, name) for s in range(0, day, minute) for name in ("a", "b")]
    for i in range(20, len(stored), 20):  # what was kept of a and b comes back a little out of order
        stored[i - 2 : i + 2] = stored[i : i + 2] + stored[i - 2 : i]
    stored += [single(f"{LINE}/m1", noise[s], s, "c") for s in range(0, day, minute)]  # and behind it all of c
    live = of_json([single(f"{LINE}/m2", noise[s], s, "a") for s in noise])
    # its gateway was away for a day, and sends all of it within a minute, between the neighbour's readings
    back = [r._replace(timestamp=START + (day + 5) * SECOND + i * SECOND // 100) for i, r in enumerate(of_json(stored))]
    late = of_json([single(f"{LINE}/m1", 5.0, 601, "a")])[0]._replace(timestamp=START + (day + 50) * SECOND)
    records = sorted([*live, *back, late], key=lambda r: r.timestamp)
    end = tick(0, START + (day + 1200) * SECOND)
    of = site(watches=watches, reorder="90s")
    both, alone = play(renumbered([*records, end]), range(0, 5000, 97), of=of), play(renumbered([*live, end]), of=of)
    assert both.counts["late"] == 1  # older than its own series' newest
    assert both.counts["scored"] + both.counts["warming"] == len(live) + len(stored)
    beside = [[v[1:] for v in tape.verdicts if v[1].path == f"{LINE}/m2"] for tape in (both, alone)]
    assert beside[0] == beside[1]
    events = [e for e in both.events if e["asset"] == f"{LINE}/m1"]
    assert {(e["series"], e["watch"]) for e in events if e["phase"] == "opened"} >= {(s, "limits") for s in "abc"}
    assert all(e["backfill"] for e in events)
    assert not any(e["backfill"] for e in both.events if e["asset"] == f"{LINE}/m2")
    without = play(renumbered([*records, end]), of=site(watches=watches))
    assert without.counts["late"] == 1 + 2 * len(range(10, day // minute, 10))  # of a and of b


def test_what_is_held_keeps_text_quality_and_unit() -> None:
    watches = [
        {"name": "w", "series": "*/x", "when": "state == 'run'", "detector": {"kind": "limits", "high": 10}},
    ]
    messages = [
        single(f"{LINE}/m1", 20.0, 2, unit="Cel"),
        single(f"{LINE}/m1", 30.0, 3, quality="bad"),
        single(f"{LINE}/m1", "run", 1, "state"),
        single(f"{LINE}/m1", 5.0, 0.5),
    ]
    records = [r._replace(timestamp=START + (4 + i) * SECOND) for i, r in enumerate(of_json(messages))]
    records.append(tick(4, START + 60 * SECOND))
    tape = play(records, range(5), of=site(watches=watches, reorder="10s", store="all"), restart=True)
    assert [(p[1], p[3], p[5]) for p in tape.points] == [
        (repr(START + int(s * SECOND)), quality, text)
        for s, quality, text in ((0.5, "0", None), (1, "0", "run"), (2, "0", None), (3, "2", None))
    ]
    assert [(e["unit"], e["value"]) for e in tape.events] == [("Cel", 20.0)]  # the state was there before it
    assert tape.counts["withheld"] == 2  # before any state, and of bad quality


def test_a_waveform_is_judged_at_once_and_moves_its_asset_on() -> None:
    wave = {"asset": f"{LINE}/m1", "series": "v", "time": START + 9 * SECOND, "rate_hz": 10, "values": [1.0]}
    records = of_json([single(f"{LINE}/m1", 1.0, 0), single(f"{LINE}/m1", 2.0, 6), wave])
    tape = play(records, range(4), of=site(reorder="5s"))
    assert tape.counts["readings_in"] == 2
    assert {float(v[4]) for v in tape.verdicts if v[2].name == "limits"} == {1.0}


def test_without_reorder_nothing_is_held_and_watermarks_are_kept() -> None:
    records = of_json([single(f"{LINE}/m1", 1.0, 7), single(f"{LINE}/m2", 1.0, 9), single(f"{LINE}/m1", 1.0, 3, "y")])
    running = engine()
    running.feed(decoded(records))
    saved = running.snapshot()["intake"]
    assert saved["newest"] == {f"{LINE}/m1": START + 7 * SECOND, f"{LINE}/m2": START + 9 * SECOND}
    assert not len(saved["reorder"]["held"]["row"])


def test_a_wait_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        site(reorder="0s")


def test_files_are_scored_in_order_and_to_their_last_reading(tmp_path: Path) -> None:
    config, source, out = tmp_path / "site.toml", tmp_path / "in.csv", tmp_path / "out.csv"
    config.write_text(
        '[site]\nreorder = "5s"\n[[watch]]\nname = "w"\nseries = "*"\ndetector = {kind = "limits", high = 9}\n'
    )
    order = [0, 2, 1, 4, 3, 6, 5, 8, 7, 9]
    lines = [f"2026-01-05T08:00:0{s}Z,{asset},x,{s}" for s in order for asset in ("p/l1/a", "p/l2/b")]
    source.write_text("time,asset,series,value\n" + "\n".join(lines) + "\n")
    args = ["score", str(source), "--format", "long", "--config", str(config), "--out", str(out)]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    with open(out, newline="") as file:
        found = list(csv.DictReader(file))
    for asset in ("p/l1/a", "p/l2/b"):
        assert [float(row["value"]) for row in found if row["asset"] == asset] == [float(s) for s in range(10)]
