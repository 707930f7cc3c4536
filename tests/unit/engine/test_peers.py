"""Peers watches in the engine: who is compared with whom and when, what an event says, and the laws of state."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from schemas.chunk import Record
from schemas.decode import Decoder
from streams.engine import Engine
from streams.site import WatchOptions
from streams.state.codec import pack, unpack
from streams.state.regroup import regroup
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
    log,
    play,
    renumbered,
    site,
    tick,
)
from tests.unit.engine.test_regroup import LINES, Farm, N, assert_same, plant

SEEDS = st.integers(0, 2**32 - 1)
CUTS = st.lists(st.integers(0, 200), max_size=6)
SOME = settings(max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])
FEW = settings(max_examples=4, phases=[Phase.explicit, Phase.reuse, Phase.generate])
KIND = {"kind": "peers", "at_least": 2, "warmup": 2, "limit": 0.8, "accept_after": "2m"}
WATCHES: list[dict[str, Any]] = [
    {"name": "limits", "series": "*", "detector": {"kind": "limits"}, "off_delay": "3s"},
    {
        "name": "alike",
        "inputs": ["a", "b"],
        "stale": "10m",
        "off_delay": "40s",
        "refractory": "5s",
        "detector": KIND,
    },
    {
        "name": "alike while running",
        "inputs": ["a"],
        "when": "state == 'run'",
        "wait": "3s",
        "stale": "20m",
        "off_delay": "1m",
        "detector": {**KIND, "limit": 0.5},
    },
    {"name": "alike in a mode", "inputs": ["*"], "by": "state", "stale": "15m", "refractory": "1s", "detector": KIND},
]


def reading(offset: int, machine: str, seconds: float, value: Any, series: str = "temp", late: float = 0) -> Record:
    time = START + int(seconds * SECOND)
    body = {"asset": f"{LINE}/{machine}", "series": series, "time": time, "value": value}
    return Record(offset, time + int(late * SECOND), None, json.dumps(body).encode())


def temperatures(
    machines: int, rounds: int, value: Any, watch: dict[str, Any] | None = None, apart: float = 0.0
) -> Tape:
    """Machines m0, m1, ... that read every 5 s, each `apart` seconds after the one before."""
    records = []
    for t in range(rounds):
        for m in range(machines):
            records.append(reading(len(records), f"m{m}", 5 * t + apart * m, value(t, m)))
    alike = {"name": "alike", "inputs": ["temp"], "detector": {"kind": "peers"}} | (watch or {})
    return play(records, of=site(watches=[alike]))


def noise(seed: int = 1) -> Any:
    rng = np.random.default_rng(seed)
    return lambda t, m: 200.0 + 10 * np.sin(t / 20) + float(rng.normal())


@pytest.mark.parametrize("apart", [0.0, 0.4])
def test_one_that_differs_is_told_on_its_first_day_with_what_its_peers_say(apart: float) -> None:
    usual = noise()
    tape = temperatures(5, 200, lambda t, m: usual(t, m) + (12.0 if m == 2 and t >= 120 else 0.0), apart=apart)
    opened = [e for e in tape.events if e["phase"] == "opened"]
    assert [(e["asset"], e["series"], e["watch"]) for e in opened] == [(f"{LINE}/m2", "temp", "alike")]
    event = opened[0]
    assert event["low"] < event["expected"] < event["high"] < event["value"]
    assert abs(event["expected"] - (200 + 10 * np.sin(6))) < 2
    assert "peers" in event["message"]["en"]
    assert sorted(event["decision"]["peers"]) == [f"{LINE}/m{m}" for m in (0, 1, 3, 4)]


def test_what_all_machines_do_together_is_no_anomaly() -> None:
    usual = noise()
    tape = temperatures(5, 200, lambda t, m: usual(t, m) + (300.0 if t >= 120 else 0.0))
    assert tape.events == []
    assert tape.counts["scored"] > 850


def test_each_reading_has_one_verdict() -> None:
    tape = temperatures(4, 50, noise(), apart=0.7)
    told = [(v[1].asset, v[3]) for v in tape.verdicts]
    assert len(told) == len(set(told)) == 200 - 3  # the last waits for the others' next


def test_a_burst_of_readings_leaves_the_others_peers() -> None:
    usual, records = noise(), []
    for t in range(120):
        for m in range(5):
            records.append(reading(len(records), f"m{m}", 5 * t + 0.3 * m, usual(t, m)))
        if t == 20:
            records += [reading(0, "m4", 5 * t + 1.2 + 0.01 * i, usual(t, 4)) for i in range(1, 6)]
    alike = {"name": "alike", "inputs": ["temp"], "detector": {"kind": "peers"}}
    tape = play(renumbered(records), of=site(watches=[alike]))
    late = [v for v in tape.verdicts if v[3] > START + 200 * SECOND]
    assert len(late) > 350
    assert "nan" not in {v[5] for v in late}


def test_three_machines_have_two_peers_each_and_no_opinion() -> None:
    tape = temperatures(3, 60, noise())
    assert {v[5] for v in tape.verdicts} == {"nan"}


def test_machines_of_another_line_are_no_peers() -> None:
    records = []
    usual = noise()
    for t in range(60):
        for m in range(6):
            record = reading(len(records), f"m{m}", 5 * t, usual(t, m))
            if m >= 3:
                record = record._replace(value=record.value.replace(b"line1/", b"line1b/"))  # type: ignore[union-attr]
            records.append(record)
    of = site(watches=[{"name": "alike", "inputs": ["temp"], "detector": {"kind": "peers"}}])
    whole = Engine(0, 1, of)
    results = whole.feed(Decoder(b"0" * 16).decode(records, 0))
    assert np.isnan(results.verdicts.score).all()
    assert len(whole.peers[0].gathering.inputs) == 2


def test_a_machine_in_another_mode_is_no_peer() -> None:
    usual, records = noise(), []
    for t in range(80):
        for m in range(5):
            if t in (0, 50) and (m == 0 or t == 0):
                mode = "idle" if t == 50 else "run"
                records.append(reading(len(records), f"m{m}", 5 * t - 0.1, mode, "state"))
            idle = m == 0 and t >= 50
            records.append(reading(len(records), f"m{m}", 5 * t, 20.0 if idle else usual(t, m)))
    for mode in ({"by": "state"}, {"when": "state == 'run'"}):
        alike = {"name": "alike", "inputs": ["temp"], "detector": {"kind": "peers"}} | mode
        tape = play(records, of=site(watches=[alike]))
        assert tape.events == []
        m1 = [float(v[5]) for v in tape.verdicts if v[1].asset == "m1" and v[3] >= START + 260 * SECOND]
        assert np.isfinite(m1).all()  # three peers are left, and none of them is the idle one
    plain = play(records, of=site(watches=[{"name": "alike", "inputs": ["temp"], "detector": {"kind": "peers"}}]))
    assert {e["asset"] for e in plain.events} == {f"{LINE}/m0"}


def test_a_sensor_in_fault_is_no_peer() -> None:
    usual, records = noise(), []
    for t in range(80):
        for m in range(4):
            broken = m == 3 and t >= 50
            records.append(reading(len(records), f"m{m}", 5 * t, -999.0 if broken else usual(t, m)))
    limits = {"name": "limits", "series": "*", "detector": {"kind": "limits", "low": 0}}
    tape = play(
        records, of=site(watches=[limits, {"name": "alike", "inputs": ["temp"], "detector": {"kind": "peers"}}])
    )
    assert {(e["asset"], e["watch"]) for e in tape.events} == {(f"{LINE}/m3", "limits")}
    late = [v for v in tape.verdicts if v[2].name == "alike" and v[3] > START + 255 * SECOND]
    assert late
    assert {v[5] for v in late} == {"nan"}  # two peers are not enough


def test_a_watch_of_another_kind_takes_no_modes_over_inputs() -> None:
    options = {"name": "w", "inputs": ["a"], "when": "state == 'run'", "detector": {"kind": "peers"}}
    assert WatchOptions.model_validate(options).when
    with pytest.raises(ValueError, match="inputs"):
        WatchOptions.model_validate({"name": "w", "series": "*", "detector": {"kind": "peers"}})


# --- the laws


def open_episode(records: list[Record]) -> str:
    running = engine(site(watches=WATCHES))
    running.feed(decoded(renumbered(records)))
    ids = [episode.id for watch in running.watches[1:] for episode in watch.episodes.open.values()]
    return ids[0] if ids else "none"


def commanded(seed: int) -> list[Record]:
    """A log with commands to peers watches in it."""
    records: list[Record] = []
    for i, record in enumerate(log(seed, 150)):
        now = max((r.timestamp for r in [*records, record]), default=0)
        if i == 30:
            records.append(command(now, "mute", "one", {"until": now + 30 * SECOND}, asset="*/m1", watch="alike*"))
        elif i == 60:
            records.append(command(now, "rebaseline", "some", asset="*/m2", series="a", watch="alike*"))
            records.append(command(now, "reject", "false", episode=open_episode(records)))
        elif i == 80:
            records.append(command(now, "mute", "all", {"until": now + 20 * SECOND}, asset="*", watch="alike"))
            records.append(command(now, "approve", "normal", episode=open_episode(records)))
        records.append(record)
    return renumbered(records)


def eventful(seed: int) -> list[Record]:
    """As `commanded`, and two changes of configuration."""
    records = commanded(seed)
    looser = [WATCHES[0], {**WATCHES[1], "detector": {**KIND, "limit": 1.0}}, WATCHES[2]]
    records[110:110] = configure(site(version=3, watches=WATCHES), 0, records[110].timestamp)
    records[70:70] = configure(site(version=2, watches=looser), 0, records[70].timestamp)
    return renumbered(records)


@given(seed=SEEDS, cuts=CUTS, reorder=st.sampled_from([None, "3s"]))
@SOME
def test_batching_is_invisible(seed: int, cuts: list[int], reorder: str | None) -> None:
    records, of = eventful(seed), site(watches=WATCHES, reorder=reorder)
    play(records, of=of).same(play(records, cuts, of=of))


@given(seed=SEEDS)
@FEW
def test_one_message_at_a_time_gives_the_same(seed: int) -> None:
    records, of = eventful(seed), site(watches=WATCHES)
    play(records, of=of).same(play(records, range(len(records)), of=of))


@given(seed=SEEDS, cuts=CUTS)
@SOME
def test_restoring_is_invisible(seed: int, cuts: list[int]) -> None:
    records, of = eventful(seed), site(watches=WATCHES)
    play(records, of=of).same(play(records, cuts, of=of, restart=True))


@given(seed=SEEDS, ticks=st.lists(st.tuples(st.integers(0, 150), st.integers(0, 100)), min_size=1, max_size=30))
@SOME
def test_extra_ticks_are_invisible(seed: int, ticks: list[tuple[int, int]]) -> None:
    plain, of = commanded(seed), site(watches=WATCHES)
    end = tick(0, plain[-1].timestamp + 3600 * SECOND)
    with_ticks: list[Record] = []
    for i, record in enumerate([*plain, end]):
        upto = max(r.timestamp for r in [*plain, end][: i + 1])
        before = max([r.timestamp for r in plain[:i]], default=plain[0].timestamp)
        extra = sorted(before + (upto - before) * share // 100 for at, share in ticks if at == i)
        with_ticks += [*(tick(0, stamp) for stamp in extra), record]
    seldom = play(renumbered([*plain, end]), of=of)
    often = play(renumbered(with_ticks), of=of)

    def events(tape: Any) -> list[Any]:
        return sorted(([e["event_id"], {k: v for k, v in e.items() if k != "received"}] for e in tape.events), key=str)

    assert events(seldom) == events(often)
    assert sorted(str(v[1:]) for v in seldom.verdicts) == sorted(str(v[1:]) for v in often.verdicts)
    assert +seldom.counts == +often.counts


def test_the_logs_hold_what_the_laws_are_about() -> None:
    tapes = [play(eventful(seed), of=site(watches=WATCHES)) for seed in range(20)]
    told = {(e["watch"], e["phase"]) for tape in tapes for e in tape.events}
    for watch in WATCHES[1:]:
        assert (watch["name"], "opened") in told, watch["name"]
    reasons = {e["reason"] for tape in tapes for e in tape.events if e["watch"].startswith("alike")}
    assert {"recovered", "muted", "approved", "rejected", "rebaselined", "reconfigured"} <= reasons
    scored = [v for tape in tapes for v in tape.verdicts if v[2].name == "alike in a mode" and v[5] != "nan"]
    assert len(scored) > 25


@given(seed=SEEDS, cut=st.integers(20, 380), to=st.sampled_from([4, 7, 12]))
@FEW
def test_growing_partitions_changes_nothing(seed: int, cut: int, to: int) -> None:
    of, records = site(watches=WATCHES), plant(seed)

    def said(sizes: list[int]) -> list[Any]:
        farm = Farm(sizes[0], of)
        farm.feed(records[:cut])
        for size in sizes[1:]:
            farm = farm.grown(size)
        farm.feed(records[cut:])
        farm.all(None, records[-1].timestamp + 3600 * SECOND)
        return farm.said()

    assert_same(said([N, to]), said([N]))


def test_growing_deals_every_group_out_to_one_partition() -> None:
    farm = Farm(N, site(watches=WATCHES))
    farm.feed(plant(3))
    saved = [unpack(pack(e.snapshot())) for e in farm.engines]
    before = sorted(str(group) for s in saved for group, _ in s["peers"]["alike"]["groups"])
    after = [str(group) for s in regroup(saved, 7, "line") for group, _ in s["peers"]["alike"]["groups"]]
    assert sorted(after) == before
    assert len(before) >= len(LINES)


def test_a_snapshot_holds_what_peers_gather() -> None:
    running = Engine(PARTITION, PARTITIONS, site(watches=WATCHES))
    running.feed(decoded(log(4)))
    assert running.snapshot()["peers"]["alike"]["groups"]
