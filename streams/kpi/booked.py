"""Booked: the cells behind the totals of windows, for figures whose worth differs from cell to cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.stated import KNOWN, Stated

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Booked(NamedTuple):
    """What m rows of the sums book in n windows; one row may be booked in several windows."""

    owner: Ints  # (m,) index of the window
    cell: Ints  # (m,) where the row's cell begins, ns
    kwh: Floats  # (m, STATES)

    def distinct(self) -> tuple[Ints, Ints]:
        """The distinct cells (c,), and which of them each row is in (m,): machines share them.

        >>> cells = np.array([900, 0, 900])
        >>> Booked(cells, cells, np.zeros((3, 8))).distinct()
        (array([  0, 900]), array([1, 0, 1]))
        """
        cells, which = np.unique(self.cell, return_inverse=True)
        return cells, which

    def worth(self, kwh: Floats, rate: Stated, n: int) -> Stated:
        """(n,) what `kwh` (m,) of each row come to at the rates of their rows (m,), in n windows.

        There is no value where a row of the window has no rate.
        """
        why = np.zeros(n, dtype=np.uint8)
        np.maximum.at(why, self.owner, rate.reason)
        total = np.zeros(n)
        np.add.at(total, self.owner, kwh * rate.value)
        return Stated(np.where(why == KNOWN, total, np.nan), why)

    def any_of(self, rows: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
        """(n,) windows that have any of the rows that are true (m,)."""
        out = np.zeros(n, dtype=bool)
        out[self.owner[rows]] = True
        return out
