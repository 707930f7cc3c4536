"""Joint inputs that are out: in fault, silent, late; the others go on, and the event says which are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detectors.durations import SECOND
from schemas.chunk import Record
from tests.unit.engine.logs import LINE, START, Tape, decoded, engine, play, renumbered, site, tick
from tests.unit.engine.test_outcomes import of_json, single

M1 = f"{LINE}/m1"
LIMITS = {"name": "limits", "series": "*", "detector": {"kind": "limits", "high": 100}}
LOW = {"kind": "spread", "limit": 5, "warmup": 1}


def watching(inputs: list[str], detector: dict[str, Any] = LOW, **more: Any) -> Any:
    joint = {"name": "joint", "inputs": inputs, "detector": detector, "off_delay": "0s", **more}
    return site(watches=[LIMITS, joint])


def reading(name: str, value: float | None, at_s: float, arrives_s: float | None = None, **more: Any) -> Record:
    stamp = START + int((at_s if arrives_s is None else arrives_s) * SECOND)
    return of_json([single(M1, value, at_s, name, **more)])[0]._replace(timestamp=stamp)


def of_joint(tape: Tape) -> tuple[list[Any], list[dict[str, Any]]]:
    verdicts = [((v[3] - START) / SECOND, float(v[5])) for v in tape.verdicts if v[2].name == "joint"]
    return verdicts, [e for e in tape.events if e["watch"] == "joint"]


def test_an_input_in_fault_is_out_at_once_nobody_waits_for_it_and_the_event_names_it() -> None:
    records = []
    for t in range(8):
        broken = 3 <= t < 6
        records += [reading("x", 1.0, t), reading("z", 500.0 if broken else 1.0, t)]
        records += [reading("y", 9.0 if t == 5 else 2.0, t)]
    of = watching(["x", "y", "z"], wait="30s")
    tape = play(renumbered([*records, tick(0, START + 31 * SECOND)]), of=of)
    verdicts, events = of_joint(tape)
    assert verdicts[1:] == [(t, pytest.approx(1.6 if t == 5 else 0.2)) for t in range(1, 8)]
    opened = events[0]
    assert (opened["time"] - START) / SECOND == 5.0
    assert opened["decision"]["out"] == ["z"]
    assert opened["decision"]["inputs"] == {"x": 1.0, "y": 9.0, "z": "nan"}
    assert opened["contribution"] == {"x": 0.5, "y": 0.5, "z": 0.0}
    assert tape.counts["withheld"] == 0  # what limits finds was scored by it
    tape.same(play(renumbered([*records, tick(0, START + 31 * SECOND)]), range(30), of=of, restart=True))


@pytest.mark.parametrize("fault", [{"quality": "bad"}, {}])
def test_a_reading_of_bad_quality_or_of_no_value_puts_its_input_out(fault: dict[str, Any]) -> None:
    records = [reading(name, 1.0, t) for t in range(3) for name in "xyz"]
    records += [reading("z", 50.0 if fault else None, 3, **fault), reading("x", 1.0, 3), reading("y", 1.0, 3)]
    verdicts, _ = of_joint(play(renumbered([*records, tick(0, START + 60 * SECOND)]), of=watching(["x", "y", "z"])))
    assert verdicts[-1] == (3.0, 0.0)


def test_a_sensor_that_was_never_well_is_no_input() -> None:
    records = [reading(name, 500.0 if name == "z" else 1.0, t) for t in range(4) for name in "xyz"]
    running = engine(of := watching(["x", "y", "z"]))
    tape = play(renumbered([*records, tick(0, START + 60 * SECOND)]), of=of)
    assert len(of_joint(tape)[0]) == 4
    running.feed(decoded(renumbered(records)))
    assert running.joints[0].gathering.inputs[M1].names == ["x", "y"]


def test_an_input_that_comes_back_late_for_every_instant_is_waited_for_again() -> None:
    # y is silent for 20 s, so nobody waits for it; then each of its values arrives half a second after x's
    records = [reading(name, 1.0, t) for t in range(4) for name in "xy"]
    records += [reading("x", 1.0, t) for t in range(4, 24)]
    for t in range(24, 30):
        records += [reading("x", 1.0, t), reading("y", 9.0, t, t + 0.5)]
    of = watching(["x", "y"], wait="2s", stale="5s")
    log = renumbered([*records, tick(0, START + 60 * SECOND)])
    tape = play(log, of=of)
    verdicts, events = of_joint(tape)
    # the instant of 24 s was judged without y; from 25 s on they wait, and meet
    assert [at for at, score in verdicts if score >= 1] == [25.0, 26.0, 27.0, 28.0, 29.0]
    assert [(e["phase"], (e["time"] - START) / SECOND) for e in events] == [("opened", 25.0)]
    tape.same(play(log, range(0, 60, 3), of=of, restart=True))


def test_the_ridge_detector_goes_on_with_the_rest_and_has_no_opinion_below_its_share_of_inputs() -> None:
    rng = np.random.default_rng(1)
    names = ["a", "b", "c", "d"]
    records = []
    for t in range(120):
        load = rng.normal()
        for i, name in enumerate(names):
            out = (name == "d" and t >= 80) or (name in "bc" and t >= 100)
            records.append(reading(name, 500.0 if out else load * (i + 1) + 0.1 * rng.normal(), t))
    of = watching(names, {"kind": "t2_spe", "warmup": 60})
    tape = play(renumbered([*records, tick(0, START + 300 * SECOND)]), of=of)
    verdicts, _ = of_joint(tape)
    score = np.array([score for _, score in verdicts])
    assert np.isnan(score[:60]).all()
    assert np.isfinite(score[60:100]).all()
    assert np.isnan(score[100:]).all()


def test_the_message_of_the_ridge_detector_names_what_contributes_most() -> None:
    rng, records = np.random.default_rng(2), []
    for t in range(140):
        load = rng.normal()
        for i, name in enumerate("abcd"):
            value = (-load if name == "c" and t >= 100 else load) * (i + 1) + 0.1 * rng.normal()
            records.append(reading(name, value, t))
    of = watching(["*"], {"kind": "t2_spe", "warmup": 80})
    _, events = of_joint(play(renumbered([*records, tick(0, START + 300 * SECOND)]), of=of))
    assert (events[0]["time"] - START) / SECOND >= 100
    assert events[0]["contribution"]["c"] > 0.5
    assert "most of it (and expected): c " in events[0]["message"]["en"]
