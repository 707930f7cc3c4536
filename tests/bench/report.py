"""What the bench says: a table of medians, and where a floor is not kept."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from tests.bench.latency import Latency
from tests.bench.load import ASSETS, ROWS, SERIES
from tests.bench.pair import Shared
from tests.bench.runs import Took

TITLE = {
    "plain": "plain aiokafka loop, decode only",
    "off": "millstream, store off",
    "influx": "millstream, store on (InfluxDB)",
    "limit": "InfluxDB alone: ready lines, two requests at a time",
    "quix": "quixstreams 3.28",
    "wax": "bytewax 0.21, in batches",
}
RATIO_FLOORS = {("singles", "plain"): 0.5, ("singles", "quix"): 2.5, ("singles", "wax"): 1.2}
"""Of another contender's rate in the same round, store off."""
RATE_FLOOR = {"frames": 1_000_000}
"""Readings a second, store off."""
POINTS_FLOOR = 100_000
"""Points a second, store on; or what the server was measured to take, less a tenth for the measurement."""
P50_MS, P99_MS = 50.0, 250.0
PAIR_CPU = 1.15
PAIR_WALL = 1.7


class Measured(NamedTuple):
    """All rounds of one contender under one load, in order."""

    load: str
    contender: str
    rounds: list[Took]

    @property
    def rate(self) -> float:
        """Median readings a second."""
        return statistics.median(t.readings / t.wall_s for t in self.rounds)

    @property
    def points(self) -> float:
        """Median points a second."""
        return statistics.median(t.points / t.wall_s for t in self.rounds)

    @property
    def per_cpu_s(self) -> float:
        """Median readings a CPU second."""
        return statistics.median(t.readings / t.cpu_s for t in self.rounds)

    def of(self, other: Measured) -> float:
        """Median over the rounds of this rate as a share of another's."""
        return statistics.median(
            (a.readings / a.wall_s) / (b.readings / b.wall_s) for a, b in zip(self.rounds, other.rounds, strict=True)
        )


def find(measured: Sequence[Measured], load: str, contender: str) -> Measured | None:
    """The rounds of a contender."""
    return next((m for m in measured if (m.load, m.contender) == (load, contender)), None)


def table(measured: Sequence[Measured], rounds: int) -> list[str]:
    """Throughput."""
    cores = os.cpu_count()
    out = [
        f"Median of {rounds} interleaved rounds; each contender pinned to one core, the broker sharing the machine "
        f"({cores} cores, Python {platform.python_version()}).",
        "",
        "| load | contender | readings/s | readings per CPU second | of the plain loop | points/s |",
        "|---|---|---|---|---|---|",
    ]
    for m in measured:
        plain = find(measured, m.load, "plain")
        share = f"{m.of(plain):.2f}" if plain is not None and m.contender != "limit" else ""
        speed = f"{m.rate:,.0f} | {m.per_cpu_s:,.0f}" if m.contender != "limit" else "|"
        points = f"{m.points:,.0f}" if m.rounds[0].points else ""
        out.append(f"| {m.load} | {TITLE[m.contender]} | {speed} | {share} | {points} |")
    return out


def latency_lines(latency: Latency) -> list[str]:
    """Produce-to-anomaly latency."""
    return [
        f"Produce to anomaly at half load ({latency.rate:,.0f} singles/s): p50 {latency.p50_ms:.1f} ms, "
        f"p99 {latency.p99_ms:.1f} ms, over {latency.found} spikes of {latency.spikes} (at most {P50_MS:g} and "
        f"{P99_MS:g} ms). From the producer's call to the event's arrival at a consumer of anomaly.v1.",
    ]


def pair_lines(one: Sequence[Shared], two: Sequence[Shared]) -> list[str]:
    """Two workers beside one."""
    cpu, wall = _pair(one, two)
    cores = os.cpu_count() or 1
    speed = f"{wall:.2f} x the speed" if cores >= 4 else f"speed not measured: {cores} cores"
    each = statistics.median(s.cpu_s / s.readings * 1e6 for s in one)
    return [
        f"Two workers of one group: {cpu:.2f} x the CPU seconds of one for each million singles (one: {each:.1f}; at "
        f"most {PAIR_CPU:g} x); {speed}."
    ]


def _pair(one: Sequence[Shared], two: Sequence[Shared]) -> tuple[float, float]:
    both = list(zip(one, two, strict=True))
    return statistics.median(b.cpu_s / a.cpu_s for a, b in both), statistics.median(
        a.wall_s / b.wall_s for a, b in both
    )


def faults(measured: Sequence[Measured], mercy: float) -> list[str]:
    """Floors of throughput that are not kept; `mercy` divides them."""
    found = []
    for (load, other), floor in RATIO_FLOORS.items():
        ours, theirs = find(measured, load, "off"), find(measured, load, other)
        if ours and theirs and (ratio := ours.of(theirs)) < floor / mercy:
            found.append(f"{load}: {ratio:.2f} x {TITLE[other]}, the floor is {floor / mercy:.2f}")
    for load, rate in RATE_FLOOR.items():
        ours = find(measured, load, "off")
        if ours and ours.rate < rate / mercy:
            found.append(f"{load}: {ours.rate:,.0f} readings/s, the floor is {rate / mercy:,.0f}")
    for m in (m for m in measured if m.contender == "influx"):
        limit = find(measured, m.load, "limit")
        least = min(POINTS_FLOOR, 0.9 * limit.points) if limit else POINTS_FLOOR
        if m.points < least:
            found.append(f"{m.load}, store on: {m.points:,.0f} points/s, the floor is {least:,.0f}")
    return found


def latency_faults(latency: Latency) -> list[str]:
    """Bounds of latency that are not kept."""
    found = []
    if latency.p50_ms >= P50_MS or latency.p99_ms >= P99_MS:
        found.append(
            f"latency: p50 {latency.p50_ms:.1f} ms, p99 {latency.p99_ms:.1f} ms; at most {P50_MS:g}, {P99_MS:g}"
        )
    if latency.found < latency.spikes:
        found.append(f"latency: {latency.spikes - latency.found} of {latency.spikes} spikes opened no episode")
    return found


def pair_faults(one: Sequence[Shared], two: Sequence[Shared]) -> list[str]:
    """Bounds of two workers that are not kept."""
    cpu, wall = _pair(one, two)
    found = [f"two workers: {cpu:.2f} x the CPU seconds of one, at most {PAIR_CPU:g}"] if cpu > PAIR_CPU else []
    if (os.cpu_count() or 1) >= 4 and wall < PAIR_WALL:
        found.append(f"two workers: {wall:.2f} x the speed of one, at least {PAIR_WALL:g}")
    return found


HEAD = f"""# Benchmarks

Written by `make bench`; do not edit. Real Kafka on loopback. The plain loop fetches with aiokafka and decodes in
bulk with the same decoder, and detects nothing. Millstream runs limits, stuck, gap and robust_zscore,
{ASSETS * SERIES:,} series. The others run the same gate and robust z-score in plain Python, as their users would
write it (tests/bench/peers), each with its own JSON parser and its alarms on a topic. Singles are one JSON reading a
message; frames hold {SERIES} series x {ROWS} instants. With the store on, a reading makes up to three points.
These machines are noisy: trust the ratios, which are taken round by round, more than the rates.

"""
