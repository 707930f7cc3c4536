"""What came out of the demo's worker, and the summary that is made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
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
    newest: dict[str, AnomalyEvent] = field(default_factory=dict)  # of each episode
    state: dict[str, str] = field(default_factory=dict)
    series: Counter[str] = field(default_factory=Counter)
    known: dict[int, int] = field(default_factory=dict)
    figures: Figures = field(default_factory=lambda: Figures(METER))

    def take(self, results: Results) -> None:
        """Take in one chunk's results."""
        self.counts.update(results.counts)
        self.verdicts += results.counts["verdicts"]
        self.opened += [e for e in results.events if e.phase == "opened"]
        self.newest |= {e.episode_id: e for e in results.events}
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
            if inside := self._of(fault, live_ns):
                first = min(inside, key=lambda e: e.time)
                found[i] = ((first.time - live_ns) / SECOND - fault.start_s, first.watch)
        return found

    def cost(self, fault: Fault, live_ns: int, now_ns: int) -> float | None:
        """What a fault's episodes have cost up to a time; None where they have no price."""
        costs = [_cost(self.newest[e.episode_id], now_ns) for e in self._of(fault, live_ns)]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if known else None

    def _of(self, fault: Fault, live_ns: int) -> list[AnomalyEvent]:
        """The events that opened a fault's episodes."""
        start = live_ns + int(fault.start_s * SECOND)
        end = start + int((fault.duration_s + 60) * SECOND)
        mine = [e for e in self.opened if (e.asset, e.series) == (fault.asset, fault.series)]
        return [e for e in mine if start <= e.time <= end]


def _cost(event: AnomalyEvent, now_ns: int) -> float | None:
    """What an episode has cost: up to its end or, at what it cost an hour last, up to a time."""
    if event.cost_total is None or event.ended is not None or event.cost_per_hour is None:
        return event.cost_total
    return event.cost_total + event.cost_per_hour * max(now_ns - event.time, 0) / (3600 * SECOND)


def summary(seen: Seen, faults: Sequence[Fault], live_ns: int, latency: Latency, now_ns: int) -> dict[str, Any]:
    """The demo's summary, as `--summary` writes it: counts by the names of the metrics, latency, key figures, and each
    fault with the money that it cost up to a time.
    """
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
        "figures": asdict(seen.figures.now([])),
        "faults": [
            _told(fault, live_ns, found.get(i), seen.cost(fault, live_ns, now_ns)) for i, fault in enumerate(faults)
        ],
    }


def _told(fault: Fault, live_ns: int, found: tuple[float, str] | None, cost: float | None) -> dict[str, Any]:
    delay_s, watch = found or (None, None)
    return {
        "asset": fault.asset,
        "series": fault.series,
        "kind": fault.kind,
        "start": live_ns + int(fault.start_s * SECOND),
        "found": found is not None,
        "delay_s": delay_s,
        "watch": watch,
        "cost": cost,
    }
