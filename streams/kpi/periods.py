"""Periods: hours of machines, and the local days that they add up to, and when each is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from detectors.efficiency.baseline_records import DAY, HOUR
from streams.kpi.weather import SECOND
from streams.localtime import LocalTime

_DAY_S = 86_400
_HOUR_NS = 3600 * SECOND


class Hour(NamedTuple):
    """What a machine took and made in an hour, as its final figures have it."""

    end: int
    kwh: float
    metered: int  # ns
    produced: float
    good: float
    counted: int  # ns


class Span(NamedTuple):
    """A period of a machine; in the order in which they are to be modelled."""

    end: int
    step: int  # HOUR or DAY
    asset: str
    start: int


class Periods:
    """The hours of machines, kept for as long as their days may still change, and what of them is to be modelled."""

    def __init__(self, local: LocalTime) -> None:
        self.local = local
        self.of: dict[str, dict[int, Hour]] = {}
        self.open: dict[Span, int] = {}  # the log's clock when there was first news of it

    def note(self, asset: str, start: int, hour: Hour) -> None:
        """An hour of a machine, or another account of it."""
        self.of.setdefault(asset, {})[start] = hour

    def news(self, asset: str, steps: Iterable[int], start: int, clock: int) -> None:
        """There is news of an hour that a machine's baseline is of."""
        for step in steps:
            begin, end = self.bounds(step, start)
            self.open.setdefault(Span(end, step, asset, begin), clock)

    def bounds(self, step: int, hour: int) -> tuple[int, int]:
        """Begin and end of the period that an hour is in."""
        if step == HOUR:
            return hour, hour + _HOUR_NS
        day = self.local.seconds(hour) // _DAY_S
        begin, end = self.local.utc(np.array([day, day + 1]) * _DAY_S).tolist()
        return begin * SECOND, end * SECOND

    def over(self, clock: int, heard: Callable[[Span], int], wait: Callable[[Span], int]) -> list[Span]:
        """Periods that are over, taken out: everything is `heard` up to their end, or `wait` after it has passed."""
        out = sorted(
            span for span, first in self.open.items()
            if heard(span) >= span.end or clock >= max(span.end, first) + wait(span)
        )  # fmt: skip
        for span in out:
            del self.open[span]
        return out

    def next_due(self, wait: Callable[[Span], int]) -> int | None:
        """The clock at which the next period is over whatever is heard, None where none is open."""
        return min((max(span.end, first) + wait(span) for span, first in self.open.items()), default=None)

    def hours(self, asset: str, span: Span) -> list[Hour]:
        """A machine's hours of a period, in order; those of which nothing is known are left out."""
        of = self.of.get(asset, {})
        return [of[start] for start in self.starts(span) if start in of]

    def starts(self, span: Span) -> list[int]:
        """Where the hours of a period begin."""
        return list(range(span.start, span.end, _HOUR_NS))

    def forget(self, before: int) -> None:
        """Let go of days that ended before a time, but for those that are open; whole days alone."""
        kept = {self.bounds(DAY, span.start)[0] for span in self.open}
        ends: dict[int, bool] = {}
        for asset, of in self.of.items():
            for start in of:
                if start not in ends:
                    begin, end = self.bounds(DAY, start)
                    ends[start] = end <= before and begin not in kept
            self.of[asset] = {start: hour for start, hour in of.items() if not ends[start]}

    def snapshot(self) -> dict[str, Any]:
        """The hours, and what is open."""
        return {
            "hours": {asset: [[start, *hour] for start, hour in of.items()] for asset, of in self.of.items()},
            "open": [[*span, first] for span, first in self.open.items()],
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave."""
        self.of = {asset: {start: Hour(*hour) for start, *hour in of} for asset, of in saved["hours"].items()}
        self.open = {Span(*span): first for *span, first in saved["open"]}
