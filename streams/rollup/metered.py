"""What a month's bill is made of: its final windows of maximum demand, and its hours of energy and reactive energy."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from streams.kpi.book import Standing
from streams.rollup.peak import Month

HOUR = 3_600_000_000_000


class Hour(NamedTuple):
    """Energy and reactive energy of an hour."""

    kwh: float
    kvarh: float
    paired: bool  # whether reactive energy is known of every meter that drew energy


class Metered:
    """One local month of one site; `windows` are those of its `Month`."""

    def __init__(self, month: Month) -> None:
        self.start, self.end, self.windows = month.start, month.end, month.windows
        self._month = month
        self.hours: dict[int, Hour] = {}
        self.standing = Standing()
        self.news = False

    @property
    def coverage(self) -> float:
        """Share of the month so far that was metered."""
        return self._month.coverage if self.windows else 0.0

    def note(self, start: int, hour: Hour) -> None:
        """Take in an hour that is over, or restated."""
        self.news |= self.hours.get(start) != hour
        self.hours[start] = hour

    @property
    def paired_kwh(self) -> float:
        """Energy of the hours of which the power factor is known."""
        return math.fsum(hour.kwh for hour in self.hours.values() if hour.paired)

    @property
    def kvarh(self) -> float:
        """Reactive energy of the same hours."""
        return math.fsum(hour.kvarh for hour in self.hours.values() if hour.paired)

    @property
    def paired_share(self) -> float:
        """Share of the hours so far of which the power factor is known."""
        return sum(hour.paired for hour in self.hours.values()) / max(len(self.hours), 1)

    def snapshot(self) -> list[Any]:
        """All that it remembers beside the month's windows."""
        return [
            self.start,
            self.standing.revision,
            self.standing.final,
            self.news,
            [[at, *hour] for at, hour in self.hours.items()],
        ]

    @classmethod
    def restored(cls, saved: list[Any], month: Month) -> Metered:
        """Take up what `snapshot` gave."""
        metered = cls(month)
        _, revision, final, metered.news, hours = saved
        metered.standing = Standing(revision, final)
        metered.hours = {at: Hour(*hour) for at, *hour in hours}
        return metered
