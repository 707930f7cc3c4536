"""Groups: readings in log order, and which of them are of the same row."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import compiled
from detectors.base import UNSEEN
from detectors.compiled import Kernel

Ints = NDArray[np.int64]

_SPARSE = 16
"""A table by row is worth its making for so many rows a reading, at most."""


class Groups(NamedTuple):
    """n readings of k distinct rows."""

    rows: Ints  # (k,) the distinct rows
    local: Ints  # (n,) index of each reading's row in `rows`
    before: Ints  # (n,) place of the row's reading before it, -1 at its first
    first: Ints  # (k,) place of each row's first reading
    last: Ints  # (k,) place of each row's last reading

    def of(self, marked: NDArray[np.bool_]) -> list[Ints]:
        """Places of all readings of each row that has a marked reading; `marked` (n,).

        >>> [a.tolist() for a in group(np.array([1, 0, 1])).of(np.array([False, False, True]))]
        [[0, 2]]
        """
        wanted = np.zeros(len(self.rows), dtype=bool)
        wanted[self.local[marked]] = True
        mine = np.flatnonzero(wanted[self.local])
        order = mine[np.argsort(self.local[mine], kind="stable")]
        return np.split(order, np.flatnonzero(np.diff(self.local[order])) + 1)

    def previous(self, values: NDArray[Any], table: NDArray[Any]) -> NDArray[Any]:
        """(n,) of each reading, the value of its row's reading before it, or `table[row]` where there is none.

        >>> group(np.array([1, 0, 1])).previous(np.array([5, 6, 7]), np.array([-1, -2]))
        array([-2, -1,  5])
        """
        out: NDArray[Any] = values[self.before].astype(table.dtype, copy=False)
        out[self.first] = table[self.rows]
        return out

    def since(self, time: Ints, last: Ints) -> NDArray[np.float64]:
        """(n,) seconds from the row's reading before, NaN at its first; `last` (rows,) is that one's time and moves on.

        >>> last = np.array([UNSEEN, 2 * 10**9])
        >>> group(np.array([1, 0, 1])).since(np.array([5, 6, 7]) * 10**9, last), last // 10**9
        (array([ 3., nan,  2.]), array([6, 7]))
        """
        if compiled.available:
            dt = np.empty(len(time))
            _since.run([self.rows, self.local, time], [dt, last])
            return dt
        before = self.previous(time, last)
        dt = np.asarray((time - before) / 1e9)
        dt[self.first[before[self.first] == UNSEEN]] = np.nan
        last[self.rows] = time[self.last]
        return dt


def group(rows: Ints) -> Groups:
    """The groups of readings by their rows (n,).

    >>> [a.tolist() for a in group(np.array([7, 3, 7]))]
    [[7, 3], [0, 1, 0], [-1, -1, 0], [0, 1], [2, 1]]
    """
    n = len(rows)
    if not n:
        return Groups(rows, rows, rows, rows, rows)
    top = int(rows.max()) + 1
    if not compiled.available or top > _SPARSE * n:
        return _sorted(rows)
    place = np.full(top, -1, dtype=np.int64)
    distinct, local, before, first, last = (np.empty(n, dtype=np.int64) for _ in range(5))
    k = _link.run([rows], [place, distinct, local, before, first, last])
    return Groups(distinct[:k], local, before, first[:k], last[:k])


def _sorted(rows: Ints) -> Groups:
    """As `group`, by sorting."""
    # sixteen bits are sorted by counting, which is many times faster
    short = rows.astype(np.uint16) if rows.max() < 2**16 else rows
    order = np.argsort(short, kind="stable")
    grouped = rows[order]
    starts = np.ones(len(rows), dtype=bool)
    starts[1:] = grouped[1:] != grouped[:-1]
    first = order[starts]
    appeared = np.argsort(first)
    rank = np.empty_like(appeared)
    rank[appeared] = np.arange(len(appeared))
    local, before = np.empty_like(order), np.empty_like(order)
    local[order] = rank[np.cumsum(starts) - 1]
    before[order[1:]] = order[:-1]
    before[first] = -1
    last = order[np.append(np.flatnonzero(starts)[1:] - 1, len(rows) - 1)]
    return Groups(rows[first][appeared], local, before, first[appeared], last[appeared])


@Kernel
def _since(rows: Any, local: Any, time: Any, dt: Any, last: Any) -> None:
    for i in range(len(local)):
        row = rows[local[i]]
        at = time[i]
        before = last[row]
        dt[i] = math.nan if before == UNSEEN else (at - before) / 1e9
        last[row] = at


@Kernel
def _link(rows: Any, place: Any, distinct: Any, local: Any, before: Any, first: Any, last: Any) -> Any:
    k = 0
    for i in range(len(rows)):
        row = rows[i]
        p = place[row]
        if p < 0:
            p = k
            k += 1
            place[row] = p
            distinct[p] = row
            first[p] = i
            before[i] = -1
        else:
            before[i] = last[p]
        local[i] = p
        last[p] = i
    return k
