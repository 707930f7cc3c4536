"""Sensor health: which sensors are silent, stuck, late, of bad quality or off in time, and what that leaves unseen."""

from __future__ import annotations

from grafana.boards.board import Board, Row
from grafana.boards.colours import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, YELLOW
from grafana.boards.panel import COLOURED, lines, ranking, stat, table, timeline, to_board
from grafana.boards.query import MACHINE, chosen, influx, over, prom
from grafana.boards.shared import COVERAGE_STEPS, SEVERITY_STEPS, events, kinds, opened
from grafana.boards.variables import places, tags

_FAULTS = (
    "max by (site,area,line,asset,watch) (millstream_episode_severity{PLACE,WATCH}) * on (watch) "
    'group_left(kind) max by (watch,kind) (millstream_watch_info{judges="health"})'
)
_HEALTH = kinds(health=True)
_KINDS = {
    "gap": VERMILLION, "stuck": ORANGE, "limits": YELLOW, "quality": PURPLE, "clock": SKY, "railed": BLUE,
    "unit_swap": GREY, "duplicate": GREEN,
}  # fmt: skip
_PER_MINUTE = influx('count("quality") AS "n"', "reading", by=f"time(1m), {MACHINE} fill(none)")

HEALTH = Board(
    "millstream-health",
    "Millstream: sensor health",
    "Which sensors are silent, stuck, late, of bad quality or off in time, and what that leaves unseen.",
    (*places("reading"), tags("watch", "anomaly", "site", "area", "line", "asset")),
    (
        Row(
            "Now",
            (
                stat(
                    "How many sensor faults are open?",
                    "Open episodes of health watches, by kind of detector; of the watches chosen.",
                    prom(f"count({_FAULTS}) or vector(0)", now=True),
                    unit="none", steps=((None, GREEN), (1.0, ORANGE)), width=6, empty="No answer from Prometheus",
                ),
                stat(
                    "How many machines are silent?",
                    "Machines with an open episode of a gap. Three of one line at once: look at the gateway first.",
                    prom('count(count by (site,area,line,asset) (millstream_episode_severity{PLACE,WATCH} '
                         'and on (watch) millstream_watch_info{kind="gap"})) or vector(0)', now=True),
                    unit="none", steps=((None, GREEN), (1.0, ORANGE), (3.0, VERMILLION)), width=6,
                    empty="No answer from Prometheus",
                ),
                stat(
                    "What is the lowest coverage of a figure?",
                    "Share of the newest hour for which a key figure's inputs were there.",
                    prom("min(millstream_kpi_coverage{PLACE})", now=True),
                    unit="percentunit", steps=COVERAGE_STEPS, decimals=0, width=6, empty="No key figure in the metrics",
                ),
                stat(
                    "How much cannot be used?",
                    "Readings late, of sensors in fault, or rejected, over all, in the last minutes; of all sites.",
                    prom('sum(rate(millstream_readings_total{outcome=~"late|withheld|rejected"}[$__rate_interval])) / '
                         "sum(rate(millstream_readings_total[$__rate_interval]))", now=True),
                    unit="percentunit", steps=((None, GREEN), (0.01, ORANGE), (0.1, VERMILLION)), decimals=1, width=6,
                    empty="No reading came in",
                ),
                table(
                    "Which sensors are in fault?",
                    "Open episodes of health watches; the machine's name leads to its board.",
                    prom(_FAULTS, table=True), unit="none", steps=SEVERITY_STEPS, sort="severity", width=12, height=9,
                    names={"site": "site", "area": "area", "line": "line", "asset": "asset", "watch": "watch",
                           "kind": "kind", "Value": "severity"},
                    fields={"severity": COLOURED,
                            "asset": to_board("millstream-asset", "site", "area", "line", "asset")},
                    empty="No sensor is in fault",
                ),
                table(
                    "Which series have been quiet longest?",
                    "When each series was last heard, the oldest first.",
                    influx('last("quality") AS "quality"', "reading", by=f'{MACHINE}, "series"', table=True),
                    unit="none", sort="last heard", rising=True, width=12, height=9,
                    names={"Time": "last heard", "area": "area", "line": "line", "asset": "asset", "series": "series",
                           "quality": "quality"},
                    fields={"last heard": {"unit": "dateTimeFromNow"},
                            "quality": {"mappings": [{"type": "value", "options": {
                                "0": {"text": "good", "color": GREEN, "index": 0},
                                "1": {"text": "uncertain", "color": ORANGE, "index": 1},
                                "2": {"text": "bad", "color": VERMILLION, "index": 2}}}]}},
                    empty="No reading in the time shown",
                ),
            ),
        ),
        Row(
            "Over time",
            (
                lines(
                    "When did sensors fail, and how?",
                    "Episodes of health watches opened, by kind of detector.",
                    opened('time($__interval), "detector" fill(none)', "$tag_detector", _HEALTH, chosen("watch")),
                    unit="none", bars=True, stacked=True, low=0, decimals=0, width=12, interval="1m",
                    colours=_KINDS, empty="No sensor failed in the time shown",
                ),
                ranking(
                    "Which sensors fail most often?",
                    "Episodes of health watches opened in the time shown, by series.",
                    opened('"asset", "series"', "$tag_asset $tag_series", _HEALTH, chosen("watch")),
                    unit="none", decimals=0, width=12, empty="No sensor failed in the time shown",
                ),
                timeline(
                    "Which machines sent, and when?",
                    "Stored readings a minute of each machine; a hole is silence.",
                    over('mean("n") AS "n"', _PER_MINUTE, by=f"time($__interval), {MACHINE} fill(0)",
                         legend="$tag_line $tag_asset"),
                    colours={}, steps=((None, VERMILLION), (1.0, GREEN)), width=24, height=10, interval="1m",
                    empty="No reading in the time shown",
                ),
                lines(
                    "How many readings are late, by machine?",
                    "Stored readings that came behind a newer one of their series.",
                    influx('count("quality")', "reading", '"late" = true',
                           by=f"time($__interval), {MACHINE} fill(none)", legend="$tag_line $tag_asset"),
                    unit="none", low=0, decimals=0, width=8, bars=True, empty="No reading was late",
                ),
                lines(
                    "How many readings are of bad quality?",
                    "Stored readings whose sender called them bad or uncertain.",
                    influx('count("quality")', "reading", '"quality" = 2', by="time($__interval) fill(none)",
                           legend="bad"),
                    influx('count("quality")', "reading", '"quality" = 1', by="time($__interval) fill(none)",
                           legend="uncertain"),
                    unit="none", low=0, decimals=0, width=8, bars=True, stacked=True,
                    colours={"bad": VERMILLION, "uncertain": ORANGE}, empty="All readings are good",
                ),
                ranking(
                    "Whose clocks or time stamps are wrong?",
                    "Episodes of watches of kind clock opened in the time shown: readings from the future, or far "
                    "behind their arrival.",
                    opened(MACHINE, "$tag_line $tag_asset", "\"detector\" = 'clock'", chosen("watch")),
                    unit="none", decimals=0, width=8, empty="No clock was off",
                ),
                lines(
                    "What became of readings that were not scored?",
                    "Readings a second by outcome, of all sites; those that no watch takes are left out too.",
                    prom('sum by (outcome) (rate(millstream_readings_total{outcome!~"scored|unwatched"}'
                         "[$__rate_interval]))", "{{outcome}}"),
                    unit="cps", low=0, width=12,
                    colours={"late": PURPLE, "withheld": ORANGE, "rejected": VERMILLION, "muted": GREY},
                    empty="No answer from Prometheus",
                ),
                lines(
                    "Which figures lack inputs?",
                    "Lowest coverage of each machine's figures.",
                    prom("min by (site,area,line,asset) (millstream_kpi_coverage{PLACE})", "{{line}} {{asset}}"),
                    unit="percentunit", low=0, high=1, decimals=0, width=12,
                    lines_at=((None, VERMILLION), (0.5, ORANGE), (0.9, GREEN)), empty="No key figure in the metrics",
                ),
            ),
        ),
        Row("What happened", (events("What was told of sensors?", "Newest first.", _HEALTH, chosen("watch")),)),
    ),
    since="now-3h",
    notes=(("Sensor faults", ORANGE,
            influx('"message", "asset", "series", "watch", "phase"', "anomaly", _HEALTH, "\"phase\" = 'opened'",
                   chosen("watch"))),),
)  # fmt: skip
