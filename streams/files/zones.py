"""Local wall-clock times to UTC, a whole column at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

_DAY = 86_400_000_000_000
_EPOCH = datetime(1970, 1, 1)


def _offset_ns(zone: ZoneInfo, local_ns: int) -> int:
    try:
        offset = zone.utcoffset(_EPOCH + timedelta(microseconds=local_ns // 1000))
    except OverflowError:
        return 0
    return int(offset.total_seconds()) * 1_000_000_000 if offset else 0


def to_utc(local: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """UTC of local times (n,) in ns. The hour that a clock change repeats is taken as its first pass.

    >>> to_utc(np.array([0]), "Asia/Kuala_Lumpur").tolist()
    [-27000000000000]
    """
    info = ZoneInfo(zone)
    days, which = np.unique(local // _DAY, return_inverse=True)
    at_start = {int(d): _offset_ns(info, int(d) * _DAY) for d in np.union1d(days, days + 1)}
    offset = np.array([at_start[int(d)] for d in days], dtype=np.int64)[which]
    # only a day at whose ends the offsets differ holds a clock change, and needs a look at each row
    changes = np.array([at_start[int(d)] != at_start[int(d) + 1] for d in days], dtype=np.bool_)[which]
    for row in np.flatnonzero(changes).tolist():
        offset[row] = _offset_ns(info, int(local[row]))
    return local - offset
