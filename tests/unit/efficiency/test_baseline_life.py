"""The life of a baseline: accepted by the guideline, savings that hold what was saved, changes that a person judges."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detectors.efficiency.baseline import Baseline
from detectors.efficiency.baseline_life import NOT_LEARNED, advance, approve, begin, reject
from detectors.efficiency.baseline_records import DAY, HOUR, Life, Period, Rules, Said
from detectors.efficiency.fit import figures, together

BY_DAY = Rules((DAY,), 60)
NS_DAY = 86_400 * 10**9


def days(seed: int, n: int, saving: float = 0.0, since: int = 0, noise: float = 12.0) -> list[Period]:
    """A plant of 300 kWh a day, 2 kWh an item and 9 kWh a cooling degree day, that saves a share from a day on."""
    rng = np.random.default_rng(seed)
    made = rng.uniform(50, 150, n)
    warmth = 22 + 8 * np.sin(np.arange(n) / 4) + rng.normal(0, 2, n)
    cooling = np.maximum(warmth - 20, 0)
    energy = (300 + 2 * made + 9 * cooling) * np.where(np.arange(n) >= since, 1 - saving, 1.0)
    energy = energy + rng.normal(0, noise, n)
    return [
        Period(DAY, i * NS_DAY, (i + 1) * NS_DAY, 0, float(e), (float(m), float(c), 0.0))
        for i, (e, m, c) in enumerate(zip(energy, made, cooling, strict=True))
    ]


def lived(periods: list[Period], rules: Rules = BY_DAY, life: Life | None = None) -> tuple[Life, list[Said]]:
    life, out = begin(rules) if life is None else life, []
    for period in periods:
        life, said = advance(life, period, rules)
        out += [] if said is None else [said]
    return life, out


def test_it_learns_is_accepted_and_then_judges() -> None:
    life, said = lived(days(1, 70))
    assert [one.phase for one in said] == ["learning"] * 59 + ["accepted"] + ["judged"] * 10
    assert [one.warm for one in said[:3]] == pytest.approx([1 / 60, 2 / 60, 3 / 60])
    assert life.frozen is not None
    assert life.frozen.since == 60 * NS_DAY
    np.testing.assert_allclose(life.frozen.coefficients[0, :3], [300, 2, 9], rtol=0.1)
    assert said[59].fit[0] is not None
    assert said[59].fit[0] > 0.9


def test_a_known_saving_lies_within_its_interval_nine_times_in_ten() -> None:
    held = 0
    for seed in range(20):
        periods = days(seed, 120, saving=0.08, since=60)
        _, said = lived(periods)
        truth = sum((300 + 2 * p.inputs[0] + 9 * p.inputs[1]) * 0.08 for p in periods[60:])
        total = said[-1].total
        assert total.value == pytest.approx(truth, rel=0.15)
        assert total.value == pytest.approx(math.fsum(one.saved.value or 0.0 for one in said[60:]))
        assert total.low is not None
        assert total.high is not None
        held += total.low <= truth <= total.high
    assert held >= 17


def test_single_days_lie_within_their_interval_about_nine_times_in_ten() -> None:
    """ASHRAE's factor of 1.26 makes it somewhat wider than 90 %."""
    periods = days(9, 660)
    _, said = lived(periods)
    inside = [(s.expected.low or 0) <= p.energy <= (s.expected.high or 0) for s, p in zip(said, periods, strict=True)]
    assert 0.9 <= np.mean(inside[60:]) <= 0.99


def test_what_does_not_meet_the_guideline_says_so_and_goes_on_learning() -> None:
    life, said = lived(days(2, 80, noise=50.0))
    assert {one.phase for one in said[59:]} == {"refused"}
    assert said[-1].why.startswith("the baseline does not meet the guideline: R2 0.")
    assert life.learning[DAY] is not None
    assert life.learning[DAY].seen[0] == 80
    _, later = lived(days(3, 250, noise=10.0), life=life)
    assert "accepted" in {one.phase for one in later}, "it is judged again each day"


def test_of_hours_too_noisy_to_model_the_day_is_taken_and_says_why() -> None:
    rules = Rules((HOUR, DAY), 60)
    rng = np.random.default_rng(5)
    periods = []
    for day in days(5, 70):
        share = rng.exponential(1.0, 24)
        for hour, part in enumerate(share / share.sum()):
            start = day.start + hour * NS_DAY // 24
            inputs = (day.inputs[0] / 24, *day.inputs[1:])
            periods.append(Period(HOUR, start, start + NS_DAY // 24, 0, day.energy * part, inputs))
        periods.append(day)
    life, said = lived(periods, rules)
    assert life.frozen is not None
    assert life.frozen.step == DAY
    assert life.frozen.refused.startswith("by hour R2 0.")
    assert "CV(RMSE)" in life.frozen.refused
    assert len(said) == 70, "hours have nothing to say"


def test_steady_hours_are_taken_before_days() -> None:
    rules = Rules((HOUR, DAY), 30)
    hours = [p._replace(step=HOUR) for p in days(6, 24 * 30)]
    life, _ = lived(hours, rules)
    life, _ = lived(days(7, 30), rules, life)
    assert life.frozen is not None
    assert life.frozen.step == HOUR
    assert life.frozen.refused == ""


def test_modes_are_one_model_for_the_guideline() -> None:
    """Days of rest have no line of their own that explains them; with the others they are explained."""
    periods = []
    for i, p in enumerate(days(8, 140)):
        rest = i % 7 >= 5
        at_rest = p._replace(mode=1, energy=100 + p.energy % 3, inputs=(0.0, 0.0, 0.0))
        periods.append(at_rest if rest else p)
    rules = Rules((DAY,), 100, modes=2)
    life, said = lived(periods[:100], rules)
    assert life.frozen is not None
    assert life.frozen.modes.tolist() == [True, True]
    assert life.frozen.coefficients[1, 0] == pytest.approx(101, abs=2)
    assert said[-1].fit[0] is not None
    assert said[-1].fit[0] > 0.95


def test_figures_of_modes_together_are_those_of_one_regression_with_dummies() -> None:
    rng = np.random.default_rng(11)
    baseline = Baseline(outlier=1e9)
    state = baseline.init(2)
    columns, y = [], []
    for i in range(90):
        mode, made = i % 3 // 2, float(rng.uniform(50, 150))
        energy = (200 + 2 * made if mode == 0 else 50 + made) + float(rng.normal(0, 20))
        given, inputs = np.full(2, np.nan), np.zeros((2, 3))
        given[mode], inputs[mode, 0] = energy, made
        state, _ = baseline.step(state, given, inputs)
        columns.append([1.0, made, 0.0, 0.0] if mode == 0 else [0.0, 0.0, 1.0, made])
        y.append(energy)
    x, actual = np.array(columns), np.array(y)
    errors = actual - x @ np.linalg.lstsq(x, actual, rcond=None)[0]
    got = together(state)
    assert got.cv_rmse[0] == pytest.approx(np.sqrt(errors @ errors / (90 - 4)) / actual.mean(), rel=1e-9)
    assert got.r2[0] == pytest.approx(1 - errors @ errors / (90 * actual.var()), rel=1e-9)
    assert (got.periods[0], got.parameters[0]) == (90, 4)
    alone = figures(state)
    assert alone.periods.tolist() == [60, 30]


def test_a_mode_that_was_never_learned_expects_nothing() -> None:
    rules = Rules((DAY,), 60, modes=2)
    life, _ = lived(days(1, 60), rules)
    life, said = lived([days(1, 61)[60]._replace(mode=1)], rules, life)
    assert (said[0].expected.value, said[0].why) == (None, NOT_LEARNED)
    assert life.saved.periods[0] == 0


def test_a_day_with_an_input_missing_is_neither_learned_nor_judged() -> None:
    life, _ = lived(days(1, 60))
    after, said = lived([days(1, 61)[60]._replace(energy=math.nan)], life=life)
    assert said[0].expected.value is not None
    assert (said[0].saved.value, said[0].why) == (None, "an input is missing")
    assert after.saved.saved[0] == life.saved.saved[0]
    young, _ = lived([days(1, 1)[0]._replace(inputs=(math.nan, 0.0, 0.0))])
    assert young.learning[DAY] is not None
    assert young.learning[DAY].seen[0] == 0


def test_a_lasting_change_is_proposed_once_and_noise_is_not() -> None:
    _, said = lived(days(5, 200))
    assert {one.news for one in said[60:]} == {""}
    life, said = lived(days(4, 200, saving=0.1, since=120))
    told = [i for i, one in enumerate(said) if one.news]
    assert [said[i].news for i in told] == ["accepted", "proposed"]
    assert 120 < told[1] < 135
    assert life.proposal is not None
    assert life.proposal.direction == -1
    assert life.proposal.began // NS_DAY == pytest.approx(120, abs=3)
    assert not said[told[1] - 1].proposed
    assert all(one.proposed for one in said[told[1] :])


def test_a_change_that_goes_back_is_withdrawn() -> None:
    plant = days(5, 260, saving=0.1, since=120)
    back = days(5, 260)
    _, said = lived([*plant[:131], *back[131:]])
    assert [one.news for one in said if one.news][:3] == ["accepted", "proposed", "withdrawn"]


def test_approving_takes_what_was_learned_since_the_change() -> None:
    periods = days(4, 300, saving=0.1, since=120)
    life, _ = lived(periods[:200])
    at_once = approve(life, 200 * NS_DAY, BY_DAY)
    assert at_once.frozen is not None, "80 days are more than the warm-up"
    np.testing.assert_allclose(at_once.frozen.coefficients[0, :3], [270, 1.8, 8.1], rtol=0.1)
    _, said = lived(periods[200:], life=at_once)
    assert abs(said[-1].total.value or 0) < (said[-1].total.high or 0) - (said[-1].total.value or 0)

    early, _ = lived(periods[:140])
    relearning = approve(early, 140 * NS_DAY, BY_DAY)
    assert relearning.frozen is None
    _, said = lived(periods[140:], life=relearning)
    assert said[0].warm == pytest.approx(21 / 60, abs=0.06), "with a head start of what came since the change"
    assert [one.phase for one in said].count("accepted") == 1


def test_rejecting_keeps_the_baseline_and_proposes_only_what_is_further() -> None:
    periods = days(4, 300, saving=0.1, since=120)
    life, said = lived(periods[:150])
    kept = reject(life, BY_DAY)
    assert kept.proposal is None
    assert kept.frozen is life.frozen
    assert kept.factor == pytest.approx(0.9, abs=0.02)
    after, more = lived(periods[150:], life=kept)
    assert {one.news for one in more} == {""}, "it is known of"
    assert (more[-1].total.value or 0) > 2 * (said[-1].total.value or 0), "and still saves"
    further = [p._replace(energy=p.energy * 0.9) for p in days(12, 40, saving=0.1)]
    _, again = lived(further, life=after)
    assert "proposed" in {one.news for one in again}


def test_where_nothing_is_proposed_there_is_nothing_to_decide() -> None:
    life, _ = lived(days(1, 70))
    with pytest.raises(ValueError, match="no new baseline is proposed"):
        approve(life, 0, BY_DAY)
    with pytest.raises(ValueError, match="no new baseline is proposed"):
        reject(life, BY_DAY)
