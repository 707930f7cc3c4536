"""Growing columns and grouped look-back: the small array tools that the engine's parts share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

UNSEEN = np.iinfo(np.int64).min
"""A time that has not been: before every event time."""


class Columns:
    """Columns of equal length that grow together; rows are only ever added.

    >>> c = Columns(time=(np.int64, UNSEEN), value=(np.float64, 0.0))
    >>> c.grow(2); c["value"][1] = 5.0; c.rows, c["value"].tolist()
    (2, [0.0, 5.0])
    """

    def __init__(self, **kinds: tuple[Any, Any]) -> None:
        self._kinds = kinds
        self._data = {name: np.empty(0, dtype=kind) for name, (kind, _) in kinds.items()}
        self.rows = 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._data[name][: self.rows]

    def grow(self, n: int) -> None:
        """Add n rows with their columns' first values."""
        need = self.rows + n
        for name, (kind, first) in self._kinds.items():
            have = self._data[name]
            if need > len(have):
                self._data[name] = np.concatenate(
                    (have, np.full(max(need, 2 * len(have)) - len(have), first, dtype=kind))
                )
        self.rows = need

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """A copy of every column."""
        return {name: self[name].copy() for name in self._data}

    def restore(self, saved: dict[str, NDArray[Any]]) -> None:
        """Take up what `snapshot` gave."""
        self._data = {name: saved[name].copy() for name in self._data}
        self.rows = len(next(iter(self._data.values())))


def previous(rows: NDArray[np.int64], values: NDArray[Any], before: NDArray[Any]) -> NDArray[Any]:
    """For each reading, the value of its row's reading before it in `values`, or `before[row]` where there is none.

    >>> previous(np.array([1, 0, 1]), np.array([5, 6, 7]), np.array([-1, -2]))
    array([-2, -1,  5])
    """
    order = np.argsort(rows, kind="stable")
    sorted_rows = rows[order]
    out = np.empty(len(rows), dtype=before.dtype)
    shifted = np.empty(len(rows), dtype=before.dtype)
    shifted[1:] = values[order][:-1]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = sorted_rows[1:] != sorted_rows[:-1]
    shifted[first] = before[sorted_rows[first]]
    out[order] = shifted
    return out


def latest(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct rows and the position of each one's last reading.

    >>> [a.tolist() for a in latest(np.array([1, 0, 1]))]
    [[0, 1], [1, 2]]
    """
    distinct, last = np.unique(rows[::-1], return_index=True)
    return distinct, len(rows) - 1 - last
