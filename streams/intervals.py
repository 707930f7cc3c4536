"""Intervals: how far apart the readings of a series are, declared or learned from its first ones, and then kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from streams.arrays import UNSEEN, Columns
from streams.bin_pieces import Laid
from streams.segment import Ints

LEARNED = 20
"""The interval is the upper median of a series' first so many."""
COLUMNS: dict[str, tuple[Any, Any]] = {
    "interval": (np.int64, 0),  # ns; 0 = not known yet
    "seen": (np.int8, 0),  # how many were taken down so far
    "intervals": (np.dtype((np.int64, (LEARNED,))), 0),
}
"""What is remembered of each series."""


def known(c: Columns, laid: Laid, rows: Ints, time: Ints, wanted: bool) -> Ints:
    """(N,) the interval of each element's series as known from that element on, 0 where it is not.

    Learns it on the way, where it is `wanted`; `rows` (k,) of `c` are the series, `time` (N,) is that of the elements.
    """
    series, interval = laid.series, c["interval"][rows]
    learning = interval == 0
    if not wanted or not learning.any():
        return np.asarray(interval[series])
    # which interval of its series each reading ends, counted from 0; its very first reading ends none
    offset = c["seen"][rows].astype(np.int64) - (time[laid.lead] == UNSEEN) - laid.lead - 1
    which = np.arange(len(time)) + offset[series]
    taken = np.flatnonzero(learning[series] & (which >= 0) & (which < LEARNED) & ~laid.leads)
    c["intervals"][rows[series[taken]], which[taken]] = time[taken] - time[taken - 1]
    c["seen"][rows[learning]] = np.minimum(which[laid.last[learning]] + 1, LEARNED)
    full = rows[c["seen"][rows] == LEARNED]
    c["interval"][full] = np.partition(c["intervals"][full], LEARNED // 2, axis=1)[:, LEARNED // 2]
    c["intervals"][full], c["seen"][full] = 0, 0
    return np.where(learning[series] & (which < LEARNED - 1), 0, c["interval"][rows][series])
