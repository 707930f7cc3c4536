"""Watches over key figures: which windows are judged, what is said of them, and the engine's laws."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from detectors.registry import REGISTRY
from schemas.chunk import Record
from schemas.errors import Misconfigured
from streams.figure_watches import series_of
from streams.site import parse_site
from tests.unit.engine.binned import BinnedZscore
from tests.unit.engine.logs import LINE, Tape, command, configure, engine, play, renumbered, tick
from tests.unit.kpi.figure_logs import HOUR, MINUTE, START, WATCHES, log, site

SEEDS = st.integers(0, 2**32 - 1)
CUTS = st.lists(st.integers(0, 400), max_size=6)
SOME = settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


@pytest.fixture(autouse=True, scope="module")
def registry() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(REGISTRY, "binned_zscore", BinnedZscore)
        yield


def eventful(seed: int) -> list[Record]:
    """A log with mutes that begin and end between windows, a rebaseline, another configuration, and an end that is
    hours later."""
    records = log(seed)
    third, half = len(records) // 3, len(records) // 2
    at = [records[i].timestamp for i in (third, half)]
    mute = command(at[0], "mute", "energy", {"until": at[0] + 95 * MINUTE}, asset="*/m1", watch="energy")
    again = command(at[1], "rebaseline", "m0", asset=f"{LINE}/m0")
    fewer = configure(site([w for w in WATCHES if w["name"] != "by day"], version=2), 0, at[1])
    out = [*records[:third], mute, *records[third:half], again, *fewer, *records[half:]]
    return renumbered([*out, tick(0, records[-1].timestamp + 3 * HOUR)])


@given(seed=SEEDS, cuts=CUTS)
@SOME
def test_batching_is_invisible(seed: int, cuts: list[int]) -> None:
    records = eventful(seed)
    play(records, of=site()).same(play(records, cuts, of=site()))


@given(seed=SEEDS)
@settings(max_examples=2, deadline=None)
def test_one_message_at_a_time_gives_the_same(seed: int) -> None:
    records = eventful(seed)
    play(records, of=site()).same(play(records, range(len(records)), of=site()))


@given(seed=SEEDS, cuts=CUTS)
@SOME
def test_with_reordering_too(seed: int, cuts: list[int]) -> None:
    records, of = eventful(seed), site(reorder="3m")
    play(records, of=of).same(play(records, cuts, of=of))


@given(seed=SEEDS, cuts=CUTS)
@SOME
def test_restoring_is_invisible(seed: int, cuts: list[int]) -> None:
    records = eventful(seed)
    play(records, of=site()).same(play(records, cuts, of=site(), restart=True))


@given(seed=SEEDS, ticks=st.lists(st.integers(0, 12 * 60), min_size=1, max_size=30))
@SOME
def test_extra_ticks_are_invisible(seed: int, ticks: list[int]) -> None:
    plain = eventful(seed)
    ticked = sorted([*plain, *(tick(0, START + minute * MINUTE) for minute in ticks)], key=lambda r: r.timestamp)
    seldom, often = play(plain, of=site()), play(renumbered(ticked), of=site())
    assert sorted(e["event_id"] for e in seldom.events) == sorted(e["event_id"] for e in often.events)
    assert sorted(map(str, seldom.events)) == sorted(map(str, often.events))
    assert sorted(str(v[1:]) for v in seldom.verdicts) == sorted(str(v[1:]) for v in often.verdicts)
    assert +seldom.counts == +often.counts


def test_the_logs_hold_what_the_laws_are_about() -> None:
    tapes = [play(eventful(seed), of=site()) for seed in range(6)]
    phases = {(e["watch"], e["phase"]) for tape in tapes for e in tape.events}
    assert {(name, "opened") for name in ("oee", "energy", "shifts", "plain")} <= phases
    assert ("energy", "closed") in phases
    judged = {v[2].name for tape in tapes for v in tape.verdicts if v[5] != "nan"}
    assert judged == {w["name"] for w in WATCHES}


def judged(tape: Tape, watch: str) -> list[tuple[str, str, int, float]]:
    """(asset, series, time, value) of what a watch has judged."""
    return [(v[1].path, v[1].series, v[3], float(v[4])) for v in tape.verdicts if v[2].name == watch and v[5] != "nan"]


@given(seed=SEEDS, cuts=CUTS)
@SOME
def test_each_window_is_judged_once_when_it_is_first_final(seed: int, cuts: list[int]) -> None:
    """Beside the rows on kpi.v1: of each series the final ones, newer than those before; the others are late."""
    takes = {"name": "all", "series": "*/kpi:*", "detector": {"kind": "limits", "low": -1}, "min_coverage": 0}
    tape = play(log(seed), cuts, of=site([takes]))
    newest: dict[tuple[str, str], int] = {}
    told = []
    for row in tape.kpis:
        key = (row["asset"], f"kpi:{row['kpi']}" + ("@shift" if row["shift"] else ""))
        if row["status"] == "final" and row["value"] is not None and row["end"] > newest.get(key, -1):
            newest[key] = row["end"]
            told.append((*key, row["end"], row["value"]))
    assert judged(tape, "all") == told
    assert any(series == "kpi:oee@shift" for _, series, _, _ in told)


def test_a_restated_window_does_not_alarm_again() -> None:
    energy = {"name": "energy", "series": "*/kpi:energy", "detector": {"kind": "limits", "high": 9}}
    restated = 0
    for seed in range(8):
        tape = play(log(seed), of=site([energy]))
        high = {(r["asset"], r["end"]) for r in tape.kpis if r["kpi"] == "energy" and r["status"] == "restated"}
        times = [(v[1].path, v[3]) for v in tape.verdicts]
        assert len(times) == len(set(times))
        restated += len(high & set(times))
    assert restated > 3, "some of the windows that were judged are restated later"


def run(watch: dict[str, Any], seed: int = 3) -> Tape:
    return play(log(seed), of=site([watch]))


def test_a_plain_star_takes_no_figures() -> None:
    tape = run({"name": "w", "series": "*", "detector": {"kind": "limits", "high": 11}})
    assert {v[1].series for v in tape.verdicts} == {"power", "total", "good"}


def test_figures_are_no_readings() -> None:
    plain = {"name": "w", "series": "*", "detector": {"kind": "limits", "high": 11}}
    figures = {"name": "f", "series": "*/kpi:*", "detector": {"kind": "limits", "low": -1}}
    without, with_them = play(log(3), of=site([plain])), play(log(3), of=site([plain, figures]))
    assert judged(with_them, "f")
    assert judged(with_them, "w") == judged(without, "w")
    extra = len([v for v in with_them.verdicts if v[2].name == "f" and v[5] != "nan"])
    assert with_them.counts["verdicts"] == without.counts["verdicts"] + extra
    for counts in (without.counts, with_them.counts):
        del counts["verdicts"]
    assert +without.counts == +with_them.counts
    assert with_them.points == without.points


def test_the_event_of_a_figure_says_what_it_is_of() -> None:
    tape = run({"name": "e", "series": "*/m0/kpi:energy", "detector": {"kind": "limits", "high": 5}})
    opened = tape.events[0]
    final = next(r for r in tape.kpis if r["asset"] == f"{LINE}/m0" and r["kpi"] == "energy" and not r["shift"]
                 and r["status"] == "final" and r["value"] and r["value"] > 5 and r["coverage"] >= 0.5)  # fmt: skip
    assert (opened["asset"], opened["series"]) == (f"{LINE}/m0", "kpi:energy")
    assert (opened["time"], opened["value"], opened["unit"]) == (final["end"], final["value"], "kW.h")
    assert (opened["phase"], opened["high"], opened["backfill"]) == ("opened", 5, False)
    assert opened["received"] % (5 * MINUTE) == 0, "the end of a kpi_interval"


def test_figures_of_little_coverage_are_withheld() -> None:
    def shares(least: float | None) -> list[tuple[bool, float]]:
        watch = {"name": "w", "series": "*/kpi:energy", "detector": {"kind": "limits", "low": -1}}
        tape = run(watch if least is None else {**watch, "min_coverage": least}, seed=5)
        cover = {(r["asset"], r["end"]): r["coverage"] for r in reversed(tape.kpis)
                 if r["kpi"] == "energy" and not r["shift"] and r["status"] == "final"}  # fmt: skip
        return [(v[5] != "nan", cover[v[1].path, v[3]]) for v in tape.verdicts]

    for least in (None, 0.95):
        said = shares(least)
        assert all(judged == (coverage >= (least or 0.5)) for judged, coverage in said)
        assert {judged for judged, _ in said} == {True, False}
    assert all(judged for judged, _ in shares(0.0))


def test_a_gate_on_the_shift_sees_the_windows_own_shift() -> None:
    # an hour that ends when the day ends is still of the day
    gated = {"name": "w", "series": "*/kpi:energy", "when": "shift == 'day'", "detector": {"kind": "limits", "low": -1},
             "min_coverage": 0}  # fmt: skip
    tape = run(gated)
    hours = {(v[3] - START) // HOUR for v in tape.verdicts if v[5] != "nan"}
    assert hours == {3, 4, 5, 6, 7, 8}


def test_a_series_of_that_name_is_refused() -> None:
    sent = Record(0, START, None, f'{{"asset":"{LINE}/m1","series":"kpi:oee","time":{START},"value":1}}'.encode())
    tape = play([sent], of=site())
    assert [r[1] for r in tape.rejections] == ["reserved_series"]
    assert "give it another name" in tape.rejections[0][2]


def test_a_joint_watch_over_everything_gathers_no_figures() -> None:
    figures = {"name": "f", "series": "*/kpi:*", "detector": {"kind": "limits", "low": -1}}
    joint = {"name": "j", "inputs": ["*"], "detector": {"kind": "t2_spe"}}
    running = engine(site([figures, joint]))
    from tests.unit.engine.logs import decoded

    running.feed(decoded(log(1)))
    inputs = running.joints[0].gathering.inputs[f"{LINE}/m0"]
    assert sorted(inputs.held) == ["good", "power", "total"]
    assert any(ref.series.startswith("kpi:") for ref in running.roster.refs)


MACHINE = '[[machine]]\nassets = "*"\nenergy = { power = "kw" }\n'


@pytest.mark.parametrize(
    ("watch", "said"),
    [
        ('series = "*/kpi:oee"\ndetector = { kind = "gap" }', "a key figure comes when its window is over"),
        ('series = "*/kpi:oee"\ndetector = { kind = "clock" }', "key figure"),
        ('series = "*/kpi:oee"\ndetector = { kind = "quality" }', "key figure"),
        ('series = ["*/kpi:oee", "*"]\ndetector = { kind = "limits" }', "make two watches"),
        ('inputs = ["kpi:oee"]\ndetector = { kind = "t2_spe" }', "each on its own"),
        ('inputs = ["kpi:oee"]\ndetector = { kind = "peers" }', "each on its own"),
        ('series = "*/kpi:oee"\nwhen = "state == 1"\ndetector = { kind = "limits" }', "weekday alone"),
        ('series = "*/kpi:oee"\nby = "shift"\ndetector = { kind = "limits" }', r"\[calendar\] shifts"),
        ('series = "*"\nmin_coverage = 0.5\ndetector = { kind = "limits" }', "min_coverage is of key figures"),
    ],
)
def test_what_such_a_watch_cannot_do_is_refused(watch: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        parse_site(f'{MACHINE}[[watch]]\nname = "w"\n{watch}\n', "site.toml")


def test_without_machines_there_is_nothing_to_watch() -> None:
    with pytest.raises(Misconfigured, match=r"no \[\[machine\]\]"):
        parse_site('[[watch]]\nname = "w"\nseries = "*/kpi:oee"\ndetector = { kind = "limits" }\n', "site.toml")


def test_series_of_hours_and_shifts_have_different_names() -> None:
    tape = run({"name": "w", "series": "*/kpi:*", "detector": {"kind": "limits", "low": -1}})
    from schemas.kpi import KpiRow

    lengths: dict[str, set[tuple[int, str]]] = {}
    for row in map(KpiRow.model_validate, tape.kpis):
        lengths.setdefault(series_of(row), set()).add((row.end - row.start, "shift" if row.shift else ""))
    assert lengths["kpi:oee"] == {(HOUR, "")}
    assert lengths["kpi:demand"] == {(30 * MINUTE, "")}
    assert lengths["kpi:energy@shift"] == {(6 * HOUR, "shift"), (12 * HOUR, "shift")}
