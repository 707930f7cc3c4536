"""Local time of the week from event time, by arrays: what detectors with a weekly profile are given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.resolve import ResolvedSite
from streams.shifts import Shifts

_DAY = 86_400
_THURSDAY = 3  # 1970-01-01


class LocalTime:
    """Looks up offsets and calendar days of one resolved site."""

    def __init__(self, site: ResolvedSite) -> None:
        self._from = np.array([at for at, _ in site.offsets], dtype=np.int64)
        self._offset = np.array([offset for _, offset in site.offsets], dtype=np.int64)
        self.shifts = Shifts(site.site.calendar.shifts)
        self._days = np.array(sorted(site.days), dtype=np.int64)
        self._as_day = np.array([site.days[d] for d in sorted(site.days)], dtype=np.int64)

    def week_s(self, time: NDArray[np.int64]) -> NDArray[np.int32]:
        """Local second of the week of event times (n,) in ns: 0 is Monday 00:00; holidays count as configured.

        >>> from streams.resolve import resolve
        >>> from streams.site import Site
        >>> LocalTime(resolve(Site())).week_s(np.array([0]))  # a Thursday
        array([259200], dtype=int32)
        """
        utc = time // 1_000_000_000
        local = utc + self._offset_at(utc)
        day, second = local // _DAY, local % _DAY
        weekday = (day + _THURSDAY) % 7
        if len(self._days):
            place = np.minimum(np.searchsorted(self._days, day), len(self._days) - 1)
            weekday = np.where(self._days[place] == day, self._as_day[place], weekday)
        return np.asarray(weekday * _DAY + second, dtype=np.int32)

    def _offset_at(self, utc: NDArray[np.int64]) -> NDArray[np.int64]:
        if len(self._offset) == 1:
            return self._offset
        return self._offset[np.searchsorted(self._from, utc, "right") - 1]

    def days(self, time: NDArray[np.int64]) -> NDArray[np.int64]:
        """Local days since 1970-01-01 of event times (n,) in ns."""
        utc = time // 1_000_000_000
        return (utc + self._offset_at(utc)) // _DAY

    def seconds(self, time: int) -> int:
        """Local second since 1970-01-01 of an event time in ns."""
        utc = time // 1_000_000_000
        return utc + int(self._offset_at(np.array([utc]))[0])

    def utc(self, local: NDArray[np.int64]) -> NDArray[np.int64]:
        """UTC second of local ones; of a second that comes twice when clocks go back, the second time."""
        return local - self._offset_at(local - self._offset_at(local))
