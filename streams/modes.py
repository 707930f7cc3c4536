"""Modes: the value of an asset's state series as of a reading's time, for gates and for rows per mode."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping
from typing import Any

from streams.when import Value

KEPT = 64
"""Changes remembered for each state series; a reading older than all of them sees none."""

Mode = Mapping[str, Value]
"""Values of an asset's state series as of a reading's time, by name."""


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

    def snapshot(self) -> list[Any]:
        """All changes, as plain data."""
        return [[asset, series, list(changes)] for (asset, series), changes in self._changes.items()]

    def restore(self, saved: list[Any]) -> None:
        """Take up what `snapshot` gave."""
        self._changes = {(a, s): [(t, v) for t, v in changes] for a, s, changes in saved}
