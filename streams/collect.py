"""Collects what a chunk leads to, in any order, and hands it out in the log's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.anomaly import AnomalyEvent
from schemas.audit import Audit
from schemas.kpi import KpiRow
from streams.results import OUTCOMES, Forward, Points, Rejection, Results, SeriesRef, Verdicts, WatchRef

BEFORE, READING, INSTANT, AFTER = 0, 1, 2, 3
"""Stages at one message: deadlines passed on the way to it, its readings, instants it completes, configuration."""


class Part(NamedTuple):
    """Verdicts of one watch over a segment, arrays (n,); fields as in `Verdicts`."""

    message: NDArray[np.int64]
    rank: NDArray[np.int64]  # the readings' own order, within a message
    reading: NDArray[np.int64]
    series: NDArray[np.int64]
    watch: int
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    score: NDArray[np.float64]
    expected: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    status: NDArray[np.uint8]
    store: NDArray[np.bool_]
    contribution: dict[int, dict[str, float]]  # place in this part -> shares
    stage: int


class Collector:
    """Counts, parts and events of one `feed`."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(
            ("readings_in", *OUTCOMES, "misrouted", "reforwarded", "corrections", "verdicts"), 0
        )
        self.points: list[Points] = []
        self.parts: list[Part] = []
        self.events: list[tuple[tuple[int, int, int, int, str, str, int], AnomalyEvent, int]] = []
        self.rejections: list[Rejection] = []
        self.forwards: list[Forward] = []
        self.warnings: list[str] = []
        self.audits: list[Audit] = []
        self.kpis: list[KpiRow] = []

    def count(self, name: str, n: int) -> None:
        """Add to a count."""
        self.counts[name] = self.counts.get(name, 0) + n

    def reject(self, rejection: Rejection, readings: int) -> None:
        """Set aside a message (counts as one reading) or cells of one."""
        self.rejections.append(rejection)
        self.count("rejected", readings)
        self.count("readings_in", readings)

    def event(self, message: int, stage: int, watch: int, event: AnomalyEvent, again: bool = False) -> None:
        """Add an event, noticed at `message`; `again`: it has the time of its episode's event before."""
        order = (message, stage, event.time, watch, event.asset, event.series, event.ordinal)
        self.events.append((order, event, event.ordinal if again else 0))

    def results(
        self, partition: int, next_offset: int, received: int, series: Sequence[SeriesRef], watches: Sequence[WatchRef],
        ordered: bool = True,
    ) -> Results:  # fmt: skip
        """Everything, in the log's order; verdicts by watch where they need not be `ordered`."""
        self.events.sort(key=lambda made: made[0])
        self.rejections.sort(key=lambda r: r.place.message)
        return Results(
            partition,
            next_offset,
            received,
            self.counts,
            series,
            watches,
            _points(self.points),
            _verdicts(self.parts, ordered),
            [event for _, event, _ in self.events],
            self.rejections,
            self.forwards,
            self.warnings,
            [shift for _, _, shift in self.events],
            self.audits,
            self.kpis,
        )


def _points(parts: list[Points]) -> Points:
    if not parts:
        none = np.zeros(0)
        return Points(none.astype(np.int32), none.astype(np.int64), none, {}, none.astype(np.uint8), none > 0)
    text: dict[int, str] = {}
    done = 0
    for part in parts:
        text.update({done + i: word for i, word in part.text.items()})
        done += len(part.time)
    series, time, value = (np.concatenate([p[i] for p in parts]) for i in range(3))
    return Points(
        series, time, value, text, np.concatenate([p.quality for p in parts]), np.concatenate([p.late for p in parts])
    )


def _verdicts(parts: list[Part], ordered: bool) -> Verdicts:
    if not parts:
        none = np.zeros(0)
        whole, place = none.astype(np.int64), none.astype(np.int32)
        return Verdicts(whole, place, place, whole, none, none, none, none, none, none.astype(np.uint8), none > 0, {})

    def flat(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(p, name) for p in parts])

    sizes = [len(p.time) for p in parts]
    watch = np.repeat([p.watch for p in parts], sizes)
    stage = np.repeat([p.stage for p in parts], sizes)
    order = np.lexsort((watch, flat("rank"), stage, flat("message"))) if ordered else np.arange(len(watch))
    contribution: dict[int, dict[str, float]] = {}
    if any(p.contribution for p in parts):
        place_of = np.empty(len(order), dtype=np.int64)
        place_of[order] = np.arange(len(order))
        starts = np.cumsum([0, *sizes[:-1]]).tolist()
        for start, part in zip(starts, parts, strict=True):
            contribution |= {int(place_of[start + i]): shares for i, shares in part.contribution.items()}
    return Verdicts(
        flat("reading")[order].astype(np.int64),
        flat("series")[order].astype(np.int32),
        watch[order].astype(np.int32),
        flat("time")[order].astype(np.int64),
        flat("value")[order],
        flat("score")[order],
        flat("expected")[order],
        flat("low")[order],
        flat("high")[order],
        flat("status")[order].astype(np.uint8),
        flat("store")[order].astype(bool),
        contribution,
    )
