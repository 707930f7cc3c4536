"""Sums: what is booked on each machine, cell of the calendar and product."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.machine_state import STATES

Ints = NDArray[np.int64]

_COLUMNS: dict[str, tuple[tuple[int, ...], Any]] = {
    "machine": ((), np.int64),
    "cell": ((), np.int64),  # where it begins, ns
    "product": ((), np.int64),
    "time": ((STATES,), np.int64),  # ns in each state
    "parts": ((3,), np.float64),  # total, good, rejected
    "kwh": ((STATES,), np.float64),  # in each state
    "kvarh": ((), np.float64),
    "estimated": ((), np.float64),  # kWh between readings that are far apart; in kwh too
    "metered": ((), np.int64),  # ns for which energy is known
    "counted": ((), np.int64),  # ns for which it is known what was made
    "touched": ((), np.bool_),  # since `touched_rows` was asked
}

_ASIDE: dict[str, tuple[tuple[int, ...], Any]] = {
    "starting": ((3,), np.float64),  # of `parts`, those made at start-up
    "air": ((), np.float64),  # m3 of compressed air
    "aired": ((), np.int64),  # ns for which that is known
    "cooling": ((), np.float64),  # kWh of heat that a chiller took up
    "cooled": ((), np.int64),  # ns for which that is known
}
"""Columns that few machines need: there is none before something is booked on it."""

_NOWHERE = np.iinfo(np.int64).min


class Sums:
    """Rows of sums; whole columns by name.

    >>> sums = Sums(); sums.rows(np.array([0, 0]), np.array([900, 900]), np.array([0, 1]))
    array([0, 1])
    """

    def __init__(self) -> None:
        self.of: dict[tuple[int, int, int], int] = {}  # (machine, cell, product) -> row
        self._data = {name: np.zeros((0, *shape), dtype=kind) for name, (shape, kind) in _COLUMNS.items()}
        self._near = np.zeros((3, 0), dtype=np.int64)  # by machine: cell, product and row that were asked for last

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._data[name][: len(self.of)]

    def aside(self, name: str) -> NDArray[Any]:
        """A column that few machines need; made where it is missing, to be booked on."""
        if name not in self._data:
            shape, kind = _ASIDE[name]
            self._data[name] = np.zeros((len(self._data["cell"]), *shape), dtype=kind)
        return self[name]

    def picked(self, name: str, rows: NDArray[Any]) -> NDArray[Any]:
        """Such a column at some rows; zeros where nothing was ever booked on it."""
        shape, kind = _ASIDE[name]
        return self[name][rows] if name in self._data else np.zeros((len(rows), *shape), dtype=kind)

    def rows(self, machine: Ints, cell: Ints, product: Ints) -> Ints:
        """The row of each (machine, cell, product), made where it is new, to be booked on."""
        if len(machine) and (more := int(machine.max()) + 1 - self._near.shape[1]) > 0:
            self._near = np.append(self._near, np.full((3, more), _NOWHERE), axis=1)
        near_cell, near_product, near_row = self._near
        # a machine is booked on one row nearly always: the one before
        other = np.flatnonzero((near_cell[machine] != cell) | (near_product[machine] != product))
        if len(other):
            self._look_up(machine[other], cell[other], product[other])
        out = near_row[machine]
        stray = np.flatnonzero((near_cell[machine] != cell) | (near_product[machine] != product))
        if len(stray):  # a machine with several of them at once
            keys = zip(machine[stray].tolist(), cell[stray].tolist(), product[stray].tolist(), strict=True)
            out[stray] = [self.of[key] for key in keys]
        self._data["touched"][out] = True
        return out

    def _look_up(self, machine: Ints, cell: Ints, product: Ints) -> None:
        """Make rows that are new, and bring the last of each machine near."""
        keys = list(zip(machine.tolist(), cell.tolist(), product.tolist(), strict=True))
        fresh = [key for key in dict.fromkeys(keys) if key not in self.of]
        if fresh:
            self._add(fresh)
        self._near[:, machine] = cell, product, [self.of[key] for key in keys]

    def _add(self, keys: list[tuple[int, int, int]]) -> None:
        start, need = len(self.of), len(self.of) + len(keys)
        self.of |= {key: start + i for i, key in enumerate(keys)}
        have = len(self._data["cell"])
        if need > have:
            more = max(need, 2 * have) - have
            for name, a in self._data.items():
                self._data[name] = np.concatenate((a, np.zeros((more, *a.shape[1:]), dtype=a.dtype)))
        for column, name in enumerate(("machine", "cell", "product")):
            self._data[name][start:need] = [key[column] for key in keys]

    def touched_rows(self) -> Ints:
        """Rows that were booked on since this was asked last."""
        rows = np.flatnonzero(self["touched"])
        self["touched"][:] = False
        return rows

    def keep(self, rows: Ints) -> None:
        """Let go of all other rows; those kept are numbered anew, in order."""
        self._near = np.zeros((3, 0), dtype=np.int64)
        self._data = {name: self[name][rows] for name in self._data}
        keys = zip(*(self._data[name].tolist() for name in ("machine", "cell", "product")), strict=True)
        self.of = {key: row for row, key in enumerate(keys)}

    @staticmethod
    def together(parts: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
        """Snapshots as one: a column that only some have is 0 in the others."""
        whole = {name: of for part in parts for name, of in part.items()} or Sums().snapshot()
        missing = {name: np.zeros(of.shape[1:], dtype=of.dtype) for name, of in whole.items()}
        return {
            name: np.concatenate(
                [part[name] if name in part else np.repeat(fill[None], len(part["cell"]), axis=0) for part in parts]
                or [whole[name]]
            )
            for name, fill in missing.items()
        }

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """A copy of every column."""
        return {name: self[name].copy() for name in self._data}

    def restore(self, saved: dict[str, NDArray[Any]]) -> None:
        """Take up what `snapshot` gave."""
        self._data = {name: a.copy() for name, a in saved.items()}
        self._near = np.zeros((3, 0), dtype=np.int64)
        keys = zip(*(saved[name].tolist() for name in ("machine", "cell", "product")), strict=True)
        self.of = {key: row for row, key in enumerate(keys)}
