"""One line of machines through a whole engine: readings in, rows of key figures out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from schemas.chunk import Record
from schemas.decode import Decoder
from schemas.kpi import KpiRow
from streams.engine import Engine
from streams.resolve import resolve
from streams.site import Site

SECOND = 1_000_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
START = 1_767_600_000 * SECOND  # a full hour, UTC
LINE = "penang/smt/line1"

Said = tuple[str, str, int, float | str]
"""Machine, series, time (ns since START), value."""

WORDS = {"RUN": "producing", "IDLE": "idle", "STARVED": "starved", "DOWN": "down", "SETUP": "setup", "OFF": "planned"}


def entry(**more: Any) -> dict[str, Any]:
    """A [[machine]] entry for all machines."""
    return {"assets": "*", "state": {"series": "state", "words": WORDS}, "hold": "2h"} | more


def site(line: dict[str, Any], *machines: dict[str, Any], **more: Any) -> Site:
    """A site of such machines with one [[line]] entry and no watch."""
    given: dict[str, Any] = {"machine": list(machines) or [entry()], "line": [{"path": "penang/*"} | line], "watch": []}
    given["energy"] = {"currency": "MYR"}
    return Site.model_validate(given | {"site": {"grace": "10s"}} | more)


def told(of: Site, said: Iterable[Said], delay: int = 0, finish: bool = True, provisional: bool = True) -> list[KpiRow]:
    """All rows that such a line gives, each reading received `delay` after its time; with `finish` until all is
    final."""
    records = []
    for i, (machine, series, time, value) in enumerate(said):
        body = {"asset": f"{LINE}/{machine}", "series": series, "time": START + time, "value": value}
        records.append(Record(i, START + time + delay, None, json.dumps(body).encode()))
    engine = Engine(0, 1, resolve(of), rows="none")
    engine.kpis.provisional = provisional
    results = engine.feed(Decoder(b"0123456789abcdef").decode(records, 0))
    assert not results.rejections
    return [*results.kpis, *(engine.kpis.finish() if finish else [])]


def last(rows: Iterable[KpiRow]) -> dict[tuple[str, str, str, int], KpiRow]:
    """Of each figure the row that stands in the end, by machine (empty: the line), figure, product and hour."""
    newest: dict[tuple[str, str, str, int], KpiRow] = {}
    for row in rows:
        if not row.shift and row.end - row.start == HOUR:
            assert (row.level == "line") == (row.asset == LINE)
            key = row.asset[len(LINE) + 1 :], row.kpi, row.product, (row.start - START) // HOUR
            assert key not in newest or newest[key].revision < row.revision
            newest[key] = row
    return newest
