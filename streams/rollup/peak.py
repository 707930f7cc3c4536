"""The month's maximum demand: the highest of the final windows of a local month, so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from streams.kpi.book import Standing
from streams.localtime import LocalTime

SECOND = 1_000_000_000


class Month:
    """The final windows of one local month of one site."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.windows: dict[int, tuple[int, float | None, float]] = {}  # begin -> end, kW, coverage
        self.unit = "kW"
        self.standing = Standing()
        self.news = False

    def note(self, start: int, end: int, kw: float | None, coverage: float) -> None:
        """Take in a window that is over, or restated."""
        self.windows[start] = end, kw, coverage
        self.news = True

    @property
    def highest(self) -> float | None:
        """kW, None where no window has a value."""
        return max((kw for _, kw, _ in self.windows.values() if kw is not None), default=None)

    @property
    def coverage(self) -> float:
        """Share of the month so far, up to its newest final window, that was metered."""
        so_far = max(end for end, _, _ in self.windows.values()) - self.start
        metered = sum((end - start) * share for start, (end, _, share) in sorted(self.windows.items()))
        return min(metered / so_far, 1.0)

    def snapshot(self) -> list[Any]:
        """All that it remembers."""
        windows = [[start, *rest] for start, rest in self.windows.items()]
        return [self.start, self.end, self.unit, self.standing.revision, self.standing.final, self.news, windows]

    @classmethod
    def restored(cls, saved: list[Any]) -> Month:
        """Take up what `snapshot` gave."""
        start, end, unit, revision, final, news, windows = saved
        month = cls(start, end)
        month.unit, month.standing, month.news = unit, Standing(revision, final), news
        month.windows = {begin: (till, kw, coverage) for begin, till, kw, coverage in windows}
        return month


def month_of(local: LocalTime, time: int) -> tuple[int, int]:
    """Begin and end (ns) of the local month that a time is in.

    >>> from streams.resolve import resolve
    >>> from streams.site import Site
    >>> [at // (86_400 * SECOND) for at in month_of(LocalTime(resolve(Site())), 40 * 86_400 * SECOND)]
    [31, 59]
    """
    day = np.datetime64(local.seconds(time), "s").astype("datetime64[M]")
    first = np.array([day, day + np.timedelta64(1, "M")]).astype("datetime64[s]").astype(np.int64)
    start, end = (local.utc(first) * SECOND).tolist()
    return start, end
