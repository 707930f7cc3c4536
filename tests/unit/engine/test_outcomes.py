"""Every reading is counted once and stored by its rule: against a twin that goes cell by cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from schemas.chunk import SeriesKey, columns
from schemas.partition import key_of, partition_of
from streams.engine import Engine
from streams.resolve import resolve
from streams.results import OUTCOMES
from streams.site import Site
from tests.naive.outcomes import NaiveIntake, thinned
from tests.unit.engine.logs import (
    ELSEWHERE,
    KEY,
    LINE,
    PARTITION,
    PARTITIONS,
    START,
    Tape,
    decoded,
    engine,
    forwarded,
    log,
    play,
    renumbered,
    site,
    tick,
)  # fmt: skip

SEEDS = st.integers(0, 2**32 - 1)
STORE = {"a": "all", "b": "change", "c": "none"}


def naive() -> NaiveIntake:
    return NaiveIntake(
        path=lambda asset: f"{LINE}/m1" if asset == "old-name" else asset,
        store=lambda asset, series: STORE.get(series, "1s") if asset == f"{LINE}/m1" else "1s",
        home=lambda asset: asset == "old-name" or partition_of(key_of(asset), PARTITIONS) == PARTITION,
        max_ahead=60 * SECOND,
    )


@given(seed=SEEDS)
@settings(max_examples=15)
def test_every_reading_is_in_one_outcome_and_stored_by_its_rule(seed: int) -> None:
    records = log(seed)
    records[40:40] = [tick(0, records[40].timestamp)]
    records = renumbered(records)
    tape, twin, chunk = play(records), naive(), decoded(records)
    twin.take(chunk)
    counts = tape.counts
    assert sum(counts[name] for name in OUTCOMES) == counts["readings_in"]
    for name in ("late", "duplicate", "corrections", "rejected", "misrouted"):
        assert counts[name] == twin.counts[name], name
    assert sum(counts[n] for n in ("scored", "warming", "withheld", "unwatched", "muted")) == twin.counts["new"]
    stored = [
        (ref.path, ref.series, int(t), text or value, late == "True") for ref, t, value, _, late, text in tape.points
    ]
    assert stored == twin.points


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9 * 10**8), st.sampled_from([1.0, 50.0])), max_size=60))
@settings(max_examples=30)
def test_stored_verdicts_are_those_of_the_twin(steps: list[tuple[int, int, float]]) -> None:
    watch = {"name": "w", "series": "*", "detector": {"kind": "limits", "high": 10, "deadband": 1}}
    time, messages = START, []
    for row, gap, value in steps:
        time += gap
        messages.append({"asset": f"{LINE}/m{row}", "series": "x", "time": time, "value": value})
    tape = play(of_json(messages), cuts=[len(messages) // 2], of=site(watches=[watch]))
    armed = dict.fromkeys(range(3), True)
    rows = []
    for verdict, (row, _, value) in zip(tape.verdicts, steps, strict=True):
        alarm = value > 10 and armed[row]
        armed[row] = value < 9
        rows.append((row, verdict[3], int(verdict[9]), alarm))
    assert [v[10] == "True" for v in tape.verdicts] == thinned(rows)


def of_json(messages: list[dict[str, Any]], first: int = 0) -> list[Any]:
    import json

    from schemas.chunk import Record

    return [
        Record(first + i, m["time"] if isinstance(m["time"], int) else max(m["time"]), None, json.dumps(m).encode())
        for i, m in enumerate(messages)
    ]


def single(asset: str, value: Any, at_s: float, series: str = "x", **more: Any) -> dict[str, Any]:
    return {"asset": asset, "series": series, "time": START + int(at_s * SECOND), "value": value, **more}


def test_instants_are_thinned_like_readings() -> None:
    watch = {"name": "w", "inputs": ["x", "y"], "wait": "1ms", "detector": {"kind": "spread", "limit": 5, "warmup": 1}}
    at = [START + i * SECOND // 10 for i in range(25)]
    frame = {"asset": f"{LINE}/m1", "time": at, "series": {"x": [1.0] * 25, "y": [1.0] * 20 + [9.0] * 5}}
    tape = play(
        of_json([frame, {**frame, "time": [at[-1] + SECOND], "series": {"x": [1.0], "y": [1.0]}}]),
        of=site(watches=[watch]),
    )
    kept = [(v[3] - START) // (SECOND // 10) for v in tape.verdicts if v[10] == "True"]
    assert kept == [0, 1, 10, 20, 21, 34]  # seconds, the end of the warm-up, the alarm and its end


def test_a_message_of_another_partition_goes_on_and_counts_as_misrouted_alone() -> None:
    records = of_json([single(ELSEWHERE, 1.0, 0), single(f"{LINE}/m1", 1.0, 0)])
    tape = play(records)
    home = partition_of(key_of(ELSEWHERE), PARTITIONS)
    assert [(f.record, f.partition) for f in tape.forwards] == [(records[0], home)]
    assert tape.counts["misrouted"] == 1
    assert tape.counts["readings_in"] == 1


def test_a_forwarded_message_is_taken_once_and_one_that_does_not_belong_here_is_refused() -> None:
    here, there = of_json([single(f"{LINE}/m1", 1.0, 0), single(ELSEWHERE, 1.0, 1)])
    tape = play(
        renumbered([forwarded(here, 0, 5), forwarded(here, 0, 5), forwarded(here, 0, 4), forwarded(there, 0, 6)])
    )
    assert tape.counts["reforwarded"] == 2
    assert tape.counts["readings_in"] == 2
    assert [(r[0], r[1]) for r in tape.rejections] == [(3, "misrouted")]
    assert not tape.forwards


@pytest.mark.parametrize("what", ["origin", "control"])
def test_what_is_not_signed_with_the_sites_key_is_refused(what: str) -> None:
    record = of_json([single(f"{LINE}/m1", 1.0, 0)])[0]
    if what == "origin":
        headers = [(name, value.replace(b":5:", b":6:")) for name, value in forwarded(record, 0, 5).headers]
        forged = record._replace(headers=headers)
    else:
        real = tick(0, START)
        forged = real._replace(value=(real.value or b"").replace(b"tick", b"tock"))
    tape = play([forged])
    assert [r[1] for r in tape.rejections] == [f"forged_{what}"]
    assert tape.counts["rejected"] == tape.counts["readings_in"] == 1
    assert KEY not in str(tape.rejections).encode()


def test_a_strict_site_rejects_assets_it_does_not_name_with_one_record_a_message() -> None:
    frame = {"asset": f"{LINE}/m2", "time": [START], "series": {name: [1.0] for name in "abcdef"}}
    tape = play(of_json([frame, single("old-name", 1.0, 1)]), of=site(strict=True))
    assert [(r[0], r[1], r[4]) for r in tape.rejections] == [(0, "unknown_asset", 6)]
    assert tape.counts["rejected"] == 6
    assert tape.counts["readings_in"] == 7


def test_series_above_the_most_are_rejected_whatever_the_batches_and_instants_do_not_count() -> None:
    watches = [{"name": "j", "inputs": ["a", "b"], "wait": "1s", "detector": {"kind": "spread"}}]
    messages = [single(f"{LINE}/m1", 1.0, i, series) for i, series in enumerate("abab")]
    wave = {"asset": f"{LINE}/m1", "series": "v", "time": START + 5 * SECOND, "rate_hz": 10, "values": [1.0]}
    records = of_json([*messages, wave, single(f"{LINE}/m1", 1.0, 6, "c"), single(f"{LINE}/m1", 1.0, 7, "a")])
    of = site(watches=watches, max_series=3)
    tape = play(records, of=of)
    assert [(r[0], r[1]) for r in tape.rejections] == [(5, "too_many_series")]
    assert {v[1].series for v in tape.verdicts} == {"j"}
    tape.same(play(records, range(9), of=of))


def test_verdicts_stand_in_the_order_of_message_cell_and_watch() -> None:
    watches = [{"name": n, "series": "*", "detector": {"kind": "limits", "high": 9}} for n in ("second", "first")]
    at = [START, START + SECOND]
    frame = {"asset": f"{LINE}/m1", "time": at, "series": {"y": [1.0, 2.0], "x": [3.0, 4.0]}}
    tape = play(of_json([frame, single(f"{LINE}/m1", 5.0, 2)]), of=site(watches=watches))
    order = [(float(v[4]), v[2].name) for v in tape.verdicts]
    assert order == [(value, name) for value in (1.0, 3.0, 2.0, 4.0, 5.0) for name in ("second", "first")]
    assert [v[0] for v in tape.verdicts] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_an_alias_is_its_asset() -> None:
    tape = play(of_json([single("old-name", 1.0, 0, "a"), single(f"{LINE}/m1", 2.0, 1, "a")]))
    assert {p[0].path for p in tape.points} == {f"{LINE}/m1"}
    assert {v[1].path for v in tape.verdicts} == {f"{LINE}/m1"}


def test_the_clock_never_goes_back() -> None:
    records = [tick(0, START), tick(1, START - 5 * SECOND), tick(2, START + SECOND), tick(3, START)]
    running = engine()
    clocks = [running.feed(decoded([record])).received for record in records]
    assert clocks == [START, START, START + SECOND, START + SECOND]


def test_a_null_before_the_first_number_is_no_number_however_the_log_is_cut() -> None:
    records = of_json([single(f"{LINE}/m1", None, 0), single(f"{LINE}/m1", 1.0, 1)])
    tape = play(records)
    tape.same(play(records, [1]))
    assert tape.counts["unwatched"] == 1


def test_a_correction_is_what_the_next_reading_has_changed_from() -> None:
    records = of_json(
        [single(f"{LINE}/m1", 5.0, 0, "b"), single(f"{LINE}/m1", 6.0, 0, "b"), single(f"{LINE}/m1", 5.0, 1, "b")]
    )
    tape = play(records)
    assert [(p[2], p[4]) for p in tape.points] == [("5.0", "False"), ("6.0", "True"), ("5.0", "False")]
    tape.same(play(records, [2]))


def test_arrays_and_messages_of_the_same_readings_give_the_same() -> None:
    n = 300
    times = START + np.arange(n) * SECOND
    values = np.where(np.arange(n) == 250, 400.0, 5.0 + np.arange(n) % 3)
    of = resolve(Site())
    records = of_json(
        [{"asset": "m", "series": "x", "time": int(t), "value": float(v)} for t, v in zip(times, values, strict=True)]
    )
    by_message, by_array = Tape(), Tape()
    chunk = decoded(records)
    by_message.add(Engine(0, 1, of).feed(chunk), chunk)
    place = np.arange(n, dtype=np.int32)
    chunk = columns(times, place, [SeriesKey("m", "x", None)], place * 0, times, values)
    by_array.add(Engine(0, 1, of).feed(chunk), chunk)
    by_message.same(by_array)
    assert [e["phase"] for e in by_array.events if e["watch"] == "robust_zscore"][:1] == ["opened"]
