"""T2-SPE gives what its twin gives; says what it was made to say; and keeps its laws at a real machine's width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.anomaly.ridge import complete
from detectors.anomaly.t2_spe import T2Spe
from detectors.bank import Bank
from detectors.base import Batch, pick
from detectors.calibration import Calibration
from detectors.durations import SECOND, budget_per_s
from tests.contract.readings import INPUTS, START, same_bits, stream
from tests.naive.t2_spe import NaiveT2Spe
from tests.strict import NO_WARNINGS

pytestmark = NO_WARNINGS

ROWS = 2
OWN = Calibration(rule="own", rate_per_s=0.0, refractory_ns=0)


def bank(detector: T2Spe, inputs: int = INPUTS, rows: int = 1) -> Bank:
    made = Bank(detector, OWN, inputs)
    made.grow(rows)
    return made


def batch(x: Any, **more: Any) -> Batch:
    """A row's instants (n, p), a second apart."""
    n = len(x)
    at = START + np.arange(n) * SECOND
    one = np.ones(n)
    return Batch(at, np.asarray(x, dtype=float), one, one > 0, np.zeros(n, dtype=np.int32))._replace(**more)


def judge(x: Any, **options: Any) -> Any:
    x = np.asarray(x)
    return bank(T2Spe(**options), x.shape[1]).run(np.zeros(len(x), dtype=np.int64), batch(x))


def machine(n: int, p: int = 6, seed: int = 1) -> Any:
    """Inputs that two hidden quantities drive, and noise."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ rng.normal(size=(2, p)) + 0.3 * rng.normal(size=(n, p))


OPTIONS = [
    {"warmup": 12, "grow": 4, "frozen": 5},
    {"warmup": 9, "margin": 1.5, "grow": 2, "frozen": 2, "least": 0.3},
    {"warmup": 20, "adapt": False},
]


@pytest.mark.parametrize("options", OPTIONS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_the_twin_says_the_same(options: dict[str, Any], seed: int) -> None:
    rate = 1e-3
    detector = T2Spe(**options).with_budget(rate)
    whole = stream(seed, detector, r=200, rows=ROWS)
    said = bank(detector, rows=ROWS).run(whole.rows, whole.batch)
    assert said.verdict.contribution is not None
    twins, clear = [NaiveT2Spe(detector, rate) for _ in range(ROWS)], [True] * ROWS
    for i, row in enumerate(whole.rows.tolist()):
        if not clear[row]:
            continue  # rounding may have sent the two different ways
        told = twins[row].judge(int(whole.batch.time[i]), whole.batch.x[i].tolist(), bool(whole.batch.learn[i]))
        # the index is a sum of products in single precision, and the score its root: small ones differ by more
        np.testing.assert_allclose(said.raw[i], told.score, rtol=5e-3, atol=3e-3)
        assert said.verdict.warm[i] == told.warm
        clear[row] = told.clear
        if told.clear and told.score > 1e-2:
            np.testing.assert_allclose(said.verdict.contribution[i], told.shares, atol=1e-2)


@pytest.mark.parametrize(
    "options", [{"warmup": 40, "grow": 8}, {"warmup": 40, "adapt": False}, {"warmup": 60, "grow": 1}]
)
def test_many_instants_at_once_give_what_they_give_one_by_one(options: dict[str, Any]) -> None:
    # long normal stretches, fits on the way, and a few instants and inputs that are not
    k, n, p = 3, 700, 5
    x = machine(n * k, p).reshape(n, k, p)
    x[300, 1], x[410:417, 0, 2], x[500, 2, 1] = 40.0, -9.0, np.nan
    learn = np.ones((n, k), dtype=bool)
    learn[350, 0] = False
    whole = batch(x.reshape(-1, p), time=np.repeat(START + np.arange(n) * SECOND, k), learn=learn.reshape(-1))
    rows = np.tile(np.arange(k), n)
    at_once, singly = bank(T2Spe(**options), p, k), bank(T2Spe(**options), p, k)
    said = at_once.run(rows, whole)
    parts = [singly.run(rows[i : i + k], pick(whole, slice(i, i + k))) for i in range(0, n * k, k)]
    assert said.alarm.any()
    for name in ("raw", "score", "alarm", "threshold"):
        assert same_bits(getattr(said, name), np.concatenate([getattr(part, name) for part in parts]))
    shares = [part.verdict.contribution for part in parts]
    assert same_bits(said.verdict.contribution, np.concatenate(shares))
    assert [said.before[i] for i in sorted(said.before)] == [
        part.before[i] for part in parts for i in sorted(part.before)
    ]
    assert same_bits(at_once.snapshot(), singly.snapshot())


def test_the_limit_follows_the_budget_and_the_pace() -> None:
    x, limits = machine(400), []
    for rate, pace in (("1/day", 1), ("1/week", 1), ("1/week", 60)):
        made = bank(T2Spe(warmup=400).with_budget(budget_per_s(rate)), 6)
        made.run(np.zeros(400, dtype=np.int64), batch(x, time=START + np.arange(400) * pace * SECOND))
        limits.append(float(made.snapshot()["state"][7][0]))
    often, seldom, slow = limits
    assert slow < often < seldom


def test_a_budget_that_changes_moves_the_limit_and_keeps_what_was_learned() -> None:
    made = bank(T2Spe(warmup=100), 6)
    made.run(np.zeros(100, dtype=np.int64), batch(machine(100)))
    one = (np.zeros(1, dtype=np.int64), batch(machine(1, seed=3)))
    seldom = made.run(*one).raw[0]
    made.detector = T2Spe(warmup=100).with_budget(budget_per_s("10/h"))
    assert made.run(*one).raw[0] > 1.1 * seldom


def test_alarms_on_plain_noise_are_within_the_budget() -> None:
    # 20 machines, 2,000 instants each at an instant a second, 40 false alarms allowed in all
    n, k = 2400, 20
    made = bank(T2Spe(warmup=400).with_budget(40 / (k * 2000)), 6, k)
    x = np.random.default_rng(1).normal(size=(n * k, 6)) @ np.random.default_rng(99).normal(size=(6, 6))
    whole = batch(x, time=np.repeat(START + np.arange(n) * SECOND, k))
    alarms = int(made.run(np.tile(np.arange(k), n), whole).alarm.sum())
    assert 4 <= alarms <= 1.15 * 40


def test_a_broken_correlation_is_found_and_named_though_each_input_stays_in_its_range() -> None:
    x = machine(900)
    x[700:, 4] = machine(900, seed=2)[700:, 4]
    said = judge(x, warmup=500)
    assert not said.alarm[:700].any()
    assert said.alarm[700:].any()
    alarmed = np.flatnonzero(said.score >= 1)
    assert said.verdict.contribution[alarmed].sum(axis=0).argmax() == 4


def test_an_input_that_is_out_is_judged_without() -> None:
    x = machine(1200)
    x[600:, 2] = np.nan
    without = judge(x, warmup=500)
    assert np.isfinite(without.raw[500:]).all()
    assert not without.alarm.any()
    assert (without.verdict.contribution[600:, 2] < 1e-6).all()
    x[900:, 4] *= -1.0  # what the others say of it is still known
    assert judge(x, warmup=500).alarm[900:].any()


def test_an_input_that_is_absent_now_and_then_in_the_warm_up_is_learned() -> None:
    x = machine(1500)
    x[np.random.default_rng(5).random(x.shape) < 0.2] = np.nan
    x[1200:, 3] = -3.0 * np.nan_to_num(x[1200:, 3])
    said = judge(x, warmup=500)
    assert not said.alarm[:1200].any()
    assert said.alarm[1200:].any()


def test_below_the_stated_share_of_inputs_there_is_no_opinion_and_nothing_is_learned() -> None:
    x = machine(600)
    x[550:, :4] = np.nan
    said = judge(x, warmup=500)
    assert np.isfinite(said.raw[500:550]).all()
    assert np.isnan(said.raw[550:]).all()
    assert np.isfinite(judge(x, warmup=500, least=0.3).raw[550:]).all()


def test_an_absent_input_is_taken_where_its_neighbours_put_it() -> None:
    c = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = complete(np.array([2.0, np.nan, np.nan]), np.array([True, False, False]), np.linalg.inv(c))
    np.testing.assert_allclose(found, [2.0, 1.8, 0.0], atol=1e-12)


def test_a_slow_drift_is_followed_and_what_lasts_is_learned() -> None:
    x = machine(9000)
    x[1000:] += np.linspace(0, 1, 8000)[:, None]
    assert (judge(x, warmup=500).score[500:] >= 1).mean() < 0.02
    assert (judge(x, warmup=500, adapt=False).score[-1000:] >= 1).mean() > 0.2
    step = machine(4000)
    step[1000:] += 8.0
    said = judge(step, warmup=500)
    assert (said.score[1000:1600] >= 1).all()
    assert (said.score[-500:] < 1).all()
    kept = judge(step, warmup=500, adapt=False)
    assert (kept.score[1000:] >= 1).all()


def test_an_input_that_never_moved_is_all_the_way_out_once_it_does() -> None:
    x = machine(700)
    x[:, 5] = 7.0
    x[650:, 5] = 7.001
    said = judge(x, warmup=500)
    assert not said.alarm[:650].any()
    assert said.alarm[650]
    assert said.verdict.contribution[650].argmax() == 5


def test_many_machines_at_once_get_the_bits_that_each_gets_alone() -> None:
    p, k, n = 52, 7, 140
    detector = T2Spe(warmup=60, grow=2)
    x = np.stack([machine(n, p, seed) for seed in range(k)], axis=1)
    x[100:, 3, 7:9] = np.nan
    x[90:, 2] += 5.0
    one = np.ones((n, k))
    at = np.repeat((START + np.arange(n) * SECOND)[:, None], k, axis=1)
    whole = Batch(at, x, one, one > 0, np.zeros((n, k), dtype=np.int32))
    width = {"inputs": np.full(k, float(p))}
    state, said = detector.scan(detector.init(k, width), whole)
    assert said.contribution is not None
    for j in range(k):
        alone = bank(detector, p)
        mine = alone.run(np.zeros(n, dtype=np.int64), batch(x[:, j]))
        assert same_bits(mine.raw, said.score[:, j])
        assert same_bits(mine.verdict.contribution, said.contribution[:, j])
        assert same_bits([a[0] for a in alone.snapshot()["state"]], [a[j] for a in state])
