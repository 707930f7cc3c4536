"""Weather: outdoor temperatures as degrees above and below a base, summed by the local hour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from streams.admission import LATE, NEW
from streams.arrays import UNSEEN
from streams.localtime import LocalTime
from streams.roster import Roster
from streams.segment import Bools, Floats, Ints, Segment

SECOND = 1_000_000_000
HOUR = 3600 * SECOND


class Station(NamedTuple):
    """A series of temperatures, read with certain bases; NaN: no such degrees."""

    asset: str
    series: str
    cdd_above: float
    hdd_below: float

    @property
    def name(self) -> str:
        """What tells stations apart, as text."""
        return f"{self.asset}/{self.series} {self.cdd_above:g} {self.hdd_below:g}"


class Heard(NamedTuple):
    """Readings (n,) of one station, in the log's order."""

    station: str
    step: Ints
    hour: Ints
    time: Ints
    degrees: Floats  # (n, 2) above, below


class Weather:
    """What the stations of one engine have said, hour by hour."""

    def __init__(self) -> None:
        self.newest: dict[str, int] = {}
        self._hours: dict[str, dict[int, list[float]]] = {}  # hour -> readings, sum above, sum below
        self._stations: dict[str, Station] = {}

    def configure(self, stations: Iterable[Station]) -> None:
        """The stations there are from now on; what others said is forgotten."""
        self._stations = {station.name: station for station in stations}
        self._hours = {name: self._hours.get(name, {}) for name in self._stations}
        self.newest = {name: self.newest.get(name, UNSEEN) for name in self._stations}

    def heard(self, seg: Segment, roster: Roster, faulty: Bools) -> list[Heard]:
        """What a segment says of the weather; readings in fault say nothing."""
        out: list[Heard] = []
        for name, station in self._stations.items():
            row = roster.find(station.asset, station.series)
            if row is None:
                continue
            at = np.flatnonzero((seg.row == row) & np.isin(seg.admitted.kind, (NEW, LATE)) & ~faulty)
            at = at[np.isfinite(seg.value[at])]
            if len(at):
                time, value = seg.time[at], seg.value[at]
                above, below = value - station.cdd_above, station.hdd_below - value
                degrees = np.stack([np.fmax(above, 0.0), np.fmax(below, 0.0)], axis=1)
                out.append(Heard(name, seg.step[at], hours(seg.local, time), time, degrees))
        return out

    def take(self, heard: list[Heard], start: int, end: int) -> bool:
        """Take in what steps [start, end) said; whether they said anything."""
        any_said = False
        for said in heard:
            low, high = np.searchsorted(said.step, (start, end)).tolist()
            if low == high:
                continue
            any_said = True
            self.newest[said.station] = max(self.newest[said.station], int(said.time[low:high].max()))
            of = self._hours[said.station]
            which, back = np.unique(said.hour[low:high], return_inverse=True)
            sums = np.array([of.get(hour, (0.0, 0.0, 0.0)) for hour in which.tolist()])
            # one after the other, so that any split of the log gives the same bits
            np.add.at(sums, back, np.column_stack([np.ones(high - low), said.degrees[low:high]]))
            of.update(zip(which.tolist(), sums.tolist(), strict=True))
        return any_said

    def degrees(self, station: str, hours: list[int]) -> tuple[float, float, float]:
        """Mean degrees above and below the bases over hours, and the share of these that were heard of.

        NaN where less than half of them were.
        """
        of = self._hours.get(station, {})
        known = [of[hour] for hour in hours if hour in of]
        share = len(known) / len(hours)
        if share < 0.5:
            return float("nan"), float("nan"), share
        above, below = (sum(said[i] / said[0] for said in known) / len(known) for i in (1, 2))
        return above, below, share

    def forget(self, before: int) -> None:
        """Let go of hours that began before a time."""
        for name, of in self._hours.items():
            self._hours[name] = {hour: said for hour, said in of.items() if hour >= before}

    def snapshot(self) -> dict[str, Any]:
        """What was heard, by station."""
        return {
            name: [self._stations[name].asset, self.newest[name], [[hour, *said] for hour, said in of.items()]]
            for name, of in self._hours.items()
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave, after `configure`."""
        for name, (_, newest, of) in saved.items():
            if name in self._stations:
                self.newest[name] = newest
                self._hours[name] = {hour: list(said) for hour, *said in of}


def hours(local: LocalTime, time: Ints) -> Ints:
    """(n,) where the local hours begin that times are in, ns."""
    return np.asarray(time - time % SECOND - local.week_s(time).astype(np.int64) % 3600 * SECOND)
