"""Whatever comes in: no exception, no warning, no opinion on what is no number, the same memory for ever."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.base import Batch, Detector, pick, take
from tests.contract.cases import ALARMS_ON_CONSTANT, TRACKS, detectors, in_units
from tests.contract.readings import INPUTS, START, Stream, bank_of, run, same_bits, stream
from tests.strict import NO_WARNINGS

pytestmark = NO_WARNINGS

SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=6)


def with_values(given: Stream, x: Any) -> Stream:
    return given._replace(batch=given.batch._replace(x=x))


def judged(detector: Detector[Any], given: Stream, rows: int = 4) -> Any:
    bank = bank_of(detector, rows)
    if detector.judges_silence:
        return bank.run_silence(given.rows, given.batch, given.batch.time)[0], bank
    return bank.run(given.rows, given.batch), bank


@detectors()
@given(seed=SEEDS)
@settings(max_examples=12)
def test_scores_are_numbers_of_0_and_more_or_no_opinion_and_nothing_warns(detector: Detector[Any], seed: int) -> None:
    j, _ = judged(detector, stream(seed, detector))
    assert not np.isinf(j.raw).any()
    assert not (j.raw < 0).any()
    assert not np.isnan(j.threshold).any()
    assert ((j.verdict.warm >= 0) & (j.verdict.warm <= 1)).all()
    assert not j.alarm[np.isnan(j.raw)].any()
    # below 1 nothing is an alarm, whichever rule sets the threshold
    assert not (j.alarm & (j.score < 1)).any()


@detectors(judges_silence=False, judges="value")
@given(seed=SEEDS)
@FEW
def test_an_absent_value_has_no_opinion_and_leaves_the_later_scores_as_if_it_had_not_come(
    detector: Detector[Any], seed: int
) -> None:
    whole = stream(seed, detector, tame=True)
    rng = np.random.default_rng(seed)
    absent = rng.random(len(whole.rows)) < 0.2
    x = whole.batch.x.copy()
    x[absent] = np.nan
    with_holes, _ = judged(detector, with_values(whole, x))
    assert np.isnan(with_holes.raw[absent]).all()
    # without them, the time since the row's last reading is longer by as much
    kept = whole.part(~absent)
    dt, newest = kept.batch.dt.copy(), dict[int, int]()
    for i, (row, t) in enumerate(zip(kept.rows.tolist(), kept.batch.time.tolist(), strict=True)):
        dt[i] = (t - newest[row]) / 1e9 if row in newest else np.nan
        newest[row] = t
    without, _ = judged(detector, Stream(kept.rows, kept.batch._replace(dt=dt)))
    if detector.kind in ("robust_zscore", "peers"):
        # weights are of the time since the row's last reading, absent ones included: near, not equal
        assert (np.isnan(with_holes.raw[~absent]) == np.isnan(without.raw)).all()
    else:
        np.testing.assert_allclose(with_holes.raw[~absent], without.raw, rtol=1e-9)


@detectors()
def test_an_empty_batch_is_judged(detector: Detector[Any]) -> None:
    whole = stream(1, detector)
    bank = bank_of(detector, 4)
    before = bank.snapshot()
    assert run(bank, whole.part(slice(0, 0))) == []
    assert same_bits(bank.snapshot(), before)
    state = take(bank._state, slice(0, 0))
    _, verdict = detector.step(state, pick(whole.batch, slice(0, 0)))
    assert verdict.score.shape == (0,)


@detectors()
def test_one_row_of_one_reading_is_judged(detector: Detector[Any]) -> None:
    whole = stream(1, detector, r=1, rows=1)
    j, _ = judged(detector, whole, rows=1)
    assert j.raw.shape == j.alarm.shape == j.verdict.expected.shape == (1,)


@detectors()
@pytest.mark.parametrize("level", [2.5, 0.0, -0.5])
def test_a_constant_input_never_alarms(detector: Detector[Any], level: float) -> None:
    if any((detector.kind, option) in ALARMS_ON_CONSTANT and getattr(detector, option) for option in ("after",)):
        pytest.skip("an alarm by definition")
    time = START + np.arange(3000) * 500_000_000
    x = np.full(3000 if detector.shape == "series" else (3000, INPUTS), level)
    one = np.full(3000, 0.5)
    waves = detector.shape == "waveform"
    constant = Stream(
        np.zeros(3000, dtype=np.int64),
        Batch(time, x, one, one > 0, (time // 10**9 % 604_800).astype(np.int32), one if waves else None, one),
    )
    bank = bank_of(detector, 1)
    if detector.judges_silence:
        j, silences = bank.run_silence(constant.rows, constant.batch, time)
        assert not silences
    else:
        j = bank.run(constant.rows, constant.batch)
    assert not j.alarm.any()
    assert not (j.score >= 1).any()


@detectors()
@given(seed=SEEDS, power=st.integers(-8, 8))
@FEW
def test_scale_leaves_the_score_where_the_class_says_so(detector: Detector[Any], seed: int, power: int) -> None:
    if "scale" not in detector.invariance or in_units(detector):
        pytest.skip("it does not say so")
    whole = stream(seed, detector, tame=True)
    plain, _ = judged(detector, whole)
    scaled, _ = judged(detector, with_values(whole, whole.batch.x * 2.0**power))
    assert same_bits(plain.raw, scaled.raw)
    assert same_bits(plain.alarm, scaled.alarm)
    assert same_bits(plain.verdict.expected * 2.0**power, scaled.verdict.expected)


@detectors()
@given(seed=SEEDS, shift=st.integers(-(2**20), 2**20))
@FEW
def test_shift_leaves_the_score_where_the_class_says_so(detector: Detector[Any], seed: int, shift: int) -> None:
    if "shift" not in detector.invariance:
        pytest.skip("it does not say so")
    whole = stream(seed, detector, tame=True)
    plain, _ = judged(detector, whole)
    shifted, _ = judged(detector, with_values(whole, whole.batch.x + float(shift)))
    np.testing.assert_allclose(plain.raw, shifted.raw, rtol=1e-6, atol=1e-6)


@detectors()
@given(seed=SEEDS)
@FEW
def test_readings_that_are_not_to_be_learned_teach_nothing(detector: Detector[Any], seed: int) -> None:
    bank = bank_of(detector, 4)
    run(bank, stream(seed, detector))
    before = take(bank._state, slice(0, 4))
    run(bank, stream(seed + 1, detector, learn=False))
    after = take(bank._state, slice(0, 4))
    for name in before._fields:
        if name not in TRACKS.get(detector.kind, frozenset()):
            assert same_bits(getattr(before, name), getattr(after, name)), name


@detectors()
def test_readings_that_are_to_be_learned_teach_something(detector: Detector[Any]) -> None:
    # so that the test above cannot pass on a detector that never learns
    bank = bank_of(detector, 4)
    before = bank.snapshot()["state"]
    run(bank, stream(3, detector, learn=True))
    assert not same_bits(before, bank.snapshot()["state"])


@detectors()
def test_memory_a_row_is_the_same_after_thousands_of_readings(detector: Detector[Any]) -> None:
    def held(r: int) -> int:
        bank = bank_of(detector, 1)
        run_quietly(bank, stream(2, detector, r=r, rows=1))
        saved = bank.snapshot()
        return sum(a.nbytes for a in (*saved["state"], *saved["calibration"], saved["learned_since"]))

    assert held(4_000) == held(10)  # what explains an alarm is no memory: it leaves with the event


def run_quietly(bank: Any, given: Stream) -> None:
    if bank.detector.judges_silence:
        bank.run_silence(given.rows, given.batch, given.batch.time)
    else:
        bank.run(given.rows, given.batch)


@detectors()
def test_every_option_set_speaks_on_these_streams(detector: Detector[Any]) -> None:
    # a contract proved on streams that a detector never has an opinion of would prove nothing
    alarms, opinions = 0, 0
    for seed in range(8):
        bank = bank_of(detector, 4)
        given = stream(seed, detector)
        if detector.judges_silence:
            j, silences = bank.run_silence(given.rows, given.batch, given.batch.time)
            alarms += len(silences)
        else:
            j = bank.run(given.rows, given.batch)
        alarms += int(j.alarm.sum())
        opinions += int(np.isfinite(j.raw).sum())
    assert opinions > 50
    assert alarms > 3
    assert math.isfinite(alarms)
