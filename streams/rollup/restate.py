"""Restating what areas and sites come to, after rows of their machines were restated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from schemas.kpi import KpiRow
from streams.kpi.restate import MADE, same_value
from streams.resolve import ResolvedSite
from streams.rollup.adding import adds
from streams.rollup.offline import site_rows

Key = tuple[str, str, str, str, int, int]
"""Asset, figure, product, shift, start, end."""
_LEVELS = ("area", "site")
_FIGURES = frozenset(kpi for kpi in MADE if adds(kpi) is not None)


class KeptRows:
    """The newest row of each figure that is restated and adds: of machines, and of areas and sites."""

    def __init__(self) -> None:
        self._machines: dict[Key, KpiRow] = {}
        self._places: dict[Key, KpiRow] = {}

    def take(self, row: KpiRow) -> None:
        """Take in a row; those of lines and of other figures are passed over."""
        rows = self._places if row.level in _LEVELS else self._machines
        if row.level == "line" or row.kpi not in _FIGURES:
            return
        known = rows.get(_key(row))
        if known is None or row.revision >= known.revision:
            rows[_key(row)] = row

    def restated(self, machines: Sequence[KpiRow], site: ResolvedSite) -> list[KpiRow]:
        """Rows of areas and sites that follow from restated rows of `machines`.

        They are the sums over the newest rows of all machines, with a revision above what is kept of them; one that
        would say what is kept already is left out. Bills and highest demands are not restated.
        """
        for row in machines:
            self.take(row)
        figures = {row.kpi for row in machines} & _FIGURES
        windows = {_key(row)[2:] for row in machines}
        # also those of other windows: who was heard of before is missed where it says nothing
        rows = [row for row in self._machines.values() if row.kpi in figures and row.status != "provisional"]
        newest = {_key(row): row for row in site_rows(rows, site)}
        return list(self._changed(row for key, row in newest.items() if key[2:] in windows))

    def _changed(self, rows: Iterable[KpiRow]) -> Iterator[KpiRow]:
        for row in rows:
            known = self._places.get(_key(row))
            if known is None or known.unit != row.unit or not same_value(known.value, row.value):
                revision = 1 + (known.revision if known is not None else 0)
                yield row.model_copy(update={"status": "restated", "revision": revision})


def _key(row: KpiRow) -> Key:
    return row.asset, row.kpi, row.product, row.shift, row.start, row.end
