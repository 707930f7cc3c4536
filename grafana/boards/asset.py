"""One machine: each of its series beside what was expected, episodes, state and the health of its sensors."""

from __future__ import annotations

from grafana.boards.board import Board, Row
from grafana.boards.colours import BLUE, GREEN, GREY, ORANGE, VERMILLION
from grafana.boards.panel import BAND, lines, ranking, timeline
from grafana.boards.query import chosen, figures, influx, over
from grafana.boards.shared import (
    OPEN_OF_WATCH,
    RATIO_STEPS,
    by_severity,
    events,
    kinds,
    open_episodes,
    states,
)
from grafana.boards.variables import STATES, places, tags

_SERIES = chosen("series")
_BAND = influx(
    'mean("expected") AS "expected", mean("low") AS "low", mean("high") AS "high"', "verdict", _SERIES,
    chosen("watch"), by='time($__interval), "watch", "detector" fill(none)',
)  # fmt: skip
SCORE_AT = ((None, BLUE), (1.0, VERMILLION))

ASSET = Board(
    "millstream-asset",
    "Millstream: asset",
    "One machine: its series beside what was expected, scores, episodes, state and the health of its sensors.",
    (
        *places("reading", one=True),
        tags("series", "reading", "site", "area", "line", "asset"),
        tags("watch", "verdict", "site", "area", "line", "asset"),
        STATES,
    ),
    (
        Row(
            "Now",
            (
                by_severity(OPEN_OF_WATCH, width=12),
                ranking(
                    "How effective is it?",
                    "OEE and its factors in the newest hour: availability x effectiveness x quality.",
                    figures('last("value")', "availability", "effectiveness", "quality", "oee", by='"kpi"',
                            legend="$tag_kpi"),
                    unit="percentunit", high=1.0, decimals=0, steps=RATIO_STEPS, width=12, height=4,
                    empty="The site file has no [[machine]] entry with states and parts for it",
                ),
                open_episodes(OPEN_OF_WATCH, height=6),
                states(width=12, height=6),
            ),
        ),
        Row(
            "Series",
            (
                lines(
                    "$series: is it as expected?",
                    "Its value, what the chosen watches expect, and the narrowest of their bands: outside of it one of "
                    "them alarms. Where a watch has no expected value, only its limits.",
                    influx('mean("value") AS "value"', "reading", _SERIES, by="time($__interval) fill(none)",
                           legend="$col"),
                    over('max("low") AS "low", min("high") AS "high", mean("expected") AS "expected"', _BAND,
                         by="time($__interval) fill(none)", legend="$col"),
                    unit="short", colours={"value": BLUE}, styles=BAND, width=12, height=7, repeat="series",
                    empty="No reading of it in the time shown",
                ),
            ),
        ),
        Row(
            "Scores and episodes",
            (
                lines(
                    "How far is each series from normal?",
                    "Highest score of each series and watch; from 1 on it is anomalous. Linear up to 1, logarithmic "
                    "above.",
                    influx('max("score")', "verdict", _SERIES, chosen("watch"),
                           by='time($__interval), "series", "watch" fill(none)', legend="$tag_series $tag_watch"),
                    unit="none", lines_at=SCORE_AT, low=0, width=24, height=9, decimals=1, legend=False,
                    custom={"scaleDistribution": {"type": "symlog", "log": 10, "linearThreshold": 1}},
                    empty="No watch judges it in the time shown",
                ),
                events(
                    "What happened, and what contributed?",
                    "Events of its episodes, newest first. Of joint watches with the share of each input, the largest "
                    "first; the message says what was expected of those that contribute most.",
                    chosen("watch"),
                ),
            ),
        ),
        Row(
            "Health of its sensors",
            (
                timeline(
                    "Which of its sensors were in fault?",
                    "Highest score of the health watches (limits, stuck, at the rail, clock, quality, unit): from 1 on "
                    "the readings are kept from process watches.",
                    influx('max("score")', "verdict", _SERIES, kinds(health=True),
                           by='time($__interval), "series" fill(none)', legend="$tag_series"),
                    colours={}, steps=((None, GREEN), (0.8, ORANGE), (1.0, VERMILLION)), width=16, height=10,
                    empty="No health watch judges its series",
                ),
                lines(
                    "How much of it is bad or late?",
                    "Stored readings a minute of bad quality, of uncertain quality, and that came late.",
                    influx('count("quality")', "reading", _SERIES, '"quality" = 2', by="time(1m) fill(0)",
                           legend="bad"),
                    influx('count("quality")', "reading", _SERIES, '"quality" = 1', by="time(1m) fill(0)",
                           legend="uncertain"),
                    influx('count("quality")', "reading", _SERIES, '"late" = true', by="time(1m) fill(0)",
                           legend="late"),
                    unit="short", colours={"bad": VERMILLION, "uncertain": ORANGE, "late": GREY}, low=0, width=8,
                    height=10, empty="None of it is bad, uncertain or late",
                ),
            ),
        ),
    ),
    since="now-3h",
    notes=(
        ("Episodes", VERMILLION,
         influx('"message", "asset", "series", "watch", "phase"', "anomaly", chosen("watch"),
                "\"phase\" != 'escalated'")),
    ),
)  # fmt: skip
