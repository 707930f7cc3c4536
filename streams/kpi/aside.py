"""Aside: what windows book of utilities, beside the totals that all machines have."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.sums import Sums
from streams.segment import Bools, Ints

Floats = NDArray[np.float64]


class Aside(NamedTuple):
    """Of n windows."""

    time: Ints  # (n, STATES) ns in each state, in cells in which nothing is planned
    metered: Ints  # (n,) ns in such cells for which energy is known
    air: Floats  # (n,) m3 in such cells
    aired: Ints  # (n,) ns in such cells for which that is known
    cooling: Floats  # (n,) kWh of heat in all cells
    cooled: Ints  # (n,) ns for which that is known


def aside_of(sums: Sums, rows: Ints, owner: Ints, planned: Bools, n: int) -> Aside:
    """What `rows` (m,) of the sums come to for n windows; `owner` (m,) is the window, `planned` (m,) of the row."""
    rest = np.flatnonzero(~planned)
    everywhere = np.arange(len(rows))

    def total(of: NDArray[Any], which: Ints) -> NDArray[Any]:
        out = np.zeros((n, *of.shape[1:]), dtype=of.dtype)
        np.add.at(out, owner[which], of)
        return out

    return Aside(
        time=total(sums["time"][rows[rest]], rest),
        metered=total(sums["metered"][rows[rest]], rest),
        air=total(sums.picked("air", rows[rest]), rest),
        aired=total(sums.picked("aired", rows[rest]), rest),
        cooling=total(sums.picked("cooling", rows), everywhere),
        cooled=total(sums.picked("cooled", rows), everywhere),
    )
