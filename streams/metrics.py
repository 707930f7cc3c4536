"""Every metric in one typed table, in a registry of our own; counted by batch, never by reading."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Definition(NamedTuple):
    """One metric: base units, ratios 0 to 1, bounded labels."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    unit: str
    help: str


TABLE: tuple[Definition, ...] = (
    Definition(
        "millstream_readings_total", "counter", ("outcome",), "", "Readings by outcome; the sum is all that came in."
    ),
    Definition("millstream_verdicts_total", "counter", (), "", "Verdicts with a finite score."),
    Definition("millstream_rejected_total", "counter", ("reason",), "", "Messages or cells set aside, by reason."),
    Definition(
        "millstream_rejected_unlisted_total", "counter", ("reason",), "", "Of these, above the cap of the topic."
    ),
    Definition("millstream_misrouted_total", "counter", (), "", "Readings found on a wrong partition and forwarded."),
    Definition("millstream_reforwarded_total", "counter", (), "", "Forwarded readings that had been taken already."),
    Definition(
        "millstream_corrections_total", "counter", (), "", "Readings that restate the newest value of a series."
    ),
    Definition(
        "millstream_unknown_fields_total", "counter", (), "", "Fields of readings that this version does not know."
    ),
    Definition("millstream_absent_numbers_total", "counter", (), "", "NaN in msgpack or Arrow, taken as absent."),
    Definition("millstream_events_total", "counter", ("phase",), "", "Anomaly events published, by phase."),
    Definition(
        "millstream_forged_total", "counter", (), "", "Control records or forwarded readings with a wrong signature."
    ),
    Definition("millstream_sink_retries_total", "counter", ("sink",), "", "Writes that had to be tried again."),
    Definition(
        "millstream_sink_dropped_points_total", "counter", ("sink",), "", "Points that the sink refused for good."
    ),
    Definition("millstream_lag_records", "gauge", ("partition",), "", "The broker's end less the engine's position."),
    Definition(
        "millstream_lag_seconds", "gauge", ("partition",), "seconds", "Age of the engine's clock while it lags."
    ),
    Definition("millstream_records_missing_total", "counter", (), "", "Records deleted before they were taken."),
    Definition("millstream_pending_readings", "gauge", (), "", "Readings judged but not yet in the store."),
    Definition(
        "millstream_snapshot_age_seconds", "gauge", ("partition",), "seconds", "Age of the newest valid snapshot."
    ),
    Definition(
        "millstream_snapshot_behind_records", "gauge", ("partition",), "", "Records that a restart would judge again."
    ),
    Definition("millstream_snapshot_bytes", "gauge", ("partition",), "bytes", "Size of the newest valid snapshot."),
    Definition(
        "millstream_snapshot_pause_seconds", "gauge", ("partition",), "seconds", "Standstill for the last snapshot."
    ),
    Definition("millstream_snapshots_damaged_total", "counter", (), "", "Snapshots that could not be read."),
    Definition(
        "millstream_restore_seconds", "gauge", ("partition",), "seconds", "Time to take up the snapshot at assignment."
    ),
    Definition(
        "millstream_partition_readings_total", "counter", ("partition",), "", "Readings by partition: shows a hot one."
    ),
    Definition("millstream_series", "gauge", ("partition",), "", "Series known on a partition."),
    Definition("millstream_partitions_assigned", "gauge", (), "", "Partitions that this worker owns."),
    Definition(
        "millstream_episode_severity",
        "gauge",
        ("site", "area", "line", "asset", "watch"),
        "",
        "Severity 1..1000 while open.",
    ),
    Definition(
        "millstream_episode_cost_per_hour",
        "gauge",
        ("site", "area", "line", "asset", "watch"),
        "",
        "Money that an open episode costs an hour, in the site's currency, as last told; the dearest of a watch.",
    ),
    Definition("millstream_episodes_unlisted", "gauge", ("site",), "", "Open episodes beyond the listed label sets."),
    Definition(
        "millstream_kpi",
        "gauge",
        ("site", "area", "line", "asset", "kpi"),
        "",
        "Key figure of a machine, area or site over the newest hour, or window of demand; NaN where there is none.",
    ),
    Definition(
        "millstream_kpi_coverage",
        "gauge",
        ("site", "area", "line", "asset", "kpi"),
        "",
        "Share of that window for which the figure's inputs were there.",
    ),
    Definition(
        "millstream_demand_forecast_watts",
        "gauge",
        ("site", "area", "line", "asset"),
        "watts",
        "What the open window of maximum demand is forecast to end at; NaN where readings are missing, absent when it "
        "is over.",
    ),
    Definition(
        "millstream_demand_limit_watts",
        "gauge",
        ("site", "area", "line", "asset"),
        "watts",
        "The demand to stay under.",
    ),
    Definition("millstream_kpis_unlisted", "gauge", (), "", "Key figures beyond the listed label sets."),
    Definition("millstream_warmup_ratio", "gauge", ("watch",), "", "Share of the warm-up done, mean over its models."),
    Definition("millstream_models_warming", "gauge", ("watch",), "", "Models that have no opinion yet; see /warmup."),
    Definition("millstream_models_unfit", "gauge", ("watch",), "", "Models that no longer fit: to be re-baselined."),
    Definition(
        "millstream_alarm_budget_per_second",
        "gauge",
        ("watch",),
        "",
        "False alarms that a watch may raise, a second and series: its false_alarms.",
    ),
    Definition(
        "millstream_alarm_rate_per_second",
        "gauge",
        ("watch",),
        "",
        "Alarms that it has raised, a second and series with an opinion; true ones among them.",
    ),
    Definition("millstream_alarm_threshold", "gauge", ("watch",), "", "Raw score that alarms, median over its models."),
    Definition(
        "millstream_watch_info",
        "gauge",
        ("watch", "kind", "judges"),
        "",
        "1 for each watch of the configuration in force; judges: process or health.",
    ),
    Definition(
        "millstream_watch_seconds_total",
        "counter",
        ("watch",),
        "seconds",
        "Time spent judging by watch, waveforms aside.",
    ),
    Definition(
        "millstream_mute_until_timestamp_seconds",
        "gauge",
        ("asset", "series", "watch"),
        "seconds",
        "When each mute in force ends, by the globs that it names; at most 1,000 of them, the first to end.",
    ),
    Definition("millstream_clock_timestamp_seconds", "gauge", (), "seconds", "The worker's clock, as of the scrape."),
    Definition(
        "millstream_certificate_expiry_timestamp_seconds",
        "gauge",
        ("certificate",),
        "seconds",
        "When a certificate that the settings name ends; the first of several in its file.",
    ),
    Definition("millstream_config_info", "gauge", ("config",), "", "1 for the hash of the configuration in force."),
    Definition("millstream_scored_latency_seconds", "histogram", (), "seconds", "From received to scored."),
    Definition(
        "millstream_published_latency_seconds", "histogram", (), "seconds", "From received to published on the topics."
    ),
    Definition(
        "millstream_batch_seconds_total", "counter", ("stage",), "seconds", "Time spent: decode, judge, publish, store."
    ),
)
"""All metrics. Boards, alerts and docs are checked against this table."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)


class BulkHistogram(Collector):
    """A histogram that takes many observations at once."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self._edges = np.array(BUCKETS)
        self._counts = np.zeros(len(BUCKETS) + 1, dtype=np.int64)
        self._sum = 0.0

    def observe(self, values: NDArray[np.float64]) -> None:
        """Take observations (n,) in seconds."""
        self._counts += np.bincount(np.searchsorted(self._edges, values), minlength=len(self._counts))
        self._sum += float(values.sum())

    def quantile(self, q: float) -> float:
        """An estimate by the upper edge of the bucket that holds the quantile; NaN while empty."""
        total = int(self._counts.sum())
        if not total:
            return float("nan")
        place = int(np.searchsorted(np.cumsum(self._counts), q * total))
        return BUCKETS[min(place, len(BUCKETS) - 1)]

    def collect(self) -> Iterable[Metric]:
        """The buckets, cumulated, as Prometheus wants them."""
        upto = np.cumsum(self._counts).tolist()
        buckets = [(repr(edge), n) for edge, n in zip(BUCKETS, upto, strict=False)] + [("+Inf", upto[-1])]
        yield HistogramMetricFamily(self.definition.name, self.definition.help, buckets=buckets, sum_value=self._sum)


class Metrics:
    """The table's metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, processor, open files: where /proc tells them
        self._made: dict[str, Counter | Gauge | BulkHistogram] = {}
        for definition in TABLE:
            name = definition.name
            if definition.kind == "histogram":
                made: Counter | Gauge | BulkHistogram = BulkHistogram(definition)
                self.registry.register(made)
            else:
                kind = Counter if definition.kind == "counter" else Gauge
                made = kind(name, definition.help, definition.labels, registry=self.registry)
            self._made[name] = made

    def count(self, name: str, n: float = 1, **labels: str) -> None:
        """Add to a counter."""
        metric = self._made[name]
        assert isinstance(metric, Counter)
        (metric.labels(**labels) if labels else metric).inc(n)

    def set(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        metric = self._made[name]
        assert isinstance(metric, Gauge)
        (metric.labels(**labels) if labels else metric).set(value)

    def forget(self, **labels: str) -> None:
        """Drop the label sets that are just these: what they speak of is another worker's now."""
        for definition in TABLE:
            if definition.kind == "gauge" and definition.labels == tuple(labels):
                metric = self._made[definition.name]
                assert isinstance(metric, Gauge)
                with contextlib.suppress(KeyError):
                    metric.remove(*labels.values())

    def replace(self, name: str, values: dict[tuple[str, ...], float]) -> None:
        """Set a gauge's label sets to just these."""
        metric = self._made[name]
        assert isinstance(metric, Gauge)
        metric.clear()
        for labels, value in values.items():
            metric.labels(*labels).set(value)

    def histogram(self, name: str) -> BulkHistogram:
        """A histogram of the table."""
        metric = self._made[name]
        assert isinstance(metric, BulkHistogram)
        return metric

    def value(self, name: str, **labels: str) -> float:
        """Present value of a counter or gauge; 0 where it has none."""
        sample = name if name.endswith("_total") or not isinstance(self._made[name], Counter) else f"{name}_total"
        return self.registry.get_sample_value(sample, labels) or 0.0
