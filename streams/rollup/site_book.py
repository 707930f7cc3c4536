"""What is known of one site: its machines, its windows, its months, and what of them is to be told."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np

from detectors.base import Copy
from schemas.kpi import KpiRow, Status
from streams.kpi.book import Standing
from streams.localtime import LocalTime
from streams.rollup.adding import Adds, adds
from streams.rollup.billing import Billing
from streams.rollup.machines import Machines, Sum
from streams.rollup.metered import HOUR, Hour, Metered
from streams.rollup.peak import Month, month_of
from streams.rollup.window import NOT_TOLD, Key, Total, Window
from streams.segment import Ints

KEPT = 48 * 3_600_000_000_000
"""So long after their end windows can be restated, and so long after its last row a machine is missed."""

DEMAND, DEMAND_MAX = "demand", "demand_max"
ENERGY, REACTIVE = "energy", "reactive_energy"


AMonth = TypeVar("AMonth", Month, Metered)


class Told(NamedTuple):
    """One sum as it stands now."""

    place: str
    name: str
    key: Key
    total: Total
    revision: int
    status: Status


class SiteBook:
    """One site."""

    def __init__(self, site: str) -> None:
        self.machines = Machines(site)
        self.windows: dict[Key, Window] = {}
        self.months: dict[int, Month] = {}
        self.metered: dict[int, Metered] = {}  # of months that are billed
        self.news = False
        self._open: dict[Key, None] = {}  # windows that machines have time left for

    def take(self, row: KpiRow, clock: int) -> None:
        """Take in a row of a machine."""
        key = Key(row.kpi, row.product, row.shift, row.start, row.end)
        machine, parted = self.machines.hear(row.asset, row.kpi, row.start, clock)
        if parted:
            self._stir(row.kpi)
        window = self.windows.get(key)
        if window is None:
            window = self.windows[key] = Window(clock)
            self._open[key] = None
        self.news |= window.take(machine, row)

    def _stir(self, kpi: str) -> None:
        """What was a machine is a line, now that one below it is heard of: what it told counts no more."""
        for key, window in self.windows.items():
            window.stirred |= key.kpi == kpi
        self.news = True

    def next_close(self, wait: int) -> int | None:
        """The clock at which the next window or month closes though machines are silent."""
        ends = [max(key.end, self.windows[key].first) + wait for key in self._open]
        months: tuple[Month | Metered, ...] = (*self.months.values(), *self.metered.values())
        ends += [month.end + wait for month in months if not month.standing.final]
        return min(ends, default=None)

    def tell(self, at: int, wait: int, incomer: str | None, local: LocalTime, billing: Billing) -> Iterator[Told]:
        """What is new at an instant, window by window."""
        for key in sorted(self.windows):
            window = self.windows[key]
            over = at >= max(key.end, window.first) + wait
            closes = over and key in self._open
            if not (closes or (self.news and window.news)):
                continue
            how = adds(key.kpi)
            assert how is not None
            for total in self.machines.sums(key.kpi, how, incomer):
                told = self._told(key, window, total, how, at, over)
                if told is not None:
                    if told.place == self.machines.site and told.status != "provisional":
                        self._note(told, incomer, local, billing)
                    yield told
            window.settle()
            if closes:
                del self._open[key]
        self.news = False
        yield from self._peaks(at, wait)
        yield from self._bills(at, wait, billing)

    def _told(self, key: Key, window: Window, of: Sum, how: Adds, at: int, over: bool) -> Told | None:
        standing = window.told.get(of[:2]) or Standing()
        again = window.stirred and standing.revision > 0
        if not (window.fresh(of.machines) or again) and (not over or standing.final):
            return None
        heard = of.machines[window.heard(of.machines)]
        expected = heard
        if how.always and not key.product:
            expected = np.union1d(heard, self.machines.expected(key.kpi, of.machines, key.end, at - KEPT))
        if not (len(expected) or standing.revision) and (len(of.machines) or not how.always):
            return None
        complete = how.always and len(heard) == len(expected) > 0 and window.finals(heard)
        window.told[of.place, of.name] = standing
        status = standing.tell(final=bool(over or complete))
        return Told(of.place, of.name, key, window.total(heard, len(expected)), standing.revision, status)

    def _note(self, told: Told, incomer: str | None, local: LocalTime, billing: Billing) -> None:
        """Take in what months are made of, from the site's windows that are over."""
        key = told.key
        hourly = key.end - key.start == HOUR and not key.shift and not key.product
        if told.name != DEMAND and not (billing.active and hourly and told.name in (ENERGY, REACTIVE)):
            return
        start, end = month_of(local, key.start)
        month = self.months.get(start)
        if month is None:
            month = self.months[start] = Month(start, end)
        if told.name == DEMAND:
            month.unit = told.total.unit
            month.note(key.start, key.end, told.total.value, told.total.coverage)
        if billing.active:
            metered = self.metered.setdefault(start, Metered(month))
            if told.name == DEMAND:
                metered.news = True
            else:
                metered.note(key.start, self._hour(key, incomer))

    def _hour(self, key: Key, incomer: str | None) -> Hour:
        """Energy and reactive energy of the site in an hour; whether all that drew energy has both."""
        kwh, kvarh = (self._known(key._replace(kpi=kpi), incomer) for kpi in (ENERGY, REACTIVE))
        paired = all(number in kvarh for number, drawn in kwh.items() if drawn)
        return Hour(math.fsum(kwh.values()), math.fsum(kvarh.values()), paired)

    def _known(self, key: Key, incomer: str | None) -> dict[int, float]:
        """What each machine of the site's sum told of a window."""
        window, how = self.windows.get(key), adds(key.kpi)
        if window is None or how is None:
            return {}
        of = [one for one in self.machines.sums(key.kpi, how, incomer) if one[:2] == (self.machines.site, key.kpi)]
        return window.known(of[0].machines) if of else {}

    def _peaks(self, at: int, wait: int) -> Iterator[Told]:
        for month, over in _due(self.months, at, wait):
            if not month.windows:  # of a month that is billed, but of which no demand is known
                month.standing.final |= over
                continue
            status = month.standing.tell(final=over)
            month.news = False
            highest = month.highest
            total = Total(highest, month.unit, month.coverage, "" if highest is not None else NOT_TOLD)
            key = Key(DEMAND_MAX, "", "", month.start, month.end)
            yield Told(self.machines.site, DEMAND_MAX, key, total, month.standing.revision, status)

    def _bills(self, at: int, wait: int, billing: Billing) -> Iterator[Told]:
        for month, over in _due(self.metered, at, wait):
            status = month.standing.tell(final=over)
            month.news = False
            for name, total in billing.figures(month) if billing.active else ():
                key = Key(name, "", "", month.start, month.end)
                yield Told(self.machines.site, name, key, total, month.standing.revision, status)

    def forget(self, clock: int, incomer: str | None) -> bool:
        """Let go of windows, months and machines that are too old; whether nothing is left."""
        for key in [key for key in self.windows if key.end <= clock - KEPT and key not in self._open]:
            del self.windows[key]
        for start, month in list(self.months.items()):
            if not month.standing.final or month.end > clock - KEPT:
                continue
            del self.months[start]
            self.metered.pop(start, None)
        takers = [window.takers() for window in self.windows.values()]
        needed: Ints = np.unique(np.concatenate(takers)) if takers else np.zeros(0, dtype=np.int64)
        kept = self.machines.forget(clock - KEPT, needed, incomer)
        if kept is not None:
            for window in self.windows.values():
                window.keep(kept)
        return not self.machines.names and not self.windows and not self.months

    def snapshot(self, copy: Copy = np.copy) -> dict[str, Any]:
        """All that it remembers."""
        return {
            "machines": self.machines.snapshot(),
            "windows": [[list(key), window.snapshot(copy), key in self._open] for key, window in self.windows.items()],
            "months": [month.snapshot() for month in self.months.values()],
            "metered": [month.snapshot() for month in self.metered.values()],
            "news": self.news,
        }

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> SiteBook:
        """Take up what `snapshot` gave."""
        book = cls(saved["machines"]["site"])
        book.machines = Machines.restored(saved["machines"])
        for key, window, is_open in saved["windows"]:
            book.windows[Key(*key)] = Window.restored(window)
            if is_open:
                book._open[Key(*key)] = None
        book.months = {month.start: month for month in map(Month.restored, saved["months"])}
        for one in saved.get("metered", ()):  # not in what was saved before there were bills
            book.metered[one[0]] = Metered.restored(one, book.months[one[0]])
        book.news = saved["news"]
        return book


def _due(months: dict[int, AMonth], at: int, wait: int) -> Iterator[tuple[AMonth, bool]]:
    """Months to be told of, the oldest first, and whether they are over."""
    for _, month in sorted(months.items()):
        over = at >= month.end + wait
        if month.news or (over and not month.standing.final):
            yield month, over
