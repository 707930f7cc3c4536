"""The second engine: one partition of `kpi.v1` in, key figures of areas and sites out. Pure: no clock, no network.

Rows of machines replace each other by (asset, kpi, product, shift, start, end; revision) and are added up whenever a
window is told of, so that a repeat, a restatement and any order of rows come to the same sum.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from detectors.base import Copy
from schemas.control import Control
from schemas.kpi import KpiRow
from streams.arrays import UNSEEN
from streams.collect import Collector
from streams.configure import Assembly
from streams.localtime import LocalTime
from streams.resolve import ResolvedSite, from_payload
from streams.results import Results
from streams.rollup.adding import adds
from streams.rollup.billing import Billing
from streams.rollup.entries import Entry
from streams.rollup.site_book import KEPT, SiteBook

_HOUR = 3_600_000_000_000


class SiteEngine:
    """All of its state is in arrays and plain data.

    Windows are told of at set instants of the log's clock, a quarter of `kpi_interval` after its multiples: machines
    tell at the multiples, and shall have been heard.
    """

    def __init__(self, partition: int, site: ResolvedSite) -> None:
        self.partition = partition
        self.received = UNSEEN
        self.next_offset = 0
        self.late = 0
        self.books: dict[str, SiteBook] = {}
        self.assembly = Assembly()
        self._tick = UNSEEN  # the instant that was told of last
        self._swept = UNSEEN  # hour of the clock at which old windows were let go
        self.take_up(site)

    def take_up(self, site: ResolvedSite) -> None:
        """Change over to a site; what was told stays as it is until there is news of it."""
        options = site.site.site
        self.site = site
        self._interval = options.kpi_interval
        self._wait = options.grace + 2 * options.kpi_interval
        self._local, self._billing = LocalTime(site), Billing(site)

    def feed(self, entries: Sequence[Entry]) -> Results:
        """Take in records in order, those that were fed before left out; what follows is in `kpis`."""
        out = Collector()
        for entry in entries:
            if entry.offset < self.next_offset:
                continue
            self.received = max(self.received, entry.received)
            self._pass(self.received, out)
            if entry.wrong:
                out.warnings.append(f"kpi.v1 partition {self.partition} offset {entry.offset}: {entry.wrong}")
            if entry.control is not None and entry.control.kind == "configure":
                self._configure(entry.control, out)
            if entry.row is not None:
                self._take(entry.row)
            self.next_offset = entry.offset + 1
        return out.results(self.partition, self.next_offset, self.received, (), ())

    def _take(self, row: KpiRow) -> None:
        how = adds(row.kpi)
        site, below, _ = row.asset.partition("/")
        if how is None or not below or row.level != "machine":
            return
        if not self.received - KEPT < row.end or row.start > self.received + KEPT:
            self.late += 1
            return
        book = self.books.get(site)
        if book is None:
            book = self.books[site] = SiteBook(site)
        book.take(row, self.received)

    def _configure(self, control: Control, out: Collector) -> None:
        payload = self.assembly.add(control)
        if payload is None:
            return
        try:
            site = from_payload(payload)
        except (ValueError, zlib.error) as error:
            out.warnings.append(f"this version cannot take a configuration on kpi.v1: {str(error).splitlines()[0]}")
            return
        if site.version > self.site.version:
            self.take_up(site)

    # --- telling

    def _pass(self, clock: int, out: Collector) -> None:
        """Tell at the instants after the last one up to `clock`, where there is something to tell."""
        now = self._floor(clock)
        if self._tick == UNSEEN:
            self._tick = now
        if now <= self._tick:
            return
        while self._tick < now:
            due = self.next_due()
            if due is None or due > now:
                self._tick = now
            else:
                self._tick = due
                self._sweep(due)
                out.kpis += self._tell(due)
        self._sweep(now)

    def _floor(self, clock: int) -> int:
        late = self._interval // 4
        return (clock - late) // self._interval * self._interval + late

    def next_due(self) -> int | None:
        """The instant at which there will be something to tell though nothing comes, None where there will not."""
        after = self._floor(self._tick) + self._interval
        if any(book.news for book in self.books.values()):
            return after
        ends = [end for book in self.books.values() if (end := book.next_close(self._wait)) is not None]
        if not ends:
            return None
        end = min(ends)
        floor = self._floor(end)
        return max(after, floor if floor == end else floor + self._interval)

    def _tell(self, at: int) -> list[KpiRow]:
        return [row for site in sorted(self.books) for row in self._rows(self.books[site], at)]

    def _rows(self, book: SiteBook, at: int) -> Iterator[KpiRow]:
        for told in book.tell(at, self._wait, self.site.site.site.incomer, self._local, self._billing):
            key, total = told.key, told.total
            yield KpiRow(
                asset=told.place,
                level="area" if "/" in told.place else "site",
                kpi=told.name,
                product=key.product,
                shift=key.shift,
                start=key.start,
                end=key.end,
                value=total.value,
                unit=total.unit,
                coverage=total.coverage,
                status=told.status,
                revision=told.revision,
                reason=total.reason,
                config=self.site.hash,
            )

    def finish(self) -> list[KpiRow]:
        """Everything there is to tell, as if the log's clock had gone on until all is final."""
        rows: list[KpiRow] = []
        while (due := self.next_due()) is not None:
            self._tick = due
            rows += self._tell(due)
        return rows

    def _sweep(self, clock: int) -> None:
        """Let go of what is too old to be restated; which hour of the clock it is decides, not how often we look."""
        hour = clock // _HOUR
        if hour > self._swept:
            self._swept = hour
            for site in [name for name, book in self.books.items() if book.forget(hour * _HOUR, self._incomer)]:
                del self.books[site]

    @property
    def _incomer(self) -> str | None:
        return self.site.site.site.incomer

    # --- state

    @property
    def machines(self) -> int:
        """How many machines are known."""
        return sum(len(book.machines.names) for book in self.books.values())

    def snapshot(self, copy: Copy = np.copy) -> dict[str, Any]:
        """All state, as arrays and plain data; a new engine that takes it up goes on as if never stopped."""
        return {
            "next_offset": self.next_offset,
            "received": self.received,
            "late": self.late,
            "tick": self._tick,
            "swept": self._swept,
            "site": self.site.model_dump(mode="json"),
            "assembly": self.assembly.snapshot(),
            "books": {site: book.snapshot(copy) for site, book in self.books.items()},
        }

    def restore(self, saved: dict[str, Any]) -> list[str]:
        """Take up what `snapshot` gave; says nothing, as nothing of it starts afresh."""
        self.next_offset, self.received, self.late = saved["next_offset"], saved["received"], saved["late"]
        self._tick, self._swept = saved["tick"], saved["swept"]
        self.take_up(from_payload(saved["site"]))
        self.assembly.restore(saved["assembly"])
        self.books = {site: SiteBook.restored(book) for site, book in saved["books"].items()}
        return []
