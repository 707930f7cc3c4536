"""The machines of a site: which of them tell a figure, and of which place's sum they are a part."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from streams.arrays import UNSEEN
from streams.rollup.adding import Adds
from streams.segment import Ints

SUBMETERED = "submetered_"
"""What stands before a figure's name where it is the sum of machines beside a site's main meter."""


class Sum(NamedTuple):
    """One sum: of a place, under a name, over some machines (ascending numbers)."""

    place: str
    name: str
    machines: Ints


class Machines:
    """All machines of one site, numbered as they are heard of."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.names: list[str] = []
        self._number: dict[str, int] = {}
        self.heard: dict[str, Ints] = {}  # figure -> the log's clock at each machine's last row, UNSEEN: never
        self.since: dict[str, Ints] = {}  # figure -> the earliest window told of
        self._sums: dict[str, tuple[str | None, list[Sum]]] = {}

    def hear(self, asset: str, kpi: str, start: int, clock: int) -> tuple[int, bool]:
        """Take note that a machine tells a figure: its number, and whether an asset above it counts no more."""
        number = self._number.setdefault(asset, len(self.names))
        if number == len(self.names):
            self.names.append(asset)
        for table, first in ((self.heard, UNSEEN), (self.since, np.iinfo(np.int64).max)):
            column = table.get(kpi)
            if column is None or len(column) <= number:
                had = np.zeros(0, dtype=np.int64) if column is None else column
                table[kpi] = np.append(had, np.full(len(self.names) - len(had), first))
        new = self.heard[kpi][number] == UNSEEN
        if new:
            self._sums.pop(kpi, None)
        self.heard[kpi][number] = clock
        self.since[kpi][number] = min(start, self.since[kpi][number])
        return number, bool(new) and self._is_below(asset, kpi)

    def _is_below(self, asset: str, kpi: str) -> bool:
        heard = self.heard[kpi]
        above = [self._number.get(name) for name in uppers(asset)]
        return any(number is not None and number < len(heard) and heard[number] != UNSEEN for number in above)

    def sums(self, kpi: str, how: Adds, incomer: str | None) -> list[Sum]:
        """The sums that a figure makes: of the site, of each area, and of what is metered below a main meter."""
        known = self._sums.get(kpi)
        if known is None or known[0] != incomer:
            known = self._sums[kpi] = incomer, list(self._make(kpi, how, incomer))
        return known[1]

    def _make(self, kpi: str, how: Adds, incomer: str | None) -> Iterable[Sum]:
        telling = np.flatnonzero(self.heard[kpi] != UNSEEN).tolist()
        mains = [n for n in telling if is_incomer(incomer, self.names[n])]
        rest = leaves({n: self.names[n] for n in telling if n not in mains})
        if how.metered and has_incomer(incomer, self.site):
            yield Sum(self.site, kpi, _array(mains))
            if rest:
                yield Sum(self.site, SUBMETERED + kpi, _array(rest))
        elif rest:
            yield Sum(self.site, kpi, _array(rest))
        areas: dict[str, list[int]] = {}
        for number in rest:
            levels = self.names[number].split("/")
            if len(levels) > 3:
                areas.setdefault("/".join(levels[:2]), []).append(number)
        for area in sorted(areas):
            yield Sum(area, kpi, _array(areas[area]))

    def expected(self, kpi: str, machines: Ints, end: int, after: int) -> Ints:
        """Those of some machines that would tell a window: known before its end, and heard of since a time."""
        since, heard = self.since[kpi][machines], self.heard[kpi][machines]
        return machines[(since < end) & (heard > after)]

    def forget(self, before: int, needed: Ints, incomer: str | None) -> Ints | None:
        """Let go of machines not heard of since a time and not `needed`; those kept, None where all are."""
        last = np.full(len(self.names), UNSEEN)
        for heard in self.heard.values():
            last[: len(heard)] = np.maximum(last[: len(heard)], heard)
        keep = last > before
        keep[needed] = True
        # a site with a main meter that fell silent is not the sum of the others
        keep |= np.array([is_incomer(incomer, name) for name in self.names], dtype=bool)
        if keep.all():
            return None
        kept = np.flatnonzero(keep)
        self.names = [self.names[n] for n in kept.tolist()]
        self._number = {name: n for n, name in enumerate(self.names)}
        for table in (self.heard, self.since):
            for kpi, column in table.items():
                table[kpi] = column[kept[kept < len(column)]]
        self._sums.clear()
        return kept

    def snapshot(self) -> dict[str, Any]:
        """All that it remembers."""
        copies = {name: {kpi: column.copy() for kpi, column in table.items()}
                  for name, table in (("heard", self.heard), ("since", self.since))}  # fmt: skip
        return {"site": self.site, "names": list(self.names), **copies}

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> Machines:
        """Take up what `snapshot` gave."""
        machines = cls(saved["site"])
        machines.names = list(saved["names"])
        machines._number = {name: n for n, name in enumerate(machines.names)}
        machines.heard = {kpi: column.copy() for kpi, column in saved["heard"].items()}
        machines.since = {kpi: column.copy() for kpi, column in saved["since"].items()}
        return machines


def leaves(names: dict[int, str]) -> list[int]:
    """The assets that have none of the others below them: a line's rows, and a machine's with meters below its own,
    are sums already.

    >>> leaves({0: "p/a/l1", 1: "p/a/l1/m1", 2: "p/a/l1-b"})
    [1, 2]
    """
    above = {upper for name in names.values() for upper in uppers(name)}
    return [number for number, name in names.items() if name not in above]


def uppers(asset: str) -> list[str]:
    """The paths above an asset's.

    >>> uppers("p/a/m1")
    ['p', 'p/a']
    """
    levels = asset.split("/")
    return ["/".join(levels[:n]) for n in range(1, len(levels))]


def is_incomer(glob: str | None, asset: str) -> bool:
    """Whether an asset is a site's main meter."""
    return glob is not None and fnmatchcase(asset, glob)


def has_incomer(glob: str | None, site: str) -> bool:
    """Whether a site has a main meter, heard of or not: the glob's first level fits it.

    >>> has_incomer("penang/utilities/*/main", "penang"), has_incomer("penang/*", "kulim"), has_incomer(None, "penang")
    (True, False, False)
    """
    return glob is not None and fnmatchcase(site, glob.split("/", 1)[0])


def _array(numbers: list[int]) -> Ints:
    return np.array(sorted(numbers), dtype=np.int64)
