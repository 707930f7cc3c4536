"""Admission: which readings are new, late, duplicate or a correction; and what each series is remembered by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.groups import Groups, group
from streams.arrays import UNSEEN, Columns

SECOND = 1_000_000_000
NEW, LATE, DUPLICATE, CORRECTION = 0, 1, 2, 3

Rows = NDArray[np.int64]


class Admitted(NamedTuple):
    """What admission says of n readings, in order."""

    kind: NDArray[np.uint8]  # NEW, LATE, DUPLICATE or CORRECTION
    second: NDArray[np.int64]  # event-time second of the series' newest reading before it
    changed: NDArray[np.bool_]  # value differs from the newest one before it; all, where nobody asked
    whole: bool  # all are NEW


def memory() -> Columns:
    """What admission remembers of each series."""
    return Columns(
        time=(np.int64, UNSEEN),  # newest event time
        value=(np.float64, np.nan),  # its value, the last correction included
        text=(object, None),
    )


def admit(
    seen: Columns,
    groups: Groups,
    rows: Rows,
    time: NDArray[np.int64],
    value: NDArray[np.float64],
    text: dict[int, str],
    compare: bool = True,
) -> Admitted:
    """Judge readings (n,) of series `rows` in log order, and remember the newest of each series in `seen`.

    A reading older than its series' newest is LATE; of equal time, DUPLICATE where the value is equal (absent equals
    absent) and CORRECTION where not; the last correction is what a further repeat is compared with. `groups` are
    those of `rows`; `compare`: say which values have changed.
    """
    n = len(rows)
    kind = np.full(n, NEW, dtype=np.uint8)
    before = groups.previous(time, seen["time"])
    second = before // SECOND
    texts = _texts(n, text) if text or _holds_text(seen["text"][groups.rows]) else None
    whole = bool((time > before).all())
    # the newest of each series is its last NEW or CORRECTION: both carry the newest time
    kept, newest = np.arange(n), groups
    if not whole:
        kind = _classify(seen, rows, time, value, _texts(n, {}) if texts is None else texts)
        new = np.flatnonzero(kind == NEW)
        second = np.zeros(n, dtype=np.int64)
        second[new] = group(rows[new]).previous(time[new], seen["time"]) // SECOND
        kept = np.flatnonzero((kind == NEW) | (kind == CORRECTION))
        newest = group(rows[kept])
    changed = np.ones(n, dtype=bool)
    if compare:
        was = newest.previous(value[kept], seen["value"])
        same = (value[kept] == was) | (np.isnan(value[kept]) & np.isnan(was))
        if texts is not None:
            same &= texts[kept] == newest.previous(texts[kept], seen["text"])
        changed[kept] = ~((newest.previous(time[kept], seen["time"]) != UNSEEN) & same)
    last = groups.last if whole else kept[newest.last]
    seen["time"][newest.rows], seen["value"][newest.rows] = time[last], value[last]
    if texts is not None:
        seen["text"][newest.rows] = texts[last]
    return Admitted(kind, second, changed, whole)


def _texts(n: int, text: dict[int, str]) -> NDArray[np.object_]:
    texts = np.full(n, None, dtype=object)
    for i, word in text.items():
        texts[i] = word
    return texts


def _holds_text(words: NDArray[np.object_]) -> bool:
    return bool(words.tolist().count(None) < len(words))


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
