"""Savings against an accepted baseline, summed up with an interval, and when the plant is no longer the baseline's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from detectors.base import Bools, Floats, Ints
from detectors.efficiency.fit import Figures

SPREAD = 1.26
"""Guideline 14's allowance for the uncertainty of the coefficients."""
STICKY = 0.95
REFERENCE, DECISION = 0.25, 10.0
"""Of the change CUSUM, in sigmas of independent errors: made for lasting shifts of half a sigma; about 1,040 periods
lie between false alarms, as `anomaly.average_run_length` says."""


class SavingsState(NamedTuple):
    """k baselines that are frozen; each (k,)."""

    periods: Ints
    saved: Floats  # sum of expected less actual
    expected: Floats  # sum
    less: Floats  # CUSUM towards less energy than expected, sigmas
    more: Floats
    less_for: Ints  # periods since that CUSUM was last 0
    more_for: Ints
    less_saved: Floats  # saved in those periods
    more_saved: Floats


class Savings(NamedTuple):
    """Each (k,), in the unit of energy; shares of what was expected."""

    saved: Floats
    low: Floats
    high: Floats
    share: Floats
    share_low: Floats
    share_high: Floats


class Change(NamedTuple):
    """Each (k,)."""

    proposed: Bools
    """The plant is lastingly off its baseline: a person decides whether that is savings, a fault, or a new plant."""
    direction: Ints
    """-1 takes less than expected, 1 takes more, 0 neither."""
    periods_ago: Ints
    """When it is likely to have begun."""
    per_period: Floats
    """Mean of actual less expected since then, in the unit of energy."""


def init(n: int) -> SavingsState:
    """Nothing saved yet."""
    zero, none = np.zeros(n), np.zeros(n, dtype=np.int64)
    return SavingsState(none, zero, zero, zero, zero, none, none, zero, zero)


def step(
    state: SavingsState, expected: Floats, actual: Floats, fit: Figures, reference: float = REFERENCE
) -> SavingsState:
    """One period of each of k baselines, NaN = no statement; `fit` is the frozen baseline's. Pure.

    `reference` is the change CUSUM's, in its sigmas: half of the lasting shift that it is made for.

    The errors' autocorrelation r inflates the sigma of the change CUSUM by sqrt((1 + r) / (1 - r)), as that is how
    much more their sums spread.
    """
    saved = expected - actual
    known = ~np.isnan(saved)
    saved = np.where(known, saved, 0.0)
    r = _autocorrelation(fit)
    sigma = fit.rmse * np.sqrt((1.0 + r) / (1.0 - r))
    z = np.where(known & (sigma > 0), saved / np.where(sigma > 0, sigma, 1.0), 0.0)
    less = np.where(known, np.maximum(0.0, state.less + z - reference), state.less)
    more = np.where(known, np.maximum(0.0, state.more - z - reference), state.more)
    return SavingsState(
        periods=state.periods + known,
        saved=state.saved + saved,
        expected=state.expected + np.where(known, expected, 0.0),
        less=less,
        more=more,
        less_for=np.where(less > 0, state.less_for + known, 0),
        more_for=np.where(more > 0, state.more_for + known, 0),
        less_saved=np.where(less > 0, state.less_saved + saved, 0.0),
        more_saved=np.where(more > 0, state.more_saved + saved, 0.0),
    )


def savings(state: SavingsState, fit: Figures, confidence: float = 0.90) -> Savings:
    """What was saved since the baseline was frozen, and its interval.

    Half width: t x 1.26 x RMSE x sqrt(m (n / n') (1 + 2 / n')), with m periods reported, n of the baseline, n' = n
    (1 - r) / (1 + r) of them independent, r the errors' autocorrelation, t Student's for n - p. Source: ASHRAE
    Guideline 14-2014, annex B, fractional savings uncertainty.
    """
    r = _autocorrelation(fit)
    count = np.where(fit.periods > fit.parameters, fit.periods, np.nan)
    independent = count * (1.0 - r) / (1.0 + r)
    t = stdtrit(count - fit.parameters, 0.5 + confidence / 2)
    half = t * SPREAD * fit.rmse * np.sqrt(state.periods * (count / independent) * (1.0 + 2.0 / independent))
    low, high = state.saved - half, state.saved + half
    over = np.where(state.expected > 0, state.expected, np.nan)
    return Savings(state.saved, low, high, state.saved / over, low / over, high / over)


def change(state: SavingsState) -> Change:
    """Whether a new baseline is to be proposed: the two-sided CUSUM is at its decision interval. Changes nothing.

    Source: Page, Continuous inspection schemes (1954); Montgomery, section 9.1.
    """
    less, more = state.less >= DECISION, state.more >= DECISION
    lower = less & (state.less >= state.more)
    direction = np.where(lower, -1, np.where(more, 1, 0))
    ago = np.where(lower, state.less_for, np.where(more, state.more_for, 0))
    since = np.where(lower, state.less_saved, np.where(more, state.more_saved, 0.0))
    return Change(less | more, direction, ago, np.where(ago > 0, -since / np.maximum(ago, 1), 0.0))


def _autocorrelation(fit: Figures) -> Floats:
    return np.asarray(np.clip(fit.autocorrelation, 0.0, STICKY))
