"""The model of a joint row: its state, and the fit that makes it from the instants that it has kept."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detectors.anomaly.ridge import QUANTILE, TINY, complete, fit, learn
from detectors.base import Bools, Floats, Ints

LAMBDAS = (1.0, 0.3, 0.1)
"""Weight of the newest value in each member's mean: a spike, a step, a drift."""
MEMBERS = len(LAMBDAS)
CLIP = 100.0
"""A standardized value is at most so large: a spike is not remembered for long."""
_TO_SIGMA = 1.4826
_ROBUST = 3.0
_FLAT, _NOTHING = 1e-12, 1e-30
"""A movement up to the first, as a share of the size, or the second is none."""
_RAREST, _OFTENEST = 1e-12, 0.05
_BASE = 0.8
"""Quantile of the index over unseen rows where its tail begins."""
_SETTLED = 10
"""Rows until the slowest mean has forgotten where it began."""


class T2SpeState(NamedTuple):
    """One row each, of p inputs; L members of the bank, W rows of warm-up."""

    learned: Ints  # instants, up to grow x warm-up
    stride: Ints  # every so many learned instants one is kept
    last: Ints  # time of the last instant of the warm-up, ns
    interval_s: Floats  # mean, of the warm-up
    base: Floats  # quantile .8 of the index over unseen rows
    excess: Floats  # by how much those above it exceed it, on average
    top: Floats  # its quantile .995
    limit: Floats
    asked: Floats  # what the limit was made for: alarms a second; below 0, a margin
    alarmed: Ints  # instants above the limit, less those below it since
    location: Floats  # (k, p) in the inputs' units
    scale: Floats  # (k, p) 0 = did not move in the warm-up, infinite = was never there
    offset: Floats  # (k, p) how far the mean has moved since the fit, in scales, as all below
    smooth: Floats  # (k, L - 1, p)
    mean: Floats  # (k, L, p)
    inverse: Any  # (k, L, p, p) float32, over each member's limit
    weight: Floats  # (k, p)
    kept: Any  # (k, W, L, p) float32: rows to fit; in the warm-up each value and what float32 leaves of it


def start(state: T2SpeState, row: int) -> None:
    """End the warm-up: standardize its instants, complete and smooth them, and fit."""
    x = state.kept[row, :, 0].astype(np.float64) + state.kept[row, :, 1]
    here = np.isfinite(x)
    state.location[row], state.scale[row] = standard(x, here)
    z = standardized(np.where(here, x, state.location[row]), state.location[row], state.scale[row])
    for _ in range(2 if not here.all() else 0):
        (mean,), (inverse,), _ = fit(z[None])
        for i in np.flatnonzero(~here.all(axis=1)).tolist():
            full = mean + complete(z[i] - mean, here[i] & (state.scale[row] < np.inf), inverse)
            z[i] = np.minimum(np.maximum(np.where(state.scale[row] < np.inf, full, 0.0), -CLIP), CLIP)
    for member, weight in enumerate(LAMBDAS):
        smooth = z[0].copy()
        for i, now in enumerate(z):
            smooth += weight * (now - smooth)
            state.kept[row, i, member] = smooth
        if member:
            state.smooth[row, member - 1] = smooth
    refit(state, row)


def standard(x: Floats, here: Bools) -> tuple[Floats, Floats]:
    """Location and scale of each column of x (n, p), from what is `here`; scale 0 = flat, infinite = never there."""
    location, scale = np.zeros(x.shape[1]), np.full(x.shape[1], np.inf)
    for j in np.flatnonzero(here.any(axis=0)).tolist():
        known = x[here[:, j], j]
        location[j] = np.median(known)
        deviation = np.abs(known - location[j])
        least = max(_FLAT * np.abs(known).max(), _NOTHING)
        robust = _ROBUST * _TO_SIGMA * np.median(deviation)
        sigma = min(known.std(), robust) if robust > least else known.std()
        scale[j] = sigma if known.max() - known.min() > least else 0.0
    return location, scale


def standardized(x: Floats, location: Floats, scale: Floats) -> Floats:
    """(..., p) distances in scales, at most `CLIP`; an input that was flat is all the way out once it moves."""
    error = x - location
    moves = scale > 0
    if moves.all():
        return np.asarray(np.minimum(np.maximum(error / scale, -CLIP), CLIP))
    ratio = error / np.where(moves, scale, 1.0)
    least = np.maximum(_FLAT * np.abs(location), _NOTHING)
    flat = np.where(np.abs(error) > least, np.sign(error) * CLIP, 0.0)
    return np.asarray(np.minimum(np.maximum(np.where(moves, ratio, flat), -CLIP), CLIP))


def refit(state: T2SpeState, row: int) -> None:
    """Fit what has been kept, then keep half of it, to go on at half the pace."""
    kept = state.kept[row]
    members = np.swapaxes(kept.astype(np.float64), 0, 1)[:, min(_SETTLED, len(kept) // 6) :]
    found = learn(np.ascontiguousarray(members))
    state.mean[row], state.inverse[row], state.weight[row] = found.mean, found.inverse, found.weight
    state.base[row] = base = np.quantile(found.unseen, _BASE)
    above = found.unseen[found.unseen > base]
    state.excess[row] = (above - base).mean() if len(above) else 0.0
    state.top[row] = np.quantile(found.unseen, QUANTILE)
    state.offset[row] = 0.0
    half = kept[::2].copy()
    kept[: len(half)] = half
    state.stride[row] *= 2


def limit_of(state: T2SpeState, rows: Ints, rate_per_s: float, margin: float | None) -> Floats:
    """(k,) limits: an index above one comes as often, by chance, as the rate asks for.

    The largest fifth of the indexes of unseen rows is taken to fall off exponentially, as those of a normal law do in
    the end. Alarmed instants come in runs that are one alarm, so alarms are fewer than they.
    """
    if margin is not None:
        return np.asarray(np.maximum(margin * state.top[rows], TINY))
    rare = np.minimum(np.maximum(rate_per_s * state.interval_s[rows], _RAREST), _OFTENEST)
    limits: Floats = np.maximum(state.base[rows] + np.log((1.0 - _BASE) / rare) * state.excess[rows], TINY)
    return limits


def diagonals(inverse: Any) -> Any:
    """(k, L, p) of matrices (k, L, p, p), without a copy."""
    return np.einsum("klpp->klp", inverse)


def shares(pull: Any, diagonal: Any, of: Ints, squares: Floats, worst: Ints, here: Bools | np.bool_) -> Floats:
    """(n, p) shares of the inputs that are here in the index that is largest; `of` (n,) is each one's `diagonal`."""
    one = np.minimum(worst, MEMBERS - 1)
    part = pull[np.arange(len(worst)), one].astype(np.float64)
    part = part * part / diagonal[of, one]
    if (worst == MEMBERS).any():
        part = np.where((worst < MEMBERS)[:, None], part, squares)
    part = np.where(here, part, 0.0)
    total = np.einsum("kp->k", part)[:, None]
    return np.where(total > 0, part / np.where(total > 0, total, 1.0), 0.0)
