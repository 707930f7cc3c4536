"""The life of one plant's baseline: learned, accepted and frozen, questioned by a lasting change, kept or replaced."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from detectors.base import Floats
from detectors.efficiency import savings
from detectors.efficiency.baseline import Baseline, BaselineState, predict
from detectors.efficiency.baseline_records import (
    DAY,
    HOUR,
    STEPS,
    Frozen,
    Life,
    News,
    Period,
    Proposal,
    Rules,
    Said,
    Span,
    Suspect,
)
from detectors.efficiency.fit import LEAST_R2, LIMITS, VERDICTS, Figures, accepted, together
from detectors.efficiency.stated import MISSING, REASONS

_GUIDELINE: tuple[Literal["hourly", "daily"], ...] = ("hourly", "daily")
_LEAST_OF_A_MODE = 8
_OWN_ERROR = 1.645
"""Standard errors of a baseline's mean that 95 % of baselines are not further off to one side."""
NOT_LEARNED = "no baseline was learned for this mode"


def begin(rules: Rules) -> Life:
    """Nothing is learned yet."""
    learning = [rules.model(step).init(rules.modes) if step in rules.steps else None for step in (HOUR, DAY)]
    return Life((learning[0], learning[1]), None, savings.init(1), savings.init(1), 1.0, _unsuspected(rules), None)


def advance(life: Life, period: Period, rules: Rules) -> tuple[Life, Said | None]:
    """One period, in order of their ends, hours before the day that ends with them. Pure.

    While it learns, all steps do; when the longest has learned for `warmup` days, the shortest that meets ASHRAE
    Guideline 14's figures is frozen, and from then on the others are passed over: there is nothing to say of them.
    """
    if life.frozen is not None:
        return _judge(life, life.frozen, period, rules)
    state = life.learning[period.step]
    if state is None:
        return life, None
    state = _learn(rules.model(period.step), state, period)
    learning = (state, life.learning[1]) if period.step == HOUR else (life.learning[0], state)
    life = life._replace(learning=learning)
    if period.step != rules.steps[-1]:
        return life, None
    warm = int(state.seen.sum()) / rules.needed(period.step)
    if warm < 1:
        return life, Said("learning", warm)
    return _choose(life, period, rules)


def _learn(model: Baseline, state: BaselineState, period: Period) -> BaselineState:
    if not period.known:
        return state
    modes = len(state.seen)
    energy, inputs = np.full(modes, np.nan), np.zeros((modes, 3))
    energy[period.mode], inputs[period.mode] = period.energy, period.inputs
    state, _ = model.step(state, energy, inputs)
    # errors follow one another in time, whichever mode they are of
    return state._replace(last=np.full(modes, state.last[period.mode]))


def _choose(life: Life, period: Period, rules: Rules) -> tuple[Life, Said]:
    """Freeze the shortest step that meets the guideline, if any does."""
    refused: list[str] = []
    fit = together(rules.model(period.step).init(rules.modes))
    for step in rules.steps:
        state = life.learning[step]
        assert state is not None
        fit = together(state)
        fault = unmet(fit, step, rules.needed(step) // 2)
        if not fault:
            frozen = _freeze(state, fit, step, period.end, "; ".join(refused))
            return _fresh(life, frozen, rules), Said(
                "accepted", step=step, refused=frozen.refused, fit=_three(fit), news="accepted"
            )
        refused.append(f"by {STEPS[step]} {fault}" if len(rules.steps) > 1 else fault)
    why = "the baseline does not meet the guideline: " + "; ".join(refused)
    return life, Said("refused", refused=why, fit=_three(fit), why=why)


def unmet(fit: Figures, step: int, least: int) -> str:
    """Which of the guideline's figures a fit (1,) does not meet, "" where it meets all.

    >>> poor = Figures(*(np.array([v]) for v in (.31, 1.19, .001, 5.0, 8760, .3, 3)))
    >>> unmet(poor, HOUR, 12)
    'R2 0.31, CV(RMSE) 119 %'
    """
    verdict = int(accepted(fit, _GUIDELINE[step], max(12, least))[0])
    if verdict <= 1:
        return VERDICTS[verdict] if verdict else ""
    highest_cv, highest_bias = LIMITS[_GUIDELINE[step]]
    r2, cv, nmbe = float(fit.r2[0]), float(fit.cv_rmse[0]), float(fit.nmbe[0])
    faults = [f"R2 {r2:.3g}"] if r2 < LEAST_R2 else []
    faults += [f"CV(RMSE) {100 * cv:.3g} %"] if not cv <= highest_cv else []
    faults += [f"NMBE {100 * nmbe:.3g} %"] if not abs(nmbe) <= highest_bias else []
    return ", ".join(faults)


def _freeze(state: BaselineState, fit: Figures, step: int, at: int, refused: str) -> Frozen:
    return Frozen(step, at, state.coefficients, state.seen >= _LEAST_OF_A_MODE, fit, refused)


def _fresh(life: Life, frozen: Frozen, rules: Rules) -> Life:
    """The life of a baseline that has just been frozen."""
    return Life((None, None), frozen, savings.init(1), savings.init(1), 1.0, _unsuspected(rules), None)


def _unsuspected(rules: Rules) -> tuple[Suspect, Suspect]:
    none = Suspect(Baseline().init(rules.modes), -1, 0.0, 0.0)
    return none, none


# --- against a frozen baseline


def _judge(life: Life, frozen: Frozen, period: Period, rules: Rules) -> tuple[Life, Said | None]:
    if period.step != frozen.step:
        return life, None
    expected, why = math.nan, REASONS[MISSING]
    if not frozen.modes[period.mode]:
        why = NOT_LEARNED
    elif not any(map(math.isnan, period.inputs)):
        expected = float(predict(frozen.coefficients[[period.mode]], np.array([period.inputs]))[0])
    news: News = ""
    if not math.isnan(period.energy + expected):
        why = ""
        life, news = _compare(life, frozen, period, expected, rules)
    band, saved = _of_one(frozen.fit, expected, period.energy)
    total = savings.savings(life.saved, frozen.fit)
    return life, Said(
        "judged", step=frozen.step, refused=frozen.refused, fit=_three(frozen.fit), expected=band, saved=saved,
        total=Span(_number(total.saved), _number(total.low), _number(total.high)), why=why,
        proposed=life.proposal is not None, news=news,
    )  # fmt: skip


def _of_one(fit: Figures, expected: float, actual: float) -> tuple[Span, Span]:
    """What is expected of one period, and what it saved, each with its interval."""
    if math.isnan(expected):
        return Span(), Span()
    of = np.array([expected])
    alone = fit._replace(autocorrelation=np.zeros(1))  # there is no other error that its own could go with
    nothing = savings.savings(savings.step(savings.init(1), of, of, fit), alone)
    half = float(nothing.high[0])
    band = Span(expected, expected - half, expected + half)
    if math.isnan(actual):
        return band, Span()
    saved = expected - actual
    return band, Span(saved, saved - half, saved + half)


def _compare(life: Life, frozen: Frozen, period: Period, expected: float, rules: Rules) -> tuple[Life, News]:
    """Book what was saved, and see whether the plant has changed."""
    of, actual = np.array([expected]), np.array([period.energy])
    saved = savings.step(life.saved, of, actual, frozen.fit)
    # a baseline is itself that uncertain: what may be its own error is no change of the plant
    reference = savings.REFERENCE + _OWN_ERROR / math.sqrt(int(frozen.fit.periods[0]))
    watched = savings.step(life.watched, of * life.factor, actual, frozen.fit, reference)
    model = rules.model(period.step)
    suspects = (
        _suspect(life.suspects[0], float(watched.less[0]), period, expected, model),
        _suspect(life.suspects[1], float(watched.more[0]), period, expected, model),
    )
    news: News = ""
    proposal = life.proposal
    if proposal is None:
        change = savings.change(watched)
        if change.proposed[0]:
            direction = int(change.direction[0])
            began = suspects[_side(direction)].began
            proposal = Proposal(direction, began, period.end, float(change.per_period[0]))
            news = "proposed"
    elif suspects[_side(proposal.direction)].began < 0:
        proposal, news = None, "withdrawn"
    life = life._replace(saved=saved, watched=watched, suspects=suspects, proposal=proposal)
    return life, news


def _suspect(suspect: Suspect, cusum: float, period: Period, expected: float, model: Baseline) -> Suspect:
    if cusum <= 0:
        return suspect if suspect.began < 0 else Suspect(model.init(len(suspect.learned.seen)), -1, 0.0, 0.0)
    return Suspect(
        _learn(model, suspect.learned, period),
        period.start if suspect.began < 0 else suspect.began,
        suspect.expected + expected,
        suspect.actual + period.energy,
    )


def _side(direction: int) -> int:
    return 0 if direction < 0 else 1


# --- what a person decides


def approve(life: Life, at: int, rules: Rules) -> Life:
    """The plant was changed: what was learned since then is its baseline.

    It is in force at once where it has learned for `warmup` days and meets the guideline, else it goes on learning.
    Raises ValueError where nothing is proposed.
    """
    if life.proposal is None or life.frozen is None:
        raise ValueError("no new baseline is proposed")
    step, learned = life.frozen.step, life.suspects[_side(life.proposal.direction)].learned
    fit = together(learned)
    if int(learned.seen.sum()) >= rules.needed(step) and not unmet(fit, step, rules.needed(step) // 2):
        return _fresh(life, _freeze(learned, fit, step, at, life.frozen.refused), rules)
    afresh = begin(rules)
    learning = (learned, afresh.learning[1]) if step == HOUR else (afresh.learning[0], learned)
    return afresh._replace(learning=learning)


def reject(life: Life, rules: Rules) -> Life:
    """The baseline stays. What the plant takes now is known of, so only a further change is proposed again.

    Raises ValueError where nothing is proposed.
    """
    if life.proposal is None:
        raise ValueError("no new baseline is proposed")
    suspect = life.suspects[_side(life.proposal.direction)]
    factor = suspect.actual / suspect.expected if suspect.expected > 0 else 1.0
    return watched_afresh(life, rules)._replace(factor=factor)


def watched_afresh(life: Life, rules: Rules) -> Life:
    """The same, but that nothing is proposed, nor on the way to be."""
    return life._replace(watched=savings.init(1), suspects=_unsuspected(rules), proposal=None)


def learned_share(life: Life, rules: Rules) -> float:
    """How much of its warm-up it has learned, 0 to 1."""
    state = life.learning[rules.steps[-1]]
    return 1.0 if state is None else min(1.0, int(state.seen.sum()) / rules.needed(rules.steps[-1]))


def _three(fit: Figures) -> tuple[float | None, float | None, float | None]:
    return _number(fit.r2), _number(fit.cv_rmse), _number(fit.nmbe)


def _number(value: Floats) -> float | None:
    return float(value[0]) if math.isfinite(value[0]) else None
