"""Admission: which readings are new, late, duplicate or a correction; and what each series is remembered by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.arrays import UNSEEN, Columns, latest, previous

NEW, LATE, DUPLICATE, CORRECTION = 0, 1, 2, 3

Rows = NDArray[np.int64]


class Admitted(NamedTuple):
    """What admission says of n readings, in order."""

    kind: NDArray[np.uint8]  # NEW, LATE, DUPLICATE or CORRECTION
    second: NDArray[np.int64]  # event-time second of the series' newest reading before it
    changed: NDArray[np.bool_]  # value differs from the newest one before it


def memory() -> Columns:
    """What admission remembers of each series."""
    return Columns(
        time=(np.int64, UNSEEN),  # newest event time
        value=(np.float64, np.nan),  # its value, the last correction included
        text=(object, None),
    )


def admit(
    seen: Columns,
    rows: Rows,
    time: NDArray[np.int64],
    value: NDArray[np.float64],
    text: dict[int, str],
) -> Admitted:
    """Judge readings (n,) of series `rows` in log order, and remember the newest of each series in `seen`.

    A reading older than its series' newest is LATE; of equal time, DUPLICATE where the value is equal (absent equals
    absent) and CORRECTION where not; the last correction is what a further repeat is compared with.
    """
    n = len(rows)
    texts = np.full(n, None, dtype=object)
    for i, word in text.items():
        texts[i] = word
    before = previous(rows, time, seen["time"])
    kind = np.full(n, NEW, dtype=np.uint8)
    if not (time > before).all():
        kind = _classify(seen, rows, time, value, texts)
    new = np.flatnonzero(kind == NEW)
    second = np.zeros(n, dtype=np.int64)
    second[new] = previous(rows[new], time[new], seen["time"]) // 1_000_000_000
    changed = np.ones(n, dtype=bool)
    # the newest of each series is its last NEW or CORRECTION: both carry the newest time
    kept = np.flatnonzero((kind == NEW) | (kind == CORRECTION))
    was, was_text = previous(rows[kept], value[kept], seen["value"]), previous(rows[kept], texts[kept], seen["text"])
    same = (value[kept] == was) | (np.isnan(value[kept]) & np.isnan(was))
    changed[kept] = ~((previous(rows[kept], time[kept], seen["time"]) != UNSEEN) & same & (texts[kept] == was_text))
    distinct, last = latest(rows[kept])
    last = kept[last]
    seen["time"][distinct], seen["value"][distinct] = time[last], value[last]
    seen["text"][distinct] = texts[last]
    return Admitted(kind, second, changed)


def _classify(
    seen: Columns, rows: Rows, time: NDArray[np.int64], value: NDArray[np.float64], texts: NDArray[np.object_]
) -> NDArray[np.uint8]:
    """Reading by reading, where something arrives out of order or twice."""
    newest: dict[int, tuple[int, float, str | None]] = {}
    kind = np.empty(len(rows), dtype=np.uint8)
    for i, (row, t, x) in enumerate(zip(rows.tolist(), time.tolist(), value.tolist(), strict=True)):
        at, was, word = newest.get(row) or (int(seen["time"][row]), float(seen["value"][row]), seen["text"][row])
        if t < at:
            kind[i] = LATE
        elif t > at:
            kind[i] = NEW
            newest[row] = (t, x, texts[i])
        elif (x == was or (x != x and was != was)) and texts[i] == word:
            kind[i] = DUPLICATE
        else:
            kind[i] = CORRECTION
            newest[row] = (t, x, texts[i])
    return kind
