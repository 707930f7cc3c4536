"""Ridge-T2: Hotelling's statistic under a covariance with a ridge, learned from rows, with limits from unseen ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.base import Bools, Floats

RIDGE = 0.02
"""Of each input's own variance, added to it: strong directions count as in T2, weak ones as in SPE."""
QUANTILE = 0.995
_BLOCKS = 4
_LEAST_SHARE = 1e-3
"""Smallest variance of an input, as a share of the mean one."""
TINY = 1e-9
"""What is below is rounding: of variances, in squares of an input's own scale, and of limits."""


class Ridge(NamedTuple):
    """What n rows of m members of a bank have taught, of p inputs."""

    mean: Floats  # (m, p)
    inverse: Floats  # (m, p, p) of the covariance with its ridge, over the member's limit
    weight: Floats  # (p,) 1 / variance of member 0, over the limit of their sum of squares
    unseen: Floats  # (n,) largest index of each row, under fits that have not seen it; index 1 is the limit


def learn(members: Floats) -> Ridge:
    """Fit the rows of each member; members (m, n, p), in order of time.

    A member's index is away' inverse away. One more index is the sum of weight away^2 of member 0, blind to
    correlation, so that it does not trust one that was there by chance. A limit is the quantile .995 of an index over
    unseen rows: each of four contiguous blocks is scored by a fit on the other three. Neighbours are alike, hence
    blocks and not rows drawn at random; limits from rows that the fit has seen would be far too low.

    >>> rng = np.random.default_rng(1)
    >>> first = rng.normal(size=(1, 400, 1)); second = first + .1 * rng.normal(size=(1, 400, 1))
    >>> fit = learn(np.concatenate((first, second), axis=2))
    >>> together, apart = np.array([1.5, 1.5]), np.array([.5, -.5])
    >>> bool(together @ fit.inverse[0] @ together < 1 < apart @ fit.inverse[0] @ apart)
    True
    """
    m, n, _ = members.shape
    index = np.empty((m + 1, n))
    for block in np.array_split(np.arange(n), min(_BLOCKS, n)):
        mean, inverse, weight = fit(np.delete(members, block, axis=1) if len(block) < n else members)
        away = members[:, block] - mean[:, None]
        index[:m, block] = np.sum((away @ inverse) * away, axis=2)
        index[m, block] = away[0] ** 2 @ weight
    limit = np.maximum(np.quantile(index, QUANTILE, axis=1), TINY)
    mean, inverse, weight = fit(members)
    unseen = np.max(index / limit[:, None], axis=0)
    return Ridge(mean, inverse / limit[:m, None, None], weight / limit[m], unseen)


def fit(members: Floats) -> tuple[Floats, Floats, Floats]:
    """Means (m, p), inverses of the covariances with their ridges (m, p, p), and member 0's 1 / variance (p,)."""
    _, n, p = members.shape
    mean = members.mean(axis=1)
    away = members - mean[:, None]
    covariance = np.swapaxes(away, 1, 2) @ away / max(n - 1, 1)
    variance = np.einsum("mpp->mp", covariance)
    variance = np.maximum(variance, np.maximum(_LEAST_SHARE * variance.mean(axis=1, keepdims=True), TINY))
    return mean, np.linalg.inv(covariance + RIDGE * variance[:, :, None] * np.eye(p)), 1.0 / variance[0]


def complete(away: Floats, here: Bools, inverse: Floats) -> Floats:
    """Distances (p,) from the mean, those that are not `here` by their conditional mean under `inverse` (p, p).

    They are what makes the index smallest: with them it is that of the inputs which are here, by themselves.

    >>> complete(np.array([2.0, np.nan]), np.array([True, False]), np.linalg.inv([[1.0, .8], [.8, 1.0]])).round(3)
    array([2. , 1.6])
    """
    full = np.where(here, away, 0.0)
    out = np.flatnonzero(~here)
    if 0 < len(out) < len(here):
        rows = np.asarray(inverse[out], dtype=np.float64)
        full[out] = -np.linalg.solve(rows[:, out], rows @ full)
    return full
