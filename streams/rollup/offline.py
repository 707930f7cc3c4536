"""Key figures of sites from files: the machines' last rows, fed to the second engine in the order of their windows."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.kpi import KpiRow
from streams.resolve import ResolvedSite
from streams.rollup.engine import SiteEngine
from streams.rollup.entries import Entry


def site_rows(rows: Sequence[KpiRow], site: ResolvedSite) -> list[KpiRow]:
    """What the last rows of machines come to, for areas and sites; all of it final.

    Each is taken to come at the end of its window, as files say nothing of when it was told.
    """
    engine = SiteEngine(0, site)
    in_order = sorted(rows, key=lambda row: row.end)
    told = engine.feed([Entry(offset, row.end, row) for offset, row in enumerate(in_order)]).kpis
    return [*told, *engine.finish()]
