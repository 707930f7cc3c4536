"""Growing columns, and the time that has not been: what the engine's parts share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import UNSEEN as UNSEEN
from detectors.base import Copy, room_for, with_room


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
        rows, need = self.rows, self.rows + n
        for name, (_, first) in self._kinds.items():
            if need > len(self._data[name]):
                self._data[name] = with_room(self._data[name], rows, room_for(need))
            self._data[name][rows:need] = first
        self.rows = need

    def snapshot(self, copy: Copy = np.copy) -> dict[str, NDArray[Any]]:
        """A copy of every column."""
        return {name: copy(self[name]) for name in self._data}

    def restore(self, saved: dict[str, NDArray[Any]]) -> None:
        """Take up what `snapshot` gave; columns that it does not know hold their first value."""
        self.rows = len(next(iter(saved.values())))
        self._data = {
            name: saved[name].copy() if name in saved else np.full(self.rows, first, dtype=kind)
            for name, (kind, first) in self._kinds.items()
        }

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Let go of all other rows; those kept are numbered anew, in order."""
        self._data = {name: self[name][rows] for name in self._data}
        self.rows = len(rows)

    @staticmethod
    def gather(parts: Sequence[tuple[Mapping[str, NDArray[Any]], NDArray[np.int64]]]) -> dict[str, NDArray[Any]]:
        """What `snapshot` would give of some rows of several snapshots, one part after the other.

        >>> Columns.gather([({"x": np.array([1, 2, 3])}, np.array([0, 2])), ({"x": np.array([4])}, np.array([0]))])
        {'x': array([1, 3, 4])}
        """
        return {name: np.concatenate([saved[name][rows] for saved, rows in parts]) for name in parts[0][0]}
