"""Sums of a site by the book: keep the row with the highest revision of each machine and window, then add."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.kpi import KpiRow

Window = tuple[str, str, str, int, int]


def last_rows(rows: Iterable[KpiRow]) -> dict[tuple[str, Window], KpiRow]:
    """The newest row by (asset, window)."""
    newest: dict[tuple[str, Window], KpiRow] = {}
    for row in rows:
        key = row.asset, (row.kpi, row.product, row.shift, row.start, row.end)
        if key not in newest or row.revision > newest[key].revision:
            newest[key] = row
    return newest


def sums(rows: Iterable[KpiRow], place: str, names: Iterable[str]) -> dict[Window, float]:
    """What the machines below a place add up to, by window, of some figures; lines' own rows left out."""
    newest = last_rows(rows)
    telling = {(asset, window[0]) for asset, window in newest}
    found: dict[Window, float] = {}
    for (asset, window), row in newest.items():
        is_line = any(other.startswith(asset + "/") and kpi == window[0] for other, kpi in telling)
        if window[0] in names and asset.startswith(place + "/") and not is_line and row.value is not None:
            if "/" in place and asset.count("/") < 3:
                continue  # an area is the second of four levels
            found[window] = found.get(window, 0.0) + row.value
    return found
