"""Where faults are planted: seeded places behind the warm-up, as many in each kind of data."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.quality.normal import Source
from tests.quality.planted import Fault, daily
from tests.quality.product import Table

EACH = 26
"""Places for each fault and kind of data."""
HOUR_NS = 3_600 * 10**9
LEAST_INPUTS = 3
LONGEST = 4_000
"""Rows that are left of a joint watch's table, half of them behind where faults may start: it takes long."""


class Place(NamedTuple):
    """A fault in rows [first, last) of one series."""

    fault: Fault
    kind: str  # of data
    series: str
    first: int
    last: int
    seed: int


def seed(*names: object) -> int:
    """The same number for the same names on every machine."""
    return zlib.crc32("/".join(map(str, names)).encode())


def last_row(time: NDArray[np.int64], fault: Fault, first: int) -> int:
    """Where a fault from row `first` on ends."""
    if not fault.hours:
        return min(first + 3, len(time))
    return int(np.searchsorted(time, time[first] + fault.hours * HOUR_NS))


def places(kind: str, of: Sequence[Source], fault: Fault, joint: bool) -> Iterator[tuple[Source, Place]]:
    """Seeded places for a fault in one kind of data."""
    rng = np.random.default_rng(seed(kind, fault.name))
    choices: list[tuple[Source, str, Table, int]] = []
    for source in of:
        if joint and len(source.table.names) < LEAST_INPUTS:
            continue
        for name in source.table.names:
            table = source.table if joint else source.table.only(name)
            first = int(np.searchsorted(table.time, source.table.time[source.first]))
            x = source.table.x[:, source.table.names.index(name)] if joint else table.x[:, 0]
            if fault.name == "phase shift" and not daily(table.time, x):
                continue
            choices.append((source, name, table, first))
    short = joint and kind == "tep"
    fits = [c for c in choices if short or last_row(c[2].time, fault, c[3]) < len(c[2].time)]
    for n in range(EACH if fits else 0):
        source, name, table, first = fits[rng.integers(len(fits))]
        end = len(table.time) if short else int(np.searchsorted(table.time, table.time[-1] - fault.hours * HOUR_NS))
        at = first if short else int(rng.integers(first, max(min(end, len(table.time) - 3), first + 1)))
        yield source, Place(fault, kind, name, at, last_row(table.time, fault, at), seed(kind, fault.name, n))


def cut(source: Source) -> Source:
    """Fewer rows around where faults may start."""
    begin = max(0, source.first - LONGEST // 2)
    return source._replace(table=source.table.rows(begin, source.first + LONGEST // 2), first=source.first - begin)
