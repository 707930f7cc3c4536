"""Modes: the value of an asset's state series as of a reading's time, for gates and for rows per mode."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from typing import Any

from streams.when import Value

KEPT = 64
"""Changes remembered for each state series; a reading older than all of them sees none."""

Mode = Mapping[str, Value]
"""Values of an asset's state series as of a reading's time, by name."""


class AsOf(dict[str, Value]):
    """A `Mode`, with when each value last changed (ns); a first value is no change."""

    def __init__(self, values: Mapping[str, Value], changed: Mapping[str, int]) -> None:
        super().__init__(values)
        self.changed = dict(changed)


class Modes:
    """Recent changes of each (asset, series) that a gate reads. Plain data throughout."""

    def __init__(self) -> None:
        self._changes: dict[tuple[str, str], list[tuple[int, Value]]] = {}

    def put(self, asset: str, series: str, time: int, value: Value) -> None:
        """Remember a value from its time on; equal values in a row are one change."""
        changes = self._changes.setdefault((asset, series), [])
        if changes and changes[-1][0] <= time and changes[-1][1] == value:
            return
        insort(changes, (time, value), key=lambda change: change[0])
        del changes[:-KEPT]

    def at(self, asset: str, series: str, time: int) -> Value:
        """The value as of `time`; None before the first.

        >>> m = Modes(); m.put("a", "state", 10, "running"); m.at("a", "state", 9), m.at("a", "state", 10)
        (None, 'running')
        """
        changes = self._changes.get((asset, series), ())
        place = bisect_right(changes, time, key=lambda change: change[0])
        return changes[place - 1][1] if place else None

    def as_of(self, asset: str, names: Iterable[str], time: int) -> AsOf:
        """The values of some state series as of `time`, each with its last change."""
        values: dict[str, Value] = {}
        changed: dict[str, int] = {}
        for name in names:
            changes = self._changes.get((asset, name), ())
            place = bisect_right(changes, time, key=lambda change: change[0])
            values[name] = changes[place - 1][1] if place else None
            if place > 1:
                changed[name] = changes[place - 1][0]
        return AsOf(values, changed)

    def snapshot(self) -> list[Any]:
        """All changes, as plain data."""
        return [[asset, series, list(changes)] for (asset, series), changes in self._changes.items()]

    def restore(self, saved: list[Any]) -> None:
        """Take up what `snapshot` gave."""
        self._changes = {(a, s): [(t, v) for t, v in changes] for a, s, changes in saved}


def in_transition(now: Mode, names: Iterable[str], time: int, dwell_ns: int) -> bool:
    """Whether one of some state series has changed less than the dwell before `time`.

    >>> m = Modes(); m.put("a", "state", 0, "stop"); m.put("a", "state", 10, "run")
    >>> [in_transition(m.as_of("a", ["state"], t), ["state"], t, 5) for t in (9, 10, 14, 15)]
    [False, True, True, False]
    """
    changed = now.changed if isinstance(now, AsOf) else {}
    return any(time - changed[name] < dwell_ns for name in names if name in changed)
