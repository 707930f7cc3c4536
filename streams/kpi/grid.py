"""The grid: where the cells of a site's calendar begin, and in which windows each cell is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streams.localtime import LocalTime
from streams.maintenance import Maintenance, MaintenanceOptions, Span
from streams.prices import Prices
from streams.resolve import ResolvedSite
from streams.segment import Ints
from streams.shifts import Shifts, span_s

SECOND = 1_000_000_000
QUARTER = 900 * SECOND
"""Every UTC offset in use is a multiple of it, so local hours and demand windows begin at one of its edges."""
_DAY_S = 86_400
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Window(NamedTuple):
    """A stretch of time that figures are of, [start, end) ns."""

    kind: str  # hour, shift or demand
    start: int
    end: int
    shift: str = ""


class Grid:
    """The cells of one site: quarters of an hour, cut where shifts and breaks begin and end, and at `cuts`.

    `cuts` are seconds of the local day, such as those at which prices change.

    A cell is planned if machines are to be busy in it: in a shift (at any time, where no shifts are named), outside
    breaks and maintenance, and not on a closed day. A shift is of the day on which it begins.
    """

    def __init__(
        self, local: LocalTime, shifts: Mapping[str, str], breaks: Sequence[str], closed: Sequence[str], demand: int,
        cuts: Collection[int] = (), maintenance: Sequence[MaintenanceOptions] = (),
    ) -> None:  # fmt: skip
        self._local = local
        self._shifts = Shifts(shifts)
        self._lengths = {name: _length(*span_s(text)) for name, text in shifts.items()}
        self._breaks = [span_s(text) for text in breaks]
        self._closed = frozenset(_DAYS.index(day) for day in closed)
        self.demand = demand
        self.maintenance = Maintenance(maintenance, local)
        marks = {*cuts, *(s for text in (*shifts.values(), *breaks) for s in span_s(text))}
        self._marks = np.array(sorted(s for s in marks if s % (QUARTER // SECOND)), dtype=np.int64)
        self._windows: dict[int, tuple[Window, ...]] = {}
        self._planned: dict[int, bool] = {}

    def edges(self, low: int, high: int) -> Ints:
        """Ascending edges of cells, from at or before `low` to beyond `high`."""
        quarters = np.arange(low // QUARTER * QUARTER, high + 2 * QUARTER, QUARTER)
        fixed = self.maintenance.edges
        if len(fixed):
            quarters = np.union1d(quarters, fixed[(fixed > quarters[0]) & (fixed < quarters[-1])])
        if not len(self._marks):
            return quarters
        days = np.arange(self._local.seconds(low) // _DAY_S - 1, self._local.seconds(high) // _DAY_S + 2)
        marks = self._local.utc((days[:, None] * _DAY_S + self._marks).ravel()) * SECOND
        return np.unique(np.append(quarters, marks[(marks > quarters[0]) & (marks < quarters[-1])]))

    def windows(self, cell: int) -> tuple[Window, ...]:
        """The windows that a cell, which begins at `cell`, is in."""
        found = self._windows.get(cell)
        if found is None:
            found = self._windows[cell] = tuple(self._of(cell))
        return found

    def _of(self, cell: int) -> list[Window]:
        hour = cell - self._local.seconds(cell) % 3600 * SECOND - cell % SECOND
        out = [Window("hour", hour, hour + 3600 * SECOND)]
        name, since = self._shifts.at(self._week_s(cell))
        if name is not None:
            start = cell - since * SECOND
            out.append(Window("shift", start, start + self._lengths[name] * SECOND, name))
        if self.demand:
            start = self.demand_start(cell)
            out.append(Window("demand", start, start + self.demand))
        return out

    def demand_at(self, time: int) -> Window:
        """The window of maximum demand that a time is in."""
        return next(window for window in self.windows(time // QUARTER * QUARTER) if window.kind == "demand")

    def local_s(self, time: int) -> int:
        """Local second since 1970-01-01 of a time."""
        return self._local.seconds(time)

    def demand_start(self, cell: int) -> int:
        """Where the demand window begins that a cell is in."""
        return cell - (self._local.seconds(cell) * SECOND + cell % SECOND) % self.demand

    def planned(self, cell: int, maintenance: Sequence[Span] = ()) -> bool:
        """Whether a machine is to be busy in a cell; `maintenance` is its own (`Maintenance.of`)."""
        found = self._planned.get(cell)
        if found is None:
            found = self._planned[cell] = self._plan(cell)
        return found and not any(begin <= cell < end for begin, end in maintenance)

    def _plan(self, cell: int) -> bool:
        week_s = self._week_s(cell)
        name, since = self._shifts.at(week_s)
        if self._lengths and name is None:
            return False
        began = self._week_s(cell - since * SECOND) if self._lengths else week_s
        if began // _DAY_S in self._closed:
            return False
        second = week_s % _DAY_S
        return all((second - begin) % _DAY_S >= _length(begin, end) for begin, end in self._breaks)

    def planned_ns(self, low: int, high: int, maintenance: Sequence[Span] = ()) -> int:
        """How long a machine is to be busy in [low, high), ns."""
        if high <= low:
            return 0
        edges = np.unique(np.clip(self.edges(low, high), low, high)).tolist()
        cells = [self.cell(edge) for edge in edges[:-1]]
        return sum(
            b - a for a, b, cell in zip(edges, edges[1:], cells, strict=False) if self.planned(cell, maintenance)
        )

    def cell(self, time: int) -> int:
        """Where the cell begins that a time is in."""
        edges = self.edges(time, time)
        return int(edges[np.searchsorted(edges, time, "right") - 1])

    def _week_s(self, time: int) -> int:
        return int(self._local.week_s(np.array([time]))[0])


def grid_of(site: ResolvedSite) -> Grid:
    """The grid of a resolved site: its calendar, its demand windows, and the minutes at which its prices change."""
    calendar, demand = site.site.calendar, site.site.site.demand_window or 0
    marks = Prices(site).marks()
    return Grid(LocalTime(site), calendar.shifts, calendar.breaks, calendar.closed, demand, marks, calendar.maintenance)


def _length(begin: int, end: int) -> int:
    """Seconds of a span of the day.

    >>> _length(79_200, 21_600)
    28800
    """
    return (end - begin) % _DAY_S or _DAY_S
