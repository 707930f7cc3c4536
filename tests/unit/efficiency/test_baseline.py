"""Baselines and savings: equal to a slow oracle, held to the guideline, and a known saving on a real meter."""

from __future__ import annotations

import csv
import gzip
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.anomaly.average_run_length import average_run_length
from detectors.base import Floats
from detectors.efficiency.baseline import Baseline, BaselineState, predict
from detectors.efficiency.fit import VERDICTS, Figures, accepted, figures
from detectors.efficiency.savings import DECISION, REFERENCE, change, init, savings, step
from tests.naive.efficiency.baseline import NaiveBaseline, naive_cusum


def plant(seed: int, n: int, constant: bool = False) -> tuple[Floats, Floats]:
    """Energy (n,) of inputs (n, 3): production, CDD, HDD; noise, some outliers, some lost values."""
    rng = np.random.default_rng(seed)
    heat = 15 + 10 * np.sin(np.arange(n) / 6) + rng.normal(0, 3, n)
    made = np.full(n, 100.0) if constant else rng.uniform(50, 150, n)
    x = np.stack([made, np.maximum(heat - 18, 0), np.maximum(12 - heat, 0)], axis=1)
    y = 200 + x @ np.array([2.0, 8.0, 5.0]) + rng.normal(0, 15, n)
    y[rng.random(n) < 0.03] += 400
    y[rng.random(n) < 0.03] = np.nan
    return y, x


def learned(energy: Floats, inputs: Floats, baseline: Baseline | None = None) -> BaselineState:
    baseline = baseline or Baseline()
    state = baseline.init(1)
    for y, x in zip(energy, inputs, strict=True):
        state, _ = baseline.step(state, np.array([y]), x[None])
    return state


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=8)
def test_equals_the_naive_baseline(seed: int, constant: bool) -> None:
    energy, inputs = plant(seed, 60, constant)
    baseline, slow = Baseline(outlier=3.0, warmup=20), NaiveBaseline(3.0, 20)
    state = baseline.init(1)
    for y, x in zip(energy, inputs, strict=True):
        state, said = baseline.step(state, np.array([y]), x[None])
        np.testing.assert_allclose(said.energy[0], slow.take(y, x.tolist()), rtol=1e-9)
    np.testing.assert_allclose(state.coefficients[0], slow.coefficients, rtol=1e-7, atol=1e-7)
    fit = figures(state)
    got = [fit.r2[0], fit.cv_rmse[0], fit.nmbe[0], fit.autocorrelation[0]]
    np.testing.assert_allclose(got, slow.figures(), rtol=1e-7, atol=1e-9)
    assert fit.parameters[0] == len(slow.columns) == (3 if constant else 4)


def test_baselines_together_give_the_same_bits_as_each_alone() -> None:
    baseline = Baseline(warmup=8)
    parts = [plant(seed, 40) for seed in range(3)]
    state = baseline.init(3)
    for i in range(40):
        before = state
        state, _ = baseline.step(state, np.array([p[0][i] for p in parts]), np.stack([p[1][i] for p in parts]))
        again, _ = baseline.step(before, np.array([p[0][i] for p in parts]), np.stack([p[1][i] for p in parts]))
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(state, again, strict=True))
    for i, part in enumerate(parts):
        alone = learned(*part, baseline)
        assert all(np.array_equal(a[[i]], b, equal_nan=True) for a, b in zip(state, alone, strict=True))


def test_outliers_do_not_bend_the_line_that_least_squares_would_bend() -> None:
    energy, inputs = plant(1, 200)
    true = np.array([200, 2, 8, 5])
    robust, plain = learned(energy, inputs), learned(energy, inputs, Baseline(outlier=1e9))
    at = np.array([[100.0, 5.0, 0.0]])
    target = predict(true[None], at)
    assert abs(predict(robust.coefficients, at) - target) < 0.5 * abs(predict(plain.coefficients, at) - target)


def test_a_period_that_is_not_to_be_learned_is_judged_and_leaves_the_line_as_it_was() -> None:
    baseline = Baseline()
    state = learned(*plant(2, 50))
    after, said = baseline.step(state, np.array([900.0]), np.array([[100.0, 0.0, 0.0]]), np.array([False]))
    assert said.saved[0] == said.energy[0] - 900
    np.testing.assert_array_equal(after.coefficients, state.coefficients)
    np.testing.assert_array_equal(figures(after).r2, figures(state).r2)


GOOD = {"r2": 0.80, "cv_rmse": 0.14, "nmbe": 0.01, "rmse": 5.0, "periods": 365, "autocorrelation": 0.2, "parameters": 3}
CASES = [
    ({}, "monthly", 0),
    ({"periods": 11}, "daily", 1),
    ({"r2": 0.74}, "daily", 2),
    ({"r2": 0.75, "cv_rmse": 0.30, "nmbe": -0.10}, "daily", 0),
    ({"cv_rmse": 0.301}, "hourly", 3),
    ({"cv_rmse": 0.151}, "monthly", 3),
    ({"nmbe": -0.101}, "daily", 4),
    ({"nmbe": 0.051}, "monthly", 4),
]


@pytest.mark.parametrize(("but", "period", "verdict"), CASES)
def test_ashrae_guideline_14_limits(but: dict[str, float], period: str, verdict: int) -> None:
    said = Figures(**{name: np.array([value]) for name, value in (GOOD | but).items()})  # type: ignore[arg-type]
    assert accepted(said, period)[0] == verdict  # type: ignore[arg-type]


def test_nothing_learned_is_not_accepted() -> None:
    assert VERDICTS[accepted(figures(Baseline().init(1)), "daily")[0]] == "too few periods to say"


@given(st.lists(st.floats(-50, 50) | st.just(float("nan")), min_size=1, max_size=60))
def test_savings_and_their_cusum_equal_the_naive_ones(saved: list[float]) -> None:
    fit = Figures(**{name: np.array([value]) for name, value in GOOD.items()})
    state = init(1)
    for s in saved:
        state = step(state, np.array([100.0]), np.array([100.0 - s]), fit)
    sigma = 5.0 * np.sqrt(1.2 / 0.8)
    exact = [100.0 - (100.0 - s) for s in saved]
    less, more, less_for, more_for = naive_cusum(exact, sigma, REFERENCE)
    np.testing.assert_allclose([state.less[0], state.more[0]], [less, more], rtol=1e-9, atol=1e-12)
    assert [state.less_for[0], state.more_for[0]] == [less_for, more_for]
    known = [s for s in exact if s == s]
    assert savings(state, fit).saved[0] == pytest.approx(sum(known), abs=1e-9)
    assert change(state).proposed[0] == (less >= DECISION or more >= DECISION)


def test_a_lasting_shift_is_proposed_with_when_it_began_and_noise_alone_hardly_ever() -> None:
    assert average_run_length(REFERENCE, DECISION) == pytest.approx(1037, abs=5)
    fit = Figures(**{name: np.array([value]) for name, value in (GOOD | {"autocorrelation": 0.0}).items()})
    rng = np.random.default_rng(4)
    noise, state = rng.normal(0, 5, 400), init(1)
    for e in noise[:200]:
        state = step(state, np.array([100.0]), np.array([100.0 + e]), fit)
        assert not change(state).proposed[0]
    shifted = 0
    while not change(state).proposed[0]:
        state = step(state, np.array([100.0]), np.array([105.0 + noise[200 + shifted]]), fit)
        shifted += 1
    said = change(state)
    assert shifted < 30
    assert said.direction[0] == 1
    assert abs(said.periods_ago[0] - shifted) <= 10
    assert said.per_period[0] == pytest.approx(5, abs=3)


Row = tuple[str, float, float, float]


def illinois(shared_data: Path, by: int) -> list[Row]:
    """(time, kWh, CDD, HDD) of a real house meter, by day (10 characters of the time) or hour (13)."""

    def read(name: str) -> dict[str, float]:
        with gzip.open(shared_data / "energy" / name, "rt") as file:
            return {row[0]: float(row[1]) for row in itertools.islice(csv.reader(file), 1, None)}

    meter, warmth = read("il-electricity-cdd-hdd-hourly.csv.gz"), read("il-electricity-cdd-hdd-tempF.csv.gz")
    out: list[Row] = []
    for key, group in itertools.groupby(sorted(meter), key=lambda t: t[:by]):
        times = list(group)
        cdd = [max(warmth[t] - 65, 0.0) for t in times]
        hdd = [max(60 - warmth[t], 0.0) for t in times]
        out.append((key, sum(meter[t] for t in times), sum(cdd) / len(cdd), sum(hdd) / len(hdd)))
    return out


def test_il_electricity_daily_shows_the_10_percent_saving_with_an_interval_that_holds_it(shared_data: Path) -> None:
    rows = illinois(shared_data, 10)
    before = np.array([r[1:] for r in rows if "2015-12-26" <= r[0] < "2016-12-26"])
    after = np.array([r[1:] for r in rows if "2017-01-04" < r[0] <= "2018-01-04"])
    none = np.zeros(len(before))
    state = learned(before[:, 0], np.column_stack([none, before[:, 1:]]))
    fit = figures(state)
    x = np.column_stack([none + 1, before[:, 1:]])
    residuals = before[:, 0] - x @ np.linalg.lstsq(x, before[:, 0], rcond=None)[0]
    cv = np.sqrt(residuals @ residuals / (len(x) - 3)) / before[:, 0].mean()
    assert fit.cv_rmse[0] == pytest.approx(cv, rel=1e-9)  # no outlier here: it is ordinary least squares
    assert fit.r2[0] == pytest.approx(1 - residuals @ residuals / (len(x) * before[:, 0].var()), rel=1e-9)
    assert fit.cv_rmse[0] == pytest.approx(0.235, abs=0.005)
    assert fit.r2[0] == pytest.approx(0.80, abs=0.005)
    assert VERDICTS[accepted(fit, "daily")[0]] == "accepted"
    summed = init(1)
    for kwh, cdd, hdd in after:
        expected = predict(state.coefficients, np.array([[0.0, cdd, hdd]]))
        summed = step(summed, expected, np.array([kwh]), fit)
    said = savings(summed, fit)
    assert said.share[0] == pytest.approx(0.10, abs=0.02)
    assert 0 < said.share_low[0] <= 0.10 <= said.share_high[0] < 0.14


def test_il_electricity_hourly_cannot_be_modelled_and_is_not_accepted(shared_data: Path) -> None:
    rows = np.array([r[1:] for r in illinois(shared_data, 13) if "2015-12-26" <= r[0] < "2016-12-26"])
    baseline = Baseline(outlier=1e9)
    state = learned(rows[:, 0], np.column_stack([np.zeros(len(rows)), rows[:, 1:]]), baseline)
    fit = figures(state)
    assert fit.cv_rmse[0] == pytest.approx(1.19, abs=0.02)
    assert accepted(fit, "hourly")[0] != 0
