"""Key figures of one engine: readings go in, rows come out at each `kpi_interval` of the log's clock."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any

import numpy as np

from detectors.efficiency.account import Account
from schemas.kpi import KpiRow, Status
from streams.arrays import UNSEEN
from streams.kpi.baseline_rows import Notice
from streams.kpi.baselines import Baselines
from streams.kpi.carbon import CARRIED
from streams.kpi.demand import Demands
from streams.kpi.demand_figures import forecasts
from streams.kpi.figures import KINDS, Stand
from streams.kpi.grid import grid_of
from streams.kpi.line_bottleneck import Bottlenecks, bottleneck_figures
from streams.kpi.line_figures import LineStand, line_figures
from streams.kpi.lines import Lines, LineTold
from streams.kpi.makers import figures
from streams.kpi.product_figures import product_figures
from streams.kpi.rows import rows_of
from streams.kpi.settling import Settling
from streams.kpi.signals import Signals, limits_of
from streams.kpi.windows import Floats, Told, Windows
from streams.prices import Prices
from streams.resolve import ResolvedSite
from streams.roster import Roster
from streams.segment import Bools, Ints, Segment

_KEPT = 48 * 3_600_000_000_000
"""So long after their end windows can be restated."""


class Kpis:
    """The machines of one engine: what they said, and the windows that are to be told of."""

    def __init__(self, site: ResolvedSite) -> None:
        self.signals = Signals()
        self.provisional = True
        """Whether windows that are not over are told of."""
        self.finals: list[tuple[int, KpiRow]] = []
        """Rows that were told as final, with the clock of then, until somebody takes them."""
        self._tick = UNSEEN  # the clock that was told of last, a multiple of the interval
        self._news = False  # something was said since then
        grid, grace = grid_of(site), site.site.site.grace
        self.account = Account(grid.edges)
        self.account.observe = self._metered
        self.demands = Demands(self.signals)
        self.settling = Settling(self.account, grace)
        self.windows = Windows(grid, self.account, grace, lambda machine: self.signals.assets[machine])
        self.lines = Lines(self.windows, self.signals)
        self.baselines = Baselines(site)
        self.notices: list[tuple[int, Notice]] = []  # of baselines, with the message at which they were made
        self.configure(site)

    def configure(self, site: ResolvedSite) -> None:
        """Take up a site: what is booked stays, and is read by the new calendar from then on."""
        grid, options, self._prices = grid_of(site), site.site, Prices(site)
        self._config = site.hash
        self._active = bool(options.machine)
        self._interval = options.site.kpi_interval
        self.signals.configure(options.machine)
        self.lines.configure(options.line)
        self.account.edges, self.windows.grid = grid.edges, grid
        self.windows.utilities = any(o.air is not None or o.chiller is not None for o in options.machine)
        self.settling.grace = self.windows.grace = options.site.grace
        self.baselines.configure(site)
        for number, machine in enumerate(self.signals.options):
            self.account.limit(number, limits_of(machine))
        self.demands.configure(grid)
        self.settling.inferred.configure(self.signals.options)

    def _metered(self, machine: Ints, low: Ints, high: Ints, kwh: Floats) -> None:
        if self.provisional:  # else nobody is told of a window that is not over
            self.demands.observe(machine, low, high, kwh)

    def take(self, seg: Segment, roster: Roster, faulty: Bools) -> list[KpiRow]:
        """Take in a segment; the rows of the intervals of the log's clock that pass in it."""
        if not self._active or not len(seg.received):
            return []
        said = self.signals.said(seg, roster, faulty)
        if self.signals.fresh:
            self.account.add([limits_of(options) for options in self.signals.fresh])
            self.settling.inferred.configure(self.signals.options)
            self.signals.fresh.clear()
        heard = self.baselines.heard(seg, roster, faulty)
        rows: list[KpiRow] = []
        clock = seg.received // self._interval * self._interval
        for start, end in _runs(clock):
            rows += self._pass(int(clock[start]))
            self.notices += [(int(seg.messages[start]), notice) for notice in self.baselines.noticed()]
            low, high = np.searchsorted(said.message, (start, end))
            self.settling.take(said.of(np.arange(low, high)))
            self._news |= bool(high > low) | self.baselines.take(heard, start, end)
        return rows

    def _pass(self, clock: int) -> list[KpiRow]:
        """The intervals' ends after the last one up to `clock`: those at which there is something to tell."""
        if self._tick == UNSEEN:
            self._tick = clock
        rows: list[KpiRow] = []
        while self._tick < clock:
            due = self._next()
            if due is None:
                self._tick = clock
                break
            self._tick = min(self._after(due), clock)
            rows += self.tell(self._tick)
        return rows

    def _after(self, due: int) -> int:
        """The first interval's end behind the last one that is not before `due`."""
        return max(-(-due // self._interval), self._tick // self._interval + 1) * self._interval

    def _next(self) -> int | None:
        """The clock at which there will be something to tell, None where there will not."""
        if self._news:
            return self._tick
        parts = (self.settling, self.windows, self.lines, self.baselines)
        known = [at for part in parts if (at := part.next_due()) is not None]
        return min(known, default=None)

    def tell(self, clock: int) -> list[KpiRow]:
        """What there is to tell at an interval's end."""
        self.settling.elapse(clock)
        self._news = False
        frontier = self.settling.frontier()
        told = self.windows.due(frontier, clock)
        lines = self.lines.due(told, frontier, clock)
        rows = list(self._rows([one for one in told if self._is_told(one.status) and self._speaks(one.machine)]))
        rows += self._line_rows([one for one in lines if self._is_told(one.status)])
        rows += self.baselines.tell(clock, lambda asset: self._booked(asset, frontier))
        # what stands on a factor that is carried on stays provisional, but its window is over all the same
        over = {(self.signals.assets[one.machine], *one.window[1:]) for one in told if one.status == "final"}
        carried = (row.reason == CARRIED and (row.asset, row.start, row.end, row.shift) in over for row in rows)
        self.finals += [(clock, row) for row, also in zip(rows, carried, strict=True) if also or row.status == "final"]
        if clock // self._interval % 60 == 0:
            self.windows.forget(clock - _KEPT)
            self.lines.forget(clock - _KEPT, self.account)
            self.baselines.forget(clock - _KEPT)
            self.account.forget(clock - _KEPT)
        return rows

    def _is_told(self, status: Status) -> bool:
        return self.provisional or status != "provisional"

    def _speaks(self, machine: int) -> bool:
        return self.signals.options[machine] is not None

    def _stand(self, told: list[Told]) -> Stand:
        signals = self.signals
        kind = np.array([KINDS.index(one.window.kind) for one in told], dtype=np.int64)
        options = [found for one in told if (found := signals.options[one.machine]) is not None]
        assets = [signals.assets[one.machine] for one in told]
        totals = self.windows.totals(told)
        return Stand(told, kind, totals, options, assets, signals.products, self._prices, self.windows.grid)

    def _rows(self, told: list[Told]) -> Iterator[KpiRow]:
        if not told:
            return
        stand = self._stand(told)
        self.baselines.note(stand)
        outlook = self.demands.outlook(told, stand.totals)
        made = chain(figures(stand), forecasts(stand, outlook), product_figures(stand))
        yield from rows_of(told, stand.assets, "machine", made, self._config)

    def _line_rows(self, told: list[LineTold]) -> Iterator[KpiRow]:
        """Rows of lines, and those of their machines that follow from the line: with its status and revision."""
        if not told:
            return
        owner = np.repeat(np.arange(len(told)), [len(one.parts) for one in told])
        stand = LineStand(told, self._stand([part for one in told for part in one.parts]), owner)
        held = bottleneck_figures(stand, Bottlenecks(self.account, self.windows.grid, self.lines))
        lines = [one.line.path for one in told]
        yield from rows_of(told, lines, "line", chain(line_figures(stand), held.lines), self._config)
        of_line = [told[i] for i in owner.tolist()]
        yield from rows_of(of_line, stand.machines.assets, "machine", held.machines, self._config)

    def warned(self) -> list[str]:
        """Warnings since this was asked last."""
        out = self.signals.warnings + self.baselines.warnings
        self.signals.warnings, self.baselines.warnings = [], []
        return out

    def noticed(self) -> list[tuple[int, Notice]]:
        """What baselines did of themselves since this was asked last, each with its message."""
        out, self.notices = self.notices, []
        return out

    def decide(self, proposal: str, approved: bool) -> str | None:
        """A person's word on a baseline that is proposed: what follows, None where no such proposal is open."""
        said = self.baselines.decide(proposal, approved)
        self._news |= said is not None  # to be told at the next interval's end
        return said

    def _booked(self, asset: str, frontier: Ints) -> int:
        """How far a machine is booked."""
        number = self.signals.number.get(asset)
        return UNSEEN if number is None or number >= len(frontier) else int(frontier[number])

    def finish(self) -> list[KpiRow]:
        """Everything there is to tell when a file is over: as if the log's clock had gone on until all is final."""
        rows: list[KpiRow] = []
        while self._active and (due := self._next()) is not None:
            self._tick = self._after(due)
            rows += self.tell(self._tick)
        return rows

    def snapshot(self) -> dict[str, Any]:
        """All that it remembers."""
        return {
            "tick": self._tick,
            "news": self._news,
            "signals": self.signals.snapshot(),
            "account": self.account.snapshot(),
            "settling": self.settling.snapshot(),
            "windows": self.windows.snapshot(),
            "demands": self.demands.snapshot(),
            "lines": self.lines.snapshot(),
            "baselines": self.baselines.snapshot(),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave, after `configure`."""
        self._tick, self._news = int(saved["tick"]), bool(saved["news"])
        self.signals.restore(saved["signals"])
        self.account.restore(saved["account"], [limits_of(options) for options in self.signals.options])
        self.settling.restore(saved["settling"], self.signals.options)
        self.windows.restore(saved["windows"])
        if "demands" in saved:  # not in what was saved before windows were forecast
            self.demands.restore(saved["demands"])
        if "lines" in saved:  # not in what was saved before there were lines
            self.lines.restore(saved["lines"])
        if "baselines" in saved:  # not in what was saved before there were any
            self.baselines.restore(saved["baselines"])


def _runs(clock: np.ndarray[Any, np.dtype[np.int64]]) -> list[tuple[int, int]]:
    """Begin and end of each run of equal ones."""
    cuts = np.flatnonzero(clock[1:] != clock[:-1]) + 1
    edges = [0, *cuts.tolist(), len(clock)]
    return list(pairwise(edges))
