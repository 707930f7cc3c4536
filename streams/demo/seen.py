"""What came out of the demo's worker, and the summary that is made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from detectors.durations import SECOND
from schemas.anomaly import AnomalyEvent
from streams.demo.figures import Figures
from streams.plant import Fault
from streams.results import OUTCOMES, Results

METER = "penang/utilities/power/meter-4"
"""The plant's incomer: its demand is the site's."""

Latency = tuple[float | None, float | None]
"""p50 and p99 in ms, None while unknown."""


@dataclass
class Seen:
    """What came out of the worker so far."""

    counts: Counter[str] = field(default_factory=Counter)
    verdicts: int = 0
    opened: list[AnomalyEvent] = field(default_factory=list)
    state: dict[str, str] = field(default_factory=dict)
    series: Counter[str] = field(default_factory=Counter)
    known: dict[int, int] = field(default_factory=dict)
    figures: Figures = field(default_factory=lambda: Figures(METER))

    def take(self, results: Results) -> None:
        """Take in one chunk's results."""
        self.counts.update(results.counts)
        self.verdicts += results.counts["verdicts"]
        self.opened += [e for e in results.events if e.phase == "opened"]
        for ref in results.series[self.known.get(results.partition, 0) :]:
            self.series[ref.path] += 1
        self.figures.take(results.kpis)
        self.known[results.partition] = len(results.series)
        for i, word in results.points.text.items():
            ref = results.series[int(results.points.series[i])]
            if ref.series in ("state", "execution", "mode"):
                self.state[ref.path] = word

    def found(self, faults: Sequence[Fault], live_ns: int) -> dict[int, tuple[float, str]]:
        """Of each fault that was found: how long after its start, in event time, and by which watch."""
        found: dict[int, tuple[float, str]] = {}
        for i, fault in enumerate(faults):
            start = live_ns + int(fault.start_s * SECOND)
            end = start + int((fault.duration_s + 60) * SECOND)
            mine = [e for e in self.opened if (e.asset, e.series) == (fault.asset, fault.series)]
            inside = [e for e in mine if start <= e.time <= end]
            if inside:
                first = min(inside, key=lambda e: e.time)
                found[i] = ((first.time - start) / SECOND, first.watch)
        return found


def summary(seen: Seen, faults: Sequence[Fault], live_ns: int, latency: Latency) -> dict[str, Any]:
    """The demo's summary, as `--summary` writes it: counts by the names of the metrics, latency, and each fault."""
    found = seen.found(faults, live_ns)
    return {
        "readings_in": seen.counts["readings_in"],
        **{name: seen.counts[name] for name in OUTCOMES},
        "misrouted": seen.counts["misrouted"],
        "reforwarded": seen.counts["reforwarded"],
        "verdicts": seen.verdicts,
        "episodes": len({e.episode_id for e in seen.opened}),
        "episodes_by_watch": dict(Counter(e.watch for e in seen.opened)),
        "latency_ms": {"p50": latency[0], "p99": latency[1]},
        "faults": [_told(fault, live_ns, found.get(i)) for i, fault in enumerate(faults)],
    }


def _told(fault: Fault, live_ns: int, found: tuple[float, str] | None) -> dict[str, Any]:
    delay_s, watch = found or (None, None)
    return {
        "asset": fault.asset,
        "series": fault.series,
        "kind": fault.kind,
        "start": live_ns + int(fault.start_s * SECOND),
        "found": found is not None,
        "delay_s": delay_s,
        "watch": watch,
    }
