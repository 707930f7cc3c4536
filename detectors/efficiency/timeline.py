"""A timeline: which of a few values was in force when, as far back as it is kept."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any


class Timeline:
    """Values, each in force from its time until the next one's; `first` before all of them.

    >>> t = Timeline(0); t.put(10, 3); t.put(20, 5)
    >>> t.at(9), t.at(10), list(t.over(5, 25))
    (0, 3, [(5, 10, 0), (10, 20, 3), (20, 25, 5)])
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.times: list[int] = []
        self.values: list[int] = []

    @property
    def last(self) -> int:
        """The newest value."""
        return self.values[-1] if self.values else self.first

    def put(self, time: int, value: int) -> None:
        """A value from a time on; times come ascending."""
        if self.last == value:
            return
        if self.times and self.times[-1] == time:
            self.values[-1] = value
        else:
            self.times.append(time)
            self.values.append(value)

    def at(self, time: int) -> int:
        """The value in force at a time."""
        place = bisect_right(self.times, time)
        return self.values[place - 1] if place else self.first

    def over(self, low: int, high: int) -> Iterator[tuple[int, int, int]]:
        """The pieces of [low, high): low, high, value."""
        place = bisect_right(self.times, low)
        while low < high:
            end = min(high, self.times[place]) if place < len(self.times) else high
            yield low, end, self.values[place - 1] if place else self.first
            low, place = end, place + 1

    def snapshot(self) -> list[Any]:
        """Plain data."""
        return [self.first, list(self.times), list(self.values)]

    @classmethod
    def restored(cls, saved: list[Any]) -> Timeline:
        """A timeline as `snapshot` gave it."""
        out = cls(saved[0])
        out.times, out.values = list(saved[1]), list(saved[2])
        return out

    def forget(self, before: int) -> None:
        """Let go of what was in force before a time."""
        place = bisect_right(self.times, before) - 1
        if place > 0:
            self.first = self.values[place - 1]
            del self.times[:place], self.values[:place]
