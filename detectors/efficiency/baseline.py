"""Energy baseline: what a period should have taken, by production and weather, learned as the periods come."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from detectors.base import Bools, Floats, Ints, option
from detectors.efficiency.cholesky import solve

TO_SIGMA = 1.2533141373155003
"""Standard deviation of a normal error, of its mean absolute value: sqrt(pi / 2)."""


class BaselineState(NamedTuple):
    """k baselines, one for each asset and mode; p = 4 columns: 1, production, CDD, HDD."""

    matrix: Floats  # (k, p, p) sum of w x x'
    right: Floats  # (k, p) sum of w x y
    full: Floats  # (k, p, p) the same with every weight 1, for the figures of fit
    full_right: Floats  # (k, p)
    squares: Floats  # sum of y^2
    coefficients: Floats  # (k, p)
    used: Bools  # (k, p) columns that are no combination of others
    seen: Ints  # periods learned
    size: Floats  # mean absolute error of what was expected, outliers clipped
    last: Floats  # error of the last period, NaN = none
    lagged: Floats  # sum of e(t) e(t - 1), outliers clipped
    own: Floats  # sum of e(t)^2, likewise


class Expected(NamedTuple):
    """Each (k,), before the period itself was learned; NaN where an input is missing or too little is known."""

    energy: Floats
    saved: Floats  # expected less actual
    outlier: Bools
    warm: Floats


class Baseline(BaseModel):
    """E = b0 + b1 production + b2 CDD + b3 HDD by least squares, one period after the other.

    Recursive least squares in information form: the sums of w x x' and w x y are kept and solved, which is the
    ordinary least squares of all periods so far where every weight is 1. A period that lies beyond `outlier` times the
    usual error of what was expected counts as if it lay there (Huber's weight, outlier x sigma / |error|), so it bends
    the line no further; the figures of fit (`fit.figures`) are over all periods, unweighted. Source: ISO 50006;
    ASHRAE Guideline 14; Huber, Robust Statistics (1981).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outlier: float = option(4.0, "Errors beyond this many sigmas count as if they lay there.", gt=0)
    warmup: int = option(24, "Periods before anything is expected, or any is taken for an outlier.", ge=8)

    def init(self, n: int) -> BaselineState:
        """State of n new baselines."""
        zero, none = np.zeros(n), np.zeros((n, 4))
        return BaselineState(
            matrix=np.zeros((n, 4, 4)), right=none, full=np.zeros((n, 4, 4)), full_right=none, squares=zero,
            coefficients=none, used=np.zeros((n, 4), dtype=np.bool_), seen=np.zeros(n, dtype=np.int64),
            size=zero, last=np.full(n, np.nan), lagged=zero, own=zero,
        )  # fmt: skip

    def step(
        self, state: BaselineState, energy: Floats, inputs: Floats, learn: Bools | None = None
    ) -> tuple[BaselineState, Expected]:
        """One period of each of k baselines: `energy` (k,), `inputs` (k, 3) production, CDD, HDD; 0 where not used.

        Pure: expected first, then learned where `learn` (k,) (default: everywhere). Periods are of one length; a NaN
        is neither judged nor learned.
        """
        x = np.concatenate([np.ones((len(energy), 1)), inputs], axis=1)
        known = ~np.isnan(energy) & ~np.isnan(inputs).any(axis=1)
        x, y = np.where(known[:, None], x, 0.0), np.where(known, energy, 0.0)
        ready = known & (state.seen >= self.warmup)
        expected = predict(state.coefficients, x[:, 1:])
        error = y - expected
        bound = self.outlier * TO_SIGMA * state.size
        beyond = ready & (np.abs(error) > bound) & (bound > 0)
        said = Expected(
            np.where(ready, expected, np.nan), np.where(ready, -error, np.nan), beyond,
            np.minimum(1.0, state.seen / self.warmup),
        )  # fmt: skip
        taught = known if learn is None else known & learn
        return self._learn(state, x, y, np.where(beyond, np.sign(error) * bound, error), beyond, error, taught), said

    def _learn(
        self, state: BaselineState, x: Floats, y: Floats, clipped: Floats, beyond: Bools, error: Floats, taught: Bools
    ) -> BaselineState:
        counts = np.where(taught, 1.0, 0.0)
        weight = counts * np.where(beyond, np.abs(clipped) / np.where(beyond, np.abs(error), 1.0), 1.0)
        square = x[:, :, None] * x[:, None, :]
        matrix = state.matrix + weight[:, None, None] * square
        right = state.right + (weight * y)[:, None] * x
        coefficients, used = solve(matrix, right)
        count = state.seen + taught
        # while few are known, errors of what was expected are those of no line at all
        judged = taught & (count > self.warmup // 2)
        errors = np.maximum(count - self.warmup // 2, 1)
        follows = judged & ~np.isnan(state.last)
        return BaselineState(
            matrix=matrix,
            right=right,
            full=state.full + counts[:, None, None] * square,
            full_right=state.full_right + (counts * y)[:, None] * x,
            squares=state.squares + counts * y * y,
            coefficients=np.where(taught[:, None], coefficients, state.coefficients),
            used=np.where(taught[:, None], used, state.used),
            seen=count,
            size=state.size + np.where(judged, (np.abs(clipped) - state.size) / errors, 0.0),
            last=np.where(judged, clipped, np.where(taught, np.nan, state.last)),
            lagged=state.lagged + np.where(follows, clipped * np.where(follows, state.last, 0.0), 0.0),
            own=state.own + np.where(judged, clipped * clipped, 0.0),
        )


def predict(coefficients: Floats, inputs: Floats) -> Floats:
    """b0 + b1 production + b2 CDD + b3 HDD, (k,), of `coefficients` (k, 4) and `inputs` (k, 3).

    >>> predict(np.array([[10.0, 2.0, 0.5, 0.0]]), np.array([[100.0, 4.0, 0.0]]))
    array([212.])
    """
    b = coefficients
    return np.asarray(b[:, 0] + b[:, 1] * inputs[:, 0] + b[:, 2] * inputs[:, 1] + b[:, 3] * inputs[:, 2])
