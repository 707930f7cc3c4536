"""From results to metrics: counted by chunk."""

from __future__ import annotations

import structlog

from streams.kpi.gauges import KpiGauges
from streams.metrics import Metrics
from streams.open_episodes import OpenEpisodes
from streams.results import OUTCOMES, Results
from streams.sinks.base import Sink

log = structlog.get_logger("millstream.worker")

_COUNTED = {
    "misrouted": "millstream_misrouted_total",
    "reforwarded": "millstream_reforwarded_total",
    "corrections": "millstream_corrections_total",
    "unknown_fields": "millstream_unknown_fields_total",
    "nan_cells": "millstream_absent_numbers_total",
}


def account(metrics: Metrics, episodes: OpenEpisodes, kpis: KpiGauges, results: Results, now_ns: int) -> None:
    """Count one chunk's results, once they are stored and published."""
    counts = results.counts
    for outcome in OUTCOMES:
        metrics.count("millstream_readings_total", counts[outcome], outcome=outcome)
    metrics.count("millstream_verdicts_total", counts["verdicts"])
    for name, metric in _COUNTED.items():
        metrics.count(metric, counts.get(name, 0))
    for rejection in results.rejections:
        metrics.count("millstream_rejected_total", max(rejection.place.cells, 1), reason=rejection.place.reason)
        if rejection.place.reason.startswith("forged"):
            metrics.count("millstream_forged_total")
    for event in results.events:
        metrics.count("millstream_events_total", phase=event.phase)
        episodes.take(event, results.partition, now_ns)
    for row in results.kpis:
        kpis.take(row, results.partition)
    for warning in results.warnings:
        log.warning(warning)
    metrics.count("millstream_partition_readings_total", counts["readings_in"], partition=str(results.partition))
    metrics.set("millstream_series", len(results.series), partition=str(results.partition))


class Dropped:
    """Points that a sink refused for good, as a counter."""

    def __init__(self, sink: Sink | None) -> None:
        self._sink, self._told = sink, 0

    def account(self, metrics: Metrics) -> None:
        """Count what was dropped since the last call."""
        now = int(getattr(self._sink, "points_dropped", 0))
        metrics.count("millstream_sink_dropped_points_total", now - self._told, sink="sink")
        self._told = now
