"""What the live view shows, put together from the worker and what came out of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from detectors.durations import SECOND
from schemas.anomaly import AnomalyEvent, band_of
from streams.demo.seen import Latency, Seen
from streams.demo.view import EpisodeRow, FaultRow, MachineRow, PlantView, Rates
from streams.plant import Fault
from streams.results import OUTCOMES
from streams.worker import Worker


class Picture:
    """Makes one `PlantView` after another; remembers only what the rate needs."""

    def __init__(self, worker: Worker, seen: Seen, embedded: bool, address: str | None = None) -> None:
        self.worker, self.seen, self.embedded, self.address = worker, seen, embedded, address
        self._last = (time.monotonic(), 0)

    def take(self, faults: Sequence[Fault], live_ns: int, elapsed_s: float, phase: str) -> PlantView:
        """The view of this instant; `live_ns` is 0 before the live part."""
        episodes = self.worker.episodes.open()
        found = self.seen.found(faults, live_ns)
        since = (time.time_ns() - live_ns) / SECOND if live_ns else 0.0
        rows = [
            FaultRow(f.kind, f.asset, f.series, f.start_s - since, *(found.get(i) or (None, None)))
            for i, f in enumerate(faults)
        ]
        told = [_row(event) for event in episodes]
        figures = self.seen.figures.now(episodes)
        machines = self._machines(episodes, figures.oee)
        return PlantView(machines, told, self._rates(), rows, elapsed_s, phase, self.embedded, figures, self.address)

    def _machines(self, episodes: Sequence[AnomalyEvent], oee: dict[str, float]) -> list[MachineRow]:
        many = Counter(event.asset for event in episodes)
        worst: dict[str, int] = {}
        for event in episodes:
            worst[event.asset] = max(worst.get(event.asset, 0), event.severity)
        return [
            MachineRow(asset, self.seen.state.get(asset, "-"), n, worst.get(asset, 0), many[asset], oee.get(asset))
            for asset, n in sorted(self.seen.series.items())
        ]

    def _rates(self) -> Rates:
        now, counts = time.monotonic(), self.seen.counts
        at, before = self._last
        self._last = (now, counts["readings_in"])
        rate = (counts["readings_in"] - before) / max(now - at, 1e-9)
        p50, p99 = latency(self.worker)
        return Rates(
            counts["readings_in"], rate, p50, p99, {name: counts[name] for name in OUTCOMES}, self.worker.behind
        )


def _row(event: AnomalyEvent) -> EpisodeRow:
    started = datetime.fromtimestamp(event.started / SECOND).strftime("%H:%M:%S")
    line = event.message.get("en") or next(iter(event.message.values()))
    band = band_of(event.severity)
    score = event.score or event.peak
    return EpisodeRow(started, event.asset, event.series, event.watch, event.severity, band, score, line)


def latency(worker: Worker) -> Latency:
    """p50 and p99 of what the worker remembers, in ms."""
    if not worker.latency_ms:
        return None, None
    p50, p99 = np.percentile(worker.latency_ms, (50, 99)).tolist()
    return round(p50, 1), round(p99, 1)
