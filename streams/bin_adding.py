"""Readings that only add to bins that are open, as nearly all of live data do: one pass, and nothing is laid out."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors import compiled
from detectors.compiled import Kernel
from detectors.groups import Groups
from streams.arrays import UNSEEN, Columns
from streams.bin_pieces import Arrived
from streams.segment import Ints


def added(c: Columns, g: Groups, came: Arrived, waits: Ints, learning: bool) -> bool:
    """Whether all readings only add to open bins, which then hold them; if not, nothing has changed.

    They do where each is of the bin that its series has open, and of its mode, comes before its end and is due, is
    good exactly if the bin is, and ends no interval that is still to be learned (`learning`: they are). `waits` (k,)
    says how long each series' bins are waited for. Without compiled kernels the answer is no.
    """
    k = len(g.rows)
    if not compiled.available or not came.enters.all():
        return False
    end = c["end"][g.rows]
    if (end == UNSEEN).any() or (learning and (c["interval"][g.rows] == 0).any()):
        return False
    due, steps, earliest = c["due"][g.rows], np.full(k, -1), np.empty(k, dtype=np.int64)
    fits: bool = _fits.run(
        [g.rows, g.local, came.time, came.step, came.clock, came.good, came.row, end, waits],
        [c["good"], c["upto"], c["mode"], due, steps, earliest],
    )
    if fits:
        _add.run([g.rows, g.local, came.time, came.value], [c["total"], c["readings"], c["time"]])
        c["due"][g.rows], c["reach"][g.rows] = due, end
    return fits


def warm_up() -> None:
    """Compile the kernels, or load them from the disk, before the first reading waits for it."""
    row, one, yes = np.zeros(1, dtype=np.int64), np.ones(1), np.ones(1, dtype=bool)
    _fits.run([row, row, row, row, row, yes, row, row, row], [yes, *(row.copy() for _ in range(5))])
    _add.run([row, row, row, one], [one.copy(), row.copy(), row.copy()])


@Kernel
def _fits(
    rows: Any, local: Any, time: Any, step: Any, clock: Any, good: Any, row: Any, end: Any, waits: Any,
    was_good: Any, upto: Any, mode: Any, due: Any, steps: Any, earliest: Any,
) -> Any:  # fmt: skip
    """Go through the readings; `due` moves on to when each series' bin is overdue behind them."""
    for i in range(len(local)):
        j = local[i]
        r = rows[j]
        if row[i] != mode[r] or good[i] != was_good[r] or time[i] >= end[j] or time[i] <= upto[r] or due[j] <= clock[i]:
            return False
        if steps[j] != step[i]:
            steps[j] = step[i]
            earliest[j] = time[i]
        due[j] = end[j] + (clock[i] - earliest[j]) + waits[j]
    return True


@Kernel
def _add(rows: Any, local: Any, time: Any, value: Any, total: Any, readings: Any, newest: Any) -> None:
    for i in range(len(local)):
        r = rows[local[i]]
        total[r] = total[r] + value[i]
        readings[r] = readings[r] + 1
        newest[r] = time[i]
