"""What watches on bins make of a log: when bins are judged, what their readings count as, and what events say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.base import Batch
from detectors.durations import SECOND
from schemas.chunk import Record
from schemas.errors import Misconfigured
from streams.resolve import resolve
from streams.site import Site, parse_site
from tests.data.plant import START as MADE
from tests.data.plant import Row, plant
from tests.data.ways import Sent, frames, mixed, singles, write_jsonl, write_long
from tests.unit.engine.binned import BinnedZscore, detector
from tests.unit.engine.logs import LINE, START, Tape, command, decoded, engine, play, renumbered, tick
from tests.unit.engine.test_outcomes import of_json, single
from tests.unit.score.helpers import run

M1 = f"{LINE}/m1"


def watching(every: str = "10s", series: dict[str, Any] | None = None, **more: Any) -> Any:
    """A site with one binned watch; `series` is what is declared of m1's."""
    options = {name: more.pop(name) for name in ("warmup", "limit") if name in more}
    watch = {"name": "w", "series": "*/x", "detector": detector(every, **options), "off_delay": "0s", **more}
    asset = [{"path": M1, "series": series or {}}]
    return resolve(Site.model_validate({"site": {"max_ahead": "1h"}, "asset": asset, "watch": [watch]}))


def judged(tape: Tape) -> list[tuple[float, float]]:
    """Time and mean of each verdict."""
    return [((v[3] - START) / SECOND, float(v[4])) for v in tape.verdicts]


def seconds(n: int, first: int = 1) -> list[Record]:
    return of_json([single(M1, float(i), i) for i in range(first, first + n)])


def test_each_bin_is_a_verdict_of_its_mean_at_its_end() -> None:
    tape = play(seconds(35), of=watching())
    assert judged(tape) == [(10, 5.5), (20, 15.5), (30, 25.5)]
    assert [v[0] for v in tape.verdicts] == [9, 19, 29]  # the messages that closed them


def test_readings_count_by_whether_their_row_is_warm_as_of_the_last_bin() -> None:
    tape = play(seconds(60), of=watching(warmup=3))
    # the fourth bin, closed by the reading at 40 s, is the first that is judged
    assert {name: n for name, n in tape.counts.items() if n} == {
        "readings_in": 60, "warming": 39, "scored": 21, "verdicts": 3,
    }  # fmt: skip


def test_bad_and_late_readings_enter_no_bin_and_uncertain_ones_only_where_none_is_good() -> None:
    messages = [single(M1, 1.0, 1), single(M1, 100.0, 2, quality="bad"), single(M1, None, 3), single(M1, 3.0, 4)]
    messages += [single(M1, 50.0, 2.5), single(M1, 70.0, 5, quality="uncertain"), single(M1, 5.0, 10)]
    messages += [single(M1, 7.0, 15, quality="uncertain"), single(M1, 9.0, 20, quality="bad")]
    records = [r._replace(timestamp=max(r.timestamp, START + 4 * SECOND)) for r in of_json(messages)]
    tape, running = play(records, of=watching()), engine(watching())
    assert judged(tape) == [(10, 3.0), (20, 7.0)]
    assert tape.counts["withheld"] == 3
    assert tape.counts["late"] == 1
    assert tape.counts["warming"] == 5
    running.feed(decoded(records))
    assert running.watches[0].bank.snapshot()["state"][0].tolist() == [1.0]  # the good bin alone was learned


def test_what_the_health_gate_withholds_enters_no_bin() -> None:
    messages = [single(M1, 900.0 if i == 5 else 1.0, i) for i in range(1, 11)]
    gate = {"name": "limits", "series": "*", "detector": {"kind": "limits", "high": 10}}
    of = watching()
    of = resolve(
        Site.model_validate(of.site.model_dump(mode="json") | {"watch": [gate, *of.site.model_dump()["watch"]]})
    )
    tape = play(of_json(messages), of=of)
    assert [float(v[4]) for v in tape.verdicts if v[2].name == "w"] == [1.0]


@pytest.mark.parametrize("noticed", [20.0, 20.5, 3000.0])
def test_a_bin_that_waits_in_vain_is_judged_at_its_deadline_whoever_notices(noticed: float) -> None:
    calm = [*seconds(60), *of_json([single(M1, 1e6, 61)], first=60)]
    of = watching(wait="10s")
    quiet = play([*calm, tick(61, START + 80 * SECOND - 1)], of=of)
    assert not quiet.events
    tape = play([*calm, tick(61, START + int((60 + noticed) * SECOND))], of=of)
    assert [(e["phase"], e["time"], e["received"]) for e in tape.events] == [
        ("opened", START + 70 * SECOND, START + 80 * SECOND)
    ]
    assert not tape.events[0]["backfill"]


def test_an_event_tells_the_bin_and_its_verdict_can_be_recomputed() -> None:
    messages = [single(M1, 20.0 + (i % 7) / 10, i, unit="Cel") for i in range(1, 201)]
    messages += [single(M1, 90.0, i) for i in range(201, 231)]
    tape = play(of_json(messages), of=watching(warmup=4))
    opened = tape.events[0]
    assert (opened["phase"], opened["time"], opened["received"]) == (
        "opened",
        START + 210 * SECOND,
        START + 210 * SECOND,
    )
    assert (opened["value"], opened["unit"], opened["decision"]["readings"]) == (90.0, "Cel", 10)
    made = BinnedZscore.model_validate(opened["decision"]["options"])
    state = made.init(1)
    for name, value in opened["decision"]["state"].items():
        getattr(state, name)[0] = value
    one = np.ones(1)
    batch = Batch(
        np.array([opened["time"]]), one * opened["decision"]["x"], one * opened["decision"]["dt"], one > 0,
        one.astype(np.int32),
    )  # fmt: skip
    _, verdict = made.step(state, batch)
    assert verdict.score[0] == opened["decision"]["raw"]
    assert verdict.score[0] / opened["decision"]["threshold"] == opened["score"]


def test_each_mode_has_bins_of_its_own_and_a_change_of_mode_cuts_them() -> None:
    messages = []
    for i in range(1, 61):
        mode = "run" if i < 17 or i >= 43 else "idle"
        messages += [single(M1, mode, i, "state"), single(M1, 100.0 if mode == "run" else float(i), i)]
    tape = play(of_json(messages), of=watching(by="state"))
    # from 11 to 17 s more than half a bin is there; from 17 to 20 s not, nor from 41 to 43 s
    assert judged(tape) == [(10, 100.0), (17, 100.0), (30, 25.5), (40, 35.5), (50, 100.0), (60, 100.0)]
    gated = play(of_json(messages), of=watching(when="state == 'run'"))
    assert judged(gated) == [(10, 100.0), (17, 100.0), (50, 100.0), (60, 100.0)]
    assert gated.counts["withheld"] == 26


def test_a_declared_interval_of_a_minute_gives_each_reading_by_itself_from_the_first_on() -> None:
    records = of_json([single(M1, float(i), 300 * i + 7) for i in range(30)])
    declared = play(records, of=watching("auto", {"x": {"interval": "5m"}}))
    assert judged(declared) == [(300 * i + 7, i) for i in range(30)]
    learned = judged(play(records, of=watching("auto")))
    assert learned[20:] == judged(declared)[20:]
    assert [(t, x) for t, x in learned[:20]] == [(-(-(300 * i + 7) // 60) * 60, i) for i in range(20)]


def test_a_change_of_the_declared_interval_starts_over_where_bins_have_another_length() -> None:
    running = engine(watching("auto", {"x": {"interval": "5m"}}))
    running.feed(decoded(of_json([single(M1, float(i), 300 * i + 7) for i in range(9)])))
    bank = running.watches[0].bank
    assert bank.learned_since(0) is not None
    from streams.collect import Collector

    for interval, lost in (("4m", 0), ("1s", 1), ("2s", 0)):
        assert running.take_up(watching("auto", {"x": {"interval": interval}}), Collector(), 0) == lost
    assert bank.learned_since(0) is None


def test_a_rebaseline_and_a_mute_let_go_of_what_is_open() -> None:
    calm, later = seconds(15), of_json([single(M1, 7.0, i) for i in range(16, 31)], first=15)
    for kind, payload in (("rebaseline", None), ("mute", {"until": START + 18 * SECOND})):
        told = command(START + 15 * SECOND, kind, "c1", payload, asset="*", watch="w")
        tape = play(renumbered([*calm, told, *later]), of=watching())
        assert judged(tape) == [(10, 5.5), (20, 7.0), (30, 7.0)]


def test_a_mute_that_ends_gives_the_same_with_and_without_ticks() -> None:
    told = command(START + 15 * SECOND, "mute", "c1", {"until": START + 33 * SECOND}, asset="*", watch="w")
    later = of_json([single(M1, 7.0, i) for i in range(16, 51)])
    plain = renumbered([*seconds(15), told, *later])
    ticks = renumbered([*seconds(15), told, *(r for x in later for r in (tick(0, x.timestamp - SECOND // 2), x))])
    assert judged(play(plain, of=watching())) == judged(play(ticks, of=watching())) == [(10, 5.5), (40, 7), (50, 7)]


@pytest.mark.parametrize("text", ["0s", "-1s", "fast"])
def test_an_interval_that_is_none_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(Misconfigured, match="interval"):
        parse_site(f'[[asset]]\npath = "m"\n[asset.series.x]\ninterval = "{text}"\n', "site.toml")


SITE = """
[site]
languages = ["en"]

[[watch]]
name = "limits"
series = "*/pressure"
detector = { kind = "limits", high = 130.0 }

[[watch]]
name = "seconds"
series = "*"
wait = "1m"
refractory = "30s"
detector = { kind = "binned_zscore", every = "5s", warmup = 20, half_life = "2m" }
false_alarms = "1/h"

[[watch]]
name = "auto"
series = "*"
refractory = "30s"
detector = { kind = "binned_zscore", warmup = 3 }
false_alarms = "1/h"

[[watch]]
name = "by state"
series = ["*/temp", "*/speed"]
by = "state"
wait = "1m"
refractory = "30s"
detector = { kind = "binned_zscore", every = "7s", warmup = 10, half_life = "2m" }
false_alarms = "1/h"
"""


def test_singles_frames_and_files_give_the_same_answer(tmp_path: Path) -> None:
    rows = plant(["penang/smt/line1"], machines=3, instants=700)
    rows.append(Row("penang/smt/line1/last", MADE + 900 * SECOND, {"uptime": 1.0}))  # nothing waits at the end
    files = [
        answer(run(tmp_path, path, "--format", kind, site=SITE))
        for path, kind in (
            (write_long(rows, tmp_path / "a.csv"), "long"),
            (write_jsonl(frames(rows, 4), tmp_path / "b.jsonl"), "jsonl"),
        )
    ]
    assert len(files[0][0]) > 1000
    assert {e["watch"] for e in files[0][1].values()} == {"limits", "seconds", "auto", "by state"}
    assert files[1] == files[0]
    for sent in (frames(rows, 1), singles(rows, 2), mixed(rows, 3)):
        assert of_log(sent) == files[0]


Answer = tuple[list[tuple[Any, ...]], dict[str, dict[str, Any]]]


def answer(done: Any) -> Answer:
    """Verdict rows and events of a scored file."""
    assert done.status == 0, done.said
    rows = [tuple(row[1:4] + [number(x) for x in row[4:9]] + [row[0]]) for row in done.rows]
    return sorted(rows, key=str), events(done.events)


def number(text: str) -> float | None:
    return float(text) if text else None


def events(bodies: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    moved = ("received", "detected")  # when they were noticed
    return {e["event_id"]: {name: x for name, x in e.items() if name not in moved} for e in bodies}


def of_log(sent: list[Sent]) -> Answer:
    """Verdict rows and events of messages in a log of one partition."""
    from schemas.decode import Decoder
    from schemas.times import format_time
    from streams.engine import Engine

    records = [Record(i, m.time, m.key, m.value, m.headers) for i, m in enumerate(sent)]
    running, tape = Engine(0, 1, resolve(parse_site(SITE, "site.toml"))), Tape()
    for at in range(0, len(records), 97):
        chunk = Decoder().decode(records[at : at + 97], 0)
        tape.add(running.feed(chunk), chunk)
    rows = []
    for _, ref, watch, time, *numbers in ((*v[:4], *v[4:9]) for v in tape.verdicts):
        found = [float(x) for x in numbers]
        rows.append(
            (ref.path, ref.series, watch.name, *(x if abs(x) < np.inf else None for x in found), format_time(time))
        )
    return sorted(rows, key=str), events(tape.events)
