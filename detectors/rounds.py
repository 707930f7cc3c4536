"""Rounds: readings of many rows cut into blocks in which each row has equally many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

DEEPEST = 256
"""Instants of a row judged in one go: bounds what is recomputed to explain an alarm, and what stays in the cache."""


class Round(NamedTuple):
    """t instants of each of k rows: `where` (t, k) are positions in the readings given, `rows` (k,)."""

    rows: Rows
    where: NDArray[np.int64]


def rounds(rows: Rows) -> Iterator[Round]:
    """Cut readings, in order, into blocks in which each row has the same number of them, at most `DEEPEST`.

    Rows are taken deepest first, so the blocks are a staircase: block i holds every row that still has readings.

    >>> [(r.rows.tolist(), r.where.tolist()) for r in rounds(np.array([7, 7, 3]))]
    [([7, 3], [[0, 2]]), ([7], [[1]])]
    """
    if not len(rows):
        return
    order = np.argsort(rows, kind="stable")
    grouped = rows[order]
    if (grouped[1:] > grouped[:-1]).all():  # one reading a row, as in live frames: one round
        yield Round(grouped, order[None])
        return
    distinct, start, depth = np.unique(grouped, return_index=True, return_counts=True)
    deepest = np.argsort(-depth, kind="stable")
    distinct, start, depth = distinct[deepest], start[deepest], depth[deepest]
    done = 0
    for level in np.unique(depth).tolist():
        k = int(np.searchsorted(-depth, -level, side="right"))
        while done < level:
            end = min(level, done + DEEPEST)
            yield Round(distinct[:k], order[start[:k] + np.arange(done, end)[:, None]])
            done = end
