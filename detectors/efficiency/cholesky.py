"""Symmetric systems of a few unknowns, many at once, in + - * / alone, so that any batching gives the same bits."""

from __future__ import annotations

import numpy as np

from detectors.base import Bools, Floats

ALIKE = 1e-9
"""A column of which so little is its own (as a share of its sum of squares) adds nothing to those before it."""


def solve(matrix: Floats, right: Floats) -> tuple[Floats, Bools]:
    """Solution (k, p) of k positive semidefinite systems, `matrix` (k, p, p), `right` (k, p); and which columns count.

    By LDL', column by column; one that is a combination of those before it (a constant production beside an
    intercept) is left out: coefficient 0, and False in the second array.

    >>> x, used = solve(np.array([[[2.0, 4.0], [4.0, 8.0]]]), np.array([[6.0, 12.0]]))
    >>> x, used
    (array([[3., 0.]]), array([[ True, False]]))
    """
    k, p = right.shape
    lower, pivot = np.zeros((k, p, p)), np.zeros((k, p))
    used = np.zeros((k, p), dtype=np.bool_)
    for j in range(p):
        rest = matrix[:, j, j]
        for i in range(j):
            rest = rest - lower[:, j, i] * lower[:, j, i] * pivot[:, i]
        used[:, j] = rest > ALIKE * matrix[:, j, j]
        pivot[:, j] = np.where(used[:, j], rest, 0.0)
        for r in range(j + 1, p):
            rest = matrix[:, r, j]
            for i in range(j):
                rest = rest - lower[:, r, i] * lower[:, j, i] * pivot[:, i]
            lower[:, r, j] = np.where(used[:, j], rest / np.where(used[:, j], pivot[:, j], 1.0), 0.0)
    x = np.zeros((k, p))
    for j in range(p):
        rest = right[:, j]
        for i in range(j):
            rest = rest - lower[:, j, i] * x[:, i]
        x[:, j] = np.where(used[:, j], rest, 0.0)
    x = np.where(used, x / np.where(used, pivot, 1.0), 0.0)
    for j in range(p - 1, -1, -1):
        for r in range(j + 1, p):
            x[:, j] = np.where(used[:, j], x[:, j] - lower[:, r, j] * x[:, r], 0.0)
    return x, used
