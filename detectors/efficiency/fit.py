"""Whether a baseline is good enough to claim savings by it: R2, CV(RMSE) and NMBE against ASHRAE Guideline 14."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import Bools, Floats, Ints
from detectors.efficiency.baseline import BaselineState

LEAST_R2 = 0.75
LIMITS = {"hourly": (0.30, 0.10), "daily": (0.30, 0.10), "monthly": (0.15, 0.05)}
"""Highest CV(RMSE) and |NMBE| by length of period."""
VERDICTS = (
    "accepted",
    "too few periods to say",
    "R2 is below 0.75",
    "CV(RMSE) is above the limit",
    "NMBE is above the limit",
)


class Figures(NamedTuple):
    """Each (k,), over all periods that were learned; NaN while there are not more periods than coefficients."""

    r2: Floats
    cv_rmse: Floats  # sqrt(SSE / (n - p)) / mean
    nmbe: Floats  # sum of errors / ((n - p) mean)
    rmse: Floats  # in the unit of energy
    periods: Ints
    autocorrelation: Floats  # of the errors of what was expected, one period apart
    parameters: Ints


def figures(state: BaselineState) -> Figures:
    """How the line as it stands fits all periods that were learned, outliers at full weight.

    Source: ASHRAE Guideline 14-2014, 5.2.11 and annex C: CV(RMSE) = sqrt(sum(y - yhat)^2 / (n - p)) / ybar,
    NMBE = sum(y - yhat) / ((n - p) ybar).
    """
    return _formed(_sums(state))


def together(state: BaselineState) -> Figures:
    """(1,) figures of k baselines as the modes of one model, which has the coefficients of all of them.

    That is what the guideline asks of a baseline with modes: machines at rest vary so little that no line of their
    own explains it. Source: as `figures`, of the errors and coefficients of all modes.
    """
    return _formed(_Sums(*(np.asarray(of.sum(keepdims=True)) for of in _sums(state))))


class _Sums(NamedTuple):
    """Each (k,): what figures of fit follow from, which adds up over modes."""

    sse: Floats
    bias: Floats  # sum of errors
    total: Floats  # sum of y
    squares: Floats  # sum of y^2
    periods: Ints
    parameters: Ints
    lagged: Floats
    own: Floats


def _sums(state: BaselineState) -> _Sums:
    b = state.coefficients
    total, parameters = state.full_right[:, 0], state.used.sum(axis=1)
    fitted = (b[:, :, None] * b[:, None, :] * state.full).reshape(len(b), -1).sum(axis=1)
    sse = np.maximum(state.squares - 2.0 * (b * state.full_right).sum(axis=1) + fitted, 0.0)
    bias = total - (b * state.full[:, 0]).sum(axis=1)
    return _Sums(sse, bias, total, state.squares, state.seen, parameters, state.lagged, state.own)


def _formed(of: _Sums) -> Figures:
    enough = of.periods > np.maximum(of.parameters, 1)
    free = np.where(enough, of.periods - of.parameters, 1)
    mean = np.where(enough & (of.total != 0), of.total / np.maximum(of.periods, 1), np.nan)
    sst = of.squares - of.total * of.total / np.maximum(of.periods, 1)
    rmse = np.where(enough, np.sqrt(of.sse / free), np.nan)
    r2 = np.where(enough & (sst > 0), 1.0 - of.sse / np.where(sst > 0, sst, 1.0), np.nan)
    lag = np.where(of.own > 0, of.lagged / np.where(of.own > 0, of.own, 1.0), 0.0)
    return Figures(r2, rmse / mean, of.bias / (free * mean), rmse, of.periods, lag, of.parameters)


def accepted(said: Figures, period: Literal["hourly", "daily", "monthly"], least: int = 12) -> NDArray[np.uint8]:
    """Index into VERDICTS for each baseline, (k,): 0 is accepted, else the first figure that is not met.

    `least` is how many periods are asked for at least; Guideline 14 wants a year that covers the range of conditions,
    which the caller sees to.

    >>> ok = Figures(*(np.array([v]) for v in (.80, .235, .001, 5.0, 365, .3, 3)))
    >>> [VERDICTS[i] for i in (*accepted(ok, "daily"), *accepted(ok, "monthly"))]
    ['accepted', 'CV(RMSE) is above the limit']
    """
    highest_cv, highest_bias = LIMITS[period]
    faults: list[Bools] = [
        np.isnan(said.r2) | np.isnan(said.cv_rmse) | (said.periods < least),
        ~(said.r2 >= LEAST_R2),
        ~(said.cv_rmse <= highest_cv),
        ~(np.abs(said.nmbe) <= highest_bias),
    ]
    return np.select(faults, [1, 2, 3, 4], 0).astype(np.uint8)
