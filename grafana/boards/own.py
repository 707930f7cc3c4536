"""Millstream itself: does it keep up, does it lose anything, and what does it take."""

from __future__ import annotations

from grafana.boards.board import Board, Row
from grafana.boards.colours import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, YELLOW
from grafana.boards.panel import lines, ranking, stat, table
from grafana.boards.query import matching, prom
from grafana.boards.variables import Variable

_AT = matching("instance")
_WINDOW = "[$__rate_interval]"
_OUTCOMES = {
    "scored": BLUE, "warming": SKY, "withheld": ORANGE, "late": PURPLE, "duplicate": GREY, "muted": YELLOW,
    "unwatched": GREEN, "rejected": VERMILLION,
}  # fmt: skip


def _quantile(q: float, of: str) -> str:
    return f"histogram_quantile({q}, sum by (le) (rate(millstream_{of}_latency_seconds_bucket{{{_AT}}}{_WINDOW})))"


def _rate(metric: str, by: str = "", more: str = "") -> str:
    return f"sum {f'by ({by}) ' if by else ''}(rate({metric}{{{_AT}{more}}}{_WINDOW}))"


def _lost(metric: str) -> str:
    return f"sum(increase({metric}{{{_AT}}}[$__range]))"


OWN = Board(
    "millstream-self",
    "Millstream: itself",
    "Does it keep up, does it lose anything, how quick is it, and what does it take.",
    (Variable("instance", "Worker", "prometheus", "label_values(millstream_partitions_assigned, instance)"),),
    (
        Row(
            "Now",
            (
                stat(
                    "How many workers answer?",
                    "Workers that Prometheus reaches.",
                    prom(f'sum(up{{job=~"millstream.*",{_AT}}})', now=True),
                    unit="none", steps=((None, VERMILLION), (1.0, GREEN)), empty="Prometheus knows no worker",
                ),
                stat(
                    "Are all partitions taken?",
                    "Partitions of reading.v1 that workers own. Fewer than the topic has: nobody judges the rest.",
                    prom(f"sum(millstream_partitions_assigned{{{_AT}}})", now=True),
                    unit="none", steps=((None, VERMILLION), (1.0, GREEN)), empty="No worker answers",
                ),
                stat(
                    "How far behind is it?",
                    "Age of the slowest partition's clock while it lags; from 60 s on an alert fires.",
                    prom(f"max(millstream_lag_seconds{{{_AT}}})", now=True),
                    unit="s", decimals=1, steps=((None, GREEN), (10.0, ORANGE), (60.0, VERMILLION)),
                    empty="No worker answers",
                ),
                stat(
                    "How much comes in?",
                    "Readings a second, of all outcomes.",
                    prom(_rate("millstream_readings_total")),
                    unit="cps", spark=True, decimals=0, empty="No reading came in",
                ),
                stat(
                    "How quick is it?",
                    "From received to published, 99 of 100 readings.",
                    prom(_quantile(0.99, "published")),
                    unit="s", decimals=2, steps=((None, GREEN), (1.0, ORANGE), (10.0, VERMILLION)), spark=True,
                    empty="No reading came in",
                ),
                stat(
                    "Was anything lost?",
                    "In the time shown: records deleted before they were taken, points that the store refused for "
                    "good, and snapshots that could not be read.",
                    prom(_lost("millstream_records_missing_total"), "records", now=True),
                    prom(_lost("millstream_sink_dropped_points_total") + " or vector(0)", "points", now=True),
                    prom(_lost("millstream_snapshots_damaged_total"), "snapshots", now=True),
                    unit="none", decimals=0, steps=((None, GREEN), (1.0, VERMILLION)), empty="No worker answers",
                ),
            ),
        ),
        Row(
            "Throughput and delay",
            (
                lines(
                    "How much comes in, and what becomes of it?",
                    "Readings a second by outcome; each is counted in exactly one.",
                    prom(_rate("millstream_readings_total", "outcome"), "{{outcome}}"),
                    unit="cps", stacked=True, low=0, colours=_OUTCOMES, empty="No reading came in",
                ),
                lines(
                    "How long does it take?",
                    "From received to scored, and to published: half of the readings, and 99 of 100, are quicker.",
                    prom(_quantile(0.5, "scored"), "scored, half"),
                    prom(_quantile(0.99, "scored"), "scored, 99 %"),
                    prom(_quantile(0.5, "published"), "published, half"),
                    prom(_quantile(0.99, "published"), "published, 99 %"),
                    unit="s", low=0,
                    colours={"scored, half": SKY, "scored, 99 %": BLUE, "published, half": ORANGE,
                             "published, 99 %": VERMILLION},
                    empty="No reading came in",
                ),
                lines(
                    "How far behind is each partition?",
                    "Age of its clock while it lags; dashed: 60 s, from which on an alert fires.",
                    prom(f"max by (partition) (millstream_lag_seconds{{{_AT}}})", "partition {{partition}}"),
                    unit="s", low=0, lines_at=((None, BLUE), (60.0, VERMILLION)), width=8, empty="No worker answers",
                ),
                lines(
                    "How many records wait in each partition?",
                    "The broker's end less what is judged.",
                    prom(f"max by (partition) (millstream_lag_records{{{_AT}}})", "partition {{partition}}"),
                    unit="none", low=0, width=8, empty="No worker answers",
                ),
                lines(
                    "Is one partition hotter than others?",
                    "Readings a second by partition.",
                    prom(_rate("millstream_partition_readings_total", "partition"), "partition {{partition}}"),
                    unit="cps", low=0, width=8, empty="No reading came in",
                ),
            ),
        ),
        Row(
            "Refused, lost, tried again",
            (
                lines(
                    "What is refused, and why?",
                    "Messages and cells a second by reason; topic rejected.v1 holds them.",
                    prom(_rate("millstream_rejected_total", "reason"), "{{reason}}"),
                    unit="cps", low=0, width=8, empty="Nothing was refused",
                ),
                lines(
                    "Does the store take what it is given?",
                    "Writes tried again and points refused, a second, by sink; and readings judged that wait for it.",
                    prom(_rate("millstream_sink_retries_total", "sink"), "tried again {{sink}}"),
                    prom(_rate("millstream_sink_dropped_points_total", "sink"), "refused {{sink}}"),
                    unit="cps", low=0, width=8, colours={"/^tried/": ORANGE, "/^refused/": VERMILLION},
                    empty="Every write was taken at once",
                ),
                lines(
                    "How much is judged but not stored yet?",
                    "Readings in all lanes; at max_pending nothing more is taken.",
                    prom(f"sum by (instance) (millstream_pending_readings{{{_AT}}})", "{{instance}}"),
                    unit="none", low=0, width=8, empty="No worker answers",
                ),
                lines(
                    "How many episodes does it tell of?",
                    "Events published a second by phase.",
                    prom(_rate("millstream_events_total", "phase"), "{{phase}}"),
                    unit="cps", low=0, width=8, colours={"opened": ORANGE, "escalated": VERMILLION, "closed": GREY},
                    empty="No event yet",
                ),
                lines(
                    "Is something wrong with senders?",
                    "A second: readings on a wrong partition, forged records, unknown fields, restated readings.",
                    prom(_rate("millstream_misrouted_total"), "misrouted"),
                    prom(_rate("millstream_forged_total"), "forged"),
                    prom(_rate("millstream_unknown_fields_total"), "unknown fields"),
                    prom(_rate("millstream_corrections_total"), "restated"),
                    unit="cps", low=0, width=8,
                    colours={"misrouted": ORANGE, "forged": VERMILLION, "unknown fields": SKY, "restated": PURPLE},
                    empty="No worker answers",
                ),
                lines(
                    "Are clocks right?",
                    "The worker's clock less Prometheus'; from 5 s on an alert fires.",
                    prom(f"millstream_clock_timestamp_seconds{{{_AT}}} - timestamp(millstream_clock_timestamp_seconds"
                         f"{{{_AT}}})", "{{instance}}"),
                    unit="s", width=8, lines_at=((None, VERMILLION), (-5.0, GREEN), (5.0, VERMILLION)),
                    empty="No worker answers",
                ),
            ),
        ),
        Row(
            "State",
            (
                lines(
                    "How old is each snapshot?",
                    "From 900 s on an alert fires: a restart would take long.",
                    prom(f"max by (partition) (millstream_snapshot_age_seconds{{{_AT}}})", "partition {{partition}}"),
                    unit="s", low=0, width=8, lines_at=((None, BLUE), (900.0, VERMILLION)), empty="No snapshot yet",
                ),
                lines(
                    "How large are snapshots?",
                    "Bytes of the newest snapshot by partition.",
                    prom(f"max by (partition) (millstream_snapshot_bytes{{{_AT}}})", "partition {{partition}}"),
                    unit="bytes", low=0, width=8, empty="No snapshot yet",
                ),
                lines(
                    "How long does a snapshot hold things up?",
                    "Standstill for the last one, by partition.",
                    prom(f"max by (partition) (millstream_snapshot_pause_seconds{{{_AT}}})", "partition {{partition}}"),
                    unit="s", low=0, width=8, empty="No snapshot yet",
                ),
                lines(
                    "How many series are there?",
                    "Series known, by partition.",
                    prom(f"sum by (partition) (millstream_series{{{_AT}}})", "partition {{partition}}"),
                    unit="none", low=0, stacked=True, width=8, empty="No worker answers",
                ),
                table(
                    "Which workers run which configuration?",
                    "Hash of the configuration in force; all the same, but for the minutes of a change.",
                    prom(f"max by (instance,config) (millstream_config_info{{{_AT}}})", table=True),
                    unit="none", names={"instance": "worker", "config": "configuration"}, width=8,
                    empty="No worker answers",
                ),
                stat(
                    "When does the first certificate end?",
                    "Of those that the settings name; an alert fires two weeks before.",
                    prom(f"min(millstream_certificate_expiry_timestamp_seconds{{{_AT}}}) * 1000", now=True),
                    unit="dateTimeFromNow", width=8, height=8, empty="No certificate is named in the settings",
                ),
            ),
        ),
        Row(
            "What it takes",
            (
                lines(
                    "How much memory does it take?",
                    "Resident memory of each worker.",
                    prom(f'process_resident_memory_bytes{{job=~"millstream.*",{_AT}}}', "{{instance}}"),
                    unit="bytes", low=0, width=12, empty="Only told on Linux",
                ),
                lines(
                    "What does it spend its time on?",
                    "Seconds a second by stage: decode, judge, publish. 1 is a whole core.",
                    prom(_rate("millstream_batch_seconds_total", "stage"), "{{stage}}"),
                    unit="percentunit", low=0, stacked=True, width=12,
                    colours={"decode": SKY, "judge": BLUE, "publish": ORANGE, "store": PURPLE},
                    empty="No reading came in",
                ),
                ranking(
                    "Which watches cost most?",
                    "Share of a core that each watch's judging took over the time shown.",
                    prom(f"sort_desc(sum by (watch) (rate(millstream_watch_seconds_total{{{_AT}}}[$__range])))",
                         "{{watch}}", now=True),
                    unit="percentunit", decimals=2, width=12, empty="No reading came in",
                ),
                ranking(
                    "Which detectors cost most?",
                    "The same by kind of detector, all its watches together.",
                    prom(f"sort_desc(sum by (kind) (rate(millstream_watch_seconds_total{{{_AT}}}[$__range]) "
                         f"* on (watch) group_left (kind) max by (watch, kind) (millstream_watch_info{{{_AT}}})))",
                         "{{kind}}", now=True),
                    unit="percentunit", decimals=2, width=12, empty="No reading came in",
                ),
            ),
        ),
    ),
    since="now-1h",
)  # fmt: skip
