"""The slow, obvious twin of intake, admission and thinning: one cell at a time, in the log's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from schemas.chunk import CONTROL, READING, Chunk

SECOND = 1_000_000_000


class NaiveIntake:
    """What becomes of each cell before any detector sees it, and which cells are stored."""

    def __init__(
        self, path: Callable[[str], str], store: Callable[[str, str], str], home: Callable[[str], bool], max_ahead: int
    ):
        self.path, self.store, self.home, self.max_ahead = path, store, home, max_ahead
        self.clock: int | None = None
        self.newest: dict[tuple[str, str], tuple[int, str]] = {}
        self.counts: Counter[str] = Counter()
        self.points: list[tuple[str, str, int, str, bool]] = []

    def take(self, chunk: Chunk) -> None:
        """Go through a chunk."""
        for m in range(chunk.messages):
            self.clock = int(chunk.received[m]) if self.clock is None else max(self.clock, int(chunk.received[m]))
            asset = chunk.asset[m]
            if chunk.kind[m] == READING and asset is not None and not self.home(asset):
                self.counts["misrouted"] += 1
                continue
            if chunk.kind[m] != CONTROL:
                for place in chunk.rejects:
                    if place.message == m:
                        self.counts["rejected"] += max(place.cells, 1)
            for i in range(chunk.readings):
                if chunk.message[i] == m:
                    key = chunk.keys[chunk.code[i]]
                    text = chunk.text.get(i)
                    value = repr(float(chunk.value[i])) if text is None else text
                    self._cell(self.path(key.asset), key.series, int(chunk.time[i]), value)
            for wave in chunk.waveforms:
                if wave.message == m:
                    self._wave(self.path(wave.key.asset), wave.key.series, wave.time)

    def _cell(self, asset: str, series: str, time: int, value: str) -> None:
        assert self.clock is not None
        if time > self.clock + self.max_ahead:
            self.counts["rejected"] += 1
            return
        rule = self.store(asset, series)
        before = self.newest.get((asset, series))
        if before is None or time > before[0]:
            self.counts["new"] += 1
            wanted = {
                "all": True,
                "1s": before is None or before[0] // SECOND != time // SECOND,
                "change": before is None or before[1] != value,
                "none": False,
            }[rule]
            if wanted:
                self.points.append((asset, series, time, value, False))
        elif time == before[0] and value == before[1]:
            self.counts["duplicate"] += 1
            return
        else:
            self.counts["late"] += 1
            if rule != "none":
                self.points.append((asset, series, time, value, True))
            if time < before[0]:
                return
            self.counts["corrections"] += 1
        self.newest[asset, series] = (time, value)

    def _wave(self, asset: str, series: str, time: int) -> None:
        assert self.clock is not None
        before = self.newest.get((asset, series))
        if time > self.clock + self.max_ahead:
            self.counts["rejected"] += 1
        elif before is not None and time <= before[0]:
            self.counts["late" if time < before[0] else "duplicate"] += 1
        else:
            self.counts["new"] += 1
            self.newest[asset, series] = (time, "wave")


def thinned(rows: list[tuple[Any, int, int, bool]]) -> list[bool]:
    """Which verdicts to keep, of (series, time, status, alarm): first of its second, a change, or an alarm."""
    kept, last = [], dict[Any, tuple[int, int, bool]]()
    for series, time, status, alarm in rows:
        before = last.get(series)
        now = (time // SECOND, status, alarm)
        kept.append(alarm or before is None or before != now)
        last[series] = now
    return kept
