"""Duplicate gives what its twin gives, names the pair, and leaves what merely goes together alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.anomaly.duplicate import Duplicate
from detectors.bank import Bank
from detectors.calibration import Calibration
from detectors.durations import SECOND
from streams.site import WatchOptions
from tests.contract.readings import bank_of, stream
from tests.naive.duplicate import NaiveDuplicate
from tests.strict import NO_WARNINGS
from tests.unit.detectors.test_t2_spe import batch
from tests.unit.engine.logs import LINE, Tape, play, renumbered, site, tick
from tests.unit.engine.test_outcomes import of_json, single

pytestmark = NO_WARNINGS

M1 = f"{LINE}/m1"


def judge(x: Any, **options: Any) -> Any:
    x = np.asarray(x, dtype=float)
    made = Bank(Duplicate(**options), Calibration(rule="own", rate_per_s=0.0, refractory_ns=0), x.shape[1])
    made.grow(1)
    return made.run(np.zeros(len(x), dtype=np.int64), batch(x))


@pytest.mark.parametrize("agreements", [2, 5])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_it_scores_as_its_twin_says(agreements: int, seed: int) -> None:
    detector = Duplicate(agreements=agreements)
    whole = stream(seed, detector, r=150, rows=2)
    rng = np.random.default_rng(seed)
    x = whole.batch.x.copy()
    if rng.random() < 0.5:  # a copy that comes an instant later, each of the two at instants of its own
        x[1::2, 0], x[1::2, 1] = x[::2, 0][: len(x[1::2])], x[::2, 0][: len(x[1::2])]
        x[2::2, 1] = x[1:-1:2, 1]
    said = bank_of(detector, 2).run(whole.rows, whole.batch._replace(x=x))
    twins = [NaiveDuplicate(detector, x.shape[1]) for _ in range(2)]
    expected = [
        twins[row].judge(values, learn)
        for row, values, learn in zip(whole.rows.tolist(), x.tolist(), whole.batch.learn.tolist(), strict=True)
    ]
    np.testing.assert_allclose(said.raw, expected, rtol=1e-12, atol=1e-12)


def noise(n: int, p: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(n, p)).round(3)


def test_a_copy_that_is_read_a_moment_later_is_found() -> None:
    x = noise(900, 3)
    rows = np.repeat(x, 2, axis=0)
    rows[:, 1] = np.concatenate(([0.0], rows[:-1, 0]))  # each value of the first, half an interval later
    assert (judge(rows).score[-1] >= 1).all()


def test_a_copy_in_single_precision_is_found() -> None:
    x = 1013.25 + noise(700, 2).cumsum(axis=0) / 50
    x[:, 1] = x[:, 0].astype(np.float32)
    assert judge(x).score[-1] >= 1


def test_one_bad_transfer_does_not_end_it_and_a_sensor_of_its_own_does() -> None:
    x = noise(1500, 2)
    x[:1000, 1] = x[:1000, 0]
    x[700, 1] += 1.0
    score = judge(x).score
    assert score[600] >= 1
    assert score[701] >= 0.8
    assert score[-1] == 0


@pytest.mark.parametrize("step", [0.5, 0.1, 0.02])
def test_two_sensors_of_coarse_resolution_beside_each_other_stay_silent(step: float) -> None:
    rng = np.random.default_rng(4)
    true = rng.normal(0, 0.1, 20_000).cumsum()[:, None]
    x = np.round((true + rng.normal(0, 0.02, (20_000, 2))) / step) * step
    assert np.nanmax(judge(x).score) < 0.5


def test_what_is_moved_together_stays_silent() -> None:
    n = np.arange(20_000)
    toggles, setpoint = (n // 7) % 2, 200 + 5 * ((n // 60) % 7)
    profile, counter = np.round(40 * np.sin(n / 140), 2), n // 3
    x = np.stack([noise(20_000, 1)[:, 0], *[s for s in (toggles, setpoint, profile, counter) for _ in "12"]], axis=1)
    assert np.nanmax(judge(x).score) < 0.5


def played(names: str, value: Any, n: int = 400) -> Tape:
    records = of_json([single(M1, value(t, name), t, name) for t in range(n) for name in names])
    watch = {"name": "one sensor, two tags", "inputs": ["*"], "detector": {"kind": "duplicate"}}
    return play(renumbered([*records, tick(0, records[-1].timestamp + 60 * SECOND)]), of=site(watches=[watch]))


def test_the_event_names_the_pair_and_nothing_is_withheld() -> None:
    x = dict(zip("abc", noise(400, 3).T.tolist(), strict=True))
    tape = played("abc", lambda t, name: x["a" if name == "c" else name][t])
    opened = tape.events[0]
    assert opened["decision"]["pairs"] == [["a", "c"]]
    assert opened["contribution"] == {"a": 0.5, "b": 0.0, "c": 0.5}
    assert "a = c" in opened["message"]["en"]
    assert tape.counts["withheld"] == 0


def test_a_whole_machine_that_is_copied_is_told_pair_by_pair() -> None:
    x = noise(400, 1)[:, 0]
    tape = played("abcd", lambda t, name: float(x[t]) + 50 * ("abcd".index(name) // 2))
    assert tape.events[0]["decision"]["pairs"] == [["a", "b"], ["c", "d"]]
    assert "a = b, c = d" in tape.events[0]["message"]["en"]


def test_it_is_joint_and_has_nothing_to_freeze() -> None:
    options = {"name": "w", "inputs": ["*"], "detector": {"kind": "duplicate"}}
    assert WatchOptions.model_validate(options).inputs
    with pytest.raises(ValueError, match="frozen"):
        WatchOptions.model_validate(options | {"frozen": True})
    with pytest.raises(ValueError, match="inputs"):
        WatchOptions.model_validate({"name": "w", "series": "*", "detector": {"kind": "duplicate"}})
