"""The life of a model: frozen after its warm-up, watched itself, started over; and transitions that teach nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from detectors.groups import group
from schemas.errors import Misconfigured
from streams.fitness import follow
from streams.site import parse_site
from tests.naive.fitness import NaiveFitness
from tests.unit.engine.logs import START, Tape, command, decoded, engine, play, renumbered
from tests.unit.engine.test_outcomes import of_json, single
from tests.unit.engine.test_watches import M1, told, watching

ROBUST = {"kind": "robust_zscore", "warmup": 20, "half_life": "1m", "accept_after": "20s"}
rng = np.random.default_rng(3)
NOISE = rng.normal(0, 0.1, 2000).round(3).tolist()


def readings(values: list[float], step_s: float = 1.0) -> list[Any]:
    return of_json([single(M1, v, i * step_s) for i, v in enumerate(values)])


def scores(tape: Tape) -> list[float]:
    return [float(v[5]) for v in tape.verdicts]


def test_a_frozen_watch_learns_in_its_warm_up_alone_however_the_log_is_cut() -> None:
    values = [20 + v for v in NOISE[:60]] + [25 + v for v in NOISE[60:200]]
    frozen = play(readings(values), of=watching(ROBUST, frozen=True))
    adapts = play(readings(values), of=watching(ROBUST))
    assert min(scores(frozen)[60:]) > 1
    assert max(scores(adapts)[120:]) < 1  # it has taken the new level as normal
    expected = [float(v[6]) for v in frozen.verdicts]
    assert len(set(expected[20:])) == 1
    frozen.same(play(readings(values), [7, 19, 20, 21, 22, 100], of=watching(ROBUST, frozen=True)))
    frozen.same(play(readings(values), range(0, 200, 3), of=watching(ROBUST, frozen=True)))


def test_a_rebaseline_lets_a_frozen_watch_learn_once_more() -> None:
    values = [20 + v for v in NOISE[:60]] + [25 + v for v in NOISE[60:200]]
    records = readings(values)
    records.insert(100, command(records[99].timestamp, "rebaseline", "b1", asset=M1, watch="w"))
    tape = play(renumbered(records), of=watching(ROBUST, frozen=True))
    after = scores(tape)[100:]
    assert all(s != s for s in after[:20])
    assert max(after[20:]) < 1


def test_one_event_says_that_a_model_no_longer_fits_and_nothing_else_until_it_does() -> None:
    # from minute 40 on it jumps about, 24 readings of 40 out of band: a wall of alarms otherwise
    values = [20 + v for v in NOISE[:480]]
    values += [20 + NOISE[i] + (8 if i % 40 >= 16 else 0) for i in range(480, 1200)]
    values += [20 + v for v in NOISE[1200:1900]]
    options = {**ROBUST, "half_life": "7d", "accept_after": "7d"}
    wall = play(readings(values, 300), of=watching(options, plausible=1.0, refractory="1m", false_alarms="100/day"))
    tape = play(readings(values, 300), of=watching(options, refractory="1m", false_alarms="100/day"))
    unfit = [e for e in tape.events if "no longer fits" in e["message"]["en"]]
    assert len(unfit) == 1
    assert len([e for e in wall.events if e["time"] > unfit[0]["time"]]) > 10
    began = (unfit[0]["time"] - START) / SECOND / 300
    assert 480 < began < 1200
    later = [e for e in tape.events if e["time"] > unfit[0]["time"]]
    assert [e["phase"] for e in later] == ["closed"]
    assert later[0]["reason"] == "recovered"
    assert (later[0]["time"] - START) / SECOND / 300 > 1200
    assert not [e for e in wall.events if "no longer fits" in e["message"]["en"]]
    tape.same(
        play(
            readings(values, 300), [500, 700, 701, 1300], of=watching(options, refractory="1m", false_alarms="100/day")
        )
    )


def test_a_health_watch_is_right_to_find_a_dead_sensor_anomalous_for_days() -> None:
    values = NOISE[:100] + [5.0] * 600
    tape = play(readings(values, 300), of=watching({"kind": "stuck"}))
    assert [e["phase"] for e in tape.events][:2] == ["opened", "escalated"]
    assert all("stood still" in e["message"]["en"] for e in tape.events)


@given(
    seed=st.integers(0, 2**32 - 1),
    limit=st.sampled_from([0.05, 0.3, 0.8]),
    cuts=st.lists(st.integers(0, 300)).map(sorted),
)
@settings(max_examples=25)
def test_fitness_is_as_its_twin_says(seed: int, limit: float, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    n, rows = 300, 3
    row = rng.integers(0, rows, n)
    score = np.where(rng.random(n) < rng.choice([0.1, 0.5, 0.9]), 1.5, 0.5)
    score[rng.random(n) < 0.1] = np.nan
    dt = np.where(rng.random(n) < 0.05, np.nan, rng.choice([1.0, 600.0, 7200.0], n))
    watch = engine(watching(ROBUST, plausible=limit)).watches[0]
    watch.owner.grow(rows)
    said: list[int] = []
    for a, b in zip([0, *cuts], [*cuts, n], strict=True):
        said += follow(watch, group(row[a:b]), dt[a:b], score[a:b]).tolist()
    twins = [NaiveFitness(limit) for _ in range(rows)]
    assert said == [twins[r].judge(d, s) for r, d, s in zip(row.tolist(), dt.tolist(), score.tolist(), strict=True)]


def test_after_a_change_of_mode_nothing_is_judged_or_learned_for_the_dwell() -> None:
    messages = [single(M1, "stop", 0, "state"), single(M1, "run", 10, "state")]
    messages += [single(M1, 50.0, t) for t in (9, 10, 12, 14.999, 15, 20)]
    messages.sort(key=lambda m: m["time"])
    of = watching({"kind": "limits", "high": 10}, when="state == 'run'", dwell="5s")
    tape = play(of_json(messages), of=of)
    assert [(v[3] - START) / SECOND for v in tape.verdicts if v[5] != "nan"] == [15, 20]
    assert told(tape) == [("opened", 15.0)]
    tape.same(play(of_json(messages), [1, 3, 4, 6], of=of))


def test_the_first_mode_that_is_known_is_no_change() -> None:
    messages = [single(M1, "run", 0, "state"), single(M1, 50.0, 1)]
    tape = play(of_json(messages), of=watching({"kind": "limits", "high": 10}, when="state == 'run'", dwell="5s"))
    assert told(tape) == [("opened", 1.0)]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('dwell = "5m"', "it needs when or by"),
        ("plausible = 1.5", "less than or equal to 1"),
        ("limit = 0", "greater than 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(line: str, why: str) -> None:
    with pytest.raises(Misconfigured, match=why):
        parse_site(f'[[watch]]\nname = "w"\nseries = "*"\ndetector = {{ kind = "stuck" }}\n{line}\n', "site.toml")


@pytest.mark.parametrize("kind", ["gap", "quality", "clock"])
def test_what_does_not_learn_from_values_cannot_be_frozen(kind: str) -> None:
    with pytest.raises(Misconfigured, match="frozen"):
        parse_site(
            f'[[watch]]\nname = "w"\nseries = "*"\nfrozen = true\ndetector = {{ kind = "{kind}" }}\n', "site.toml"
        )


def test_state_of_a_row_goes_with_a_snapshot() -> None:
    records = readings([20 + v for v in NOISE[:40]])
    running = engine(watching(ROBUST, frozen=True))
    running.feed(decoded(records))
    assert running.watches[0].owner["warm"].all()
    again = engine(watching(ROBUST, frozen=True))
    again.restore(running.snapshot())
    assert again.watches[0].owner["warm"].all()
