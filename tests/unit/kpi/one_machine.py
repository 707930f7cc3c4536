"""One machine through an engine: readings in, the last row of each figure and window out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from detectors.durations import SECOND
from schemas.chunk import Record
from schemas.decode import Decoder
from schemas.kpi import KpiRow
from streams.engine import Engine
from streams.resolve import ResolvedSite

ASSET = "p/a/l/m1"
Key = tuple[str, str, int]
Said = tuple[int, Mapping[str, Any]]
"""Second, values by series."""


def told(site: ResolvedSite, readings: Iterable[Said]) -> list[KpiRow]:
    """The last row of each figure and window, as files are scored; each reading is a message at its own time."""
    return told_with_finals(site, readings)[0]


def told_with_finals(site: ResolvedSite, readings: Iterable[Said]) -> tuple[list[KpiRow], list[KpiRow]]:
    """The rows, and those that watches over figures are given when all is over."""
    records = []
    for second, values in readings:
        frame = {"asset": ASSET, "time": [second * SECOND], "series": {name: [v] for name, v in values.items()}}
        records.append(Record(len(records), second * SECOND, None, json.dumps(frame).encode()))
    engine = Engine(0, 1, site)
    engine.kpis.provisional = False
    rows = [*engine.feed(Decoder(b"0123456789abcdef").decode(records, 0)).kpis, *engine.kpis.finish()]
    last = {(row.kpi, row.shift, row.start, row.end): row for row in rows if not row.product}
    return list(last.values()), [row for _, row in engine.kpis.finals]


def by_window(rows: Iterable[KpiRow]) -> dict[Key, KpiRow]:
    """Rows by figure, shift and the second at which the window begins."""
    return {(row.kpi, row.shift, row.start // SECOND): row for row in rows}
