"""Quality: control charts of what statistical process control watches, and what came out as rejects."""

from __future__ import annotations

from grafana.boards.board import Board, Row
from grafana.boards.colours import BLUE, GREEN, ORANGE, PURPLE, VERMILLION
from grafana.boards.panel import lines, ranking, stat
from grafana.boards.query import MACHINE, chosen, figures, influx
from grafana.boards.shared import events, opened
from grafana.boards.variables import places, tags

_CHARTS = '"detector" =~ /^(nelson|cusum|level_shift|robust_zscore)$/'
_OF = (chosen("watch"), _CHARTS)
_HERE = (chosen("series"), *_OF)
_LIMIT = {"color": {"mode": "fixed", "fixedColor": VERMILLION}, "custom.lineStyle": {"fill": "dash", "dash": [8, 4]}}

QUALITY = Board(
    "millstream-quality",
    "Millstream: quality",
    "Control charts of the series that are watched statistically, the rules they broke, and rejects.",
    (
        *places("verdict", one=True),
        tags("watch", "verdict", "site", "area", "line", "asset", only=_CHARTS),
        tags("series", "verdict", "site", "area", "line", "asset", "watch", only=_CHARTS),
    ),
    (
        Row(
            "Now",
            (
                stat(
                    "How good are the parts?",
                    "Good parts over all parts in the newest hour.",
                    figures('last("value")', "quality", by=MACHINE, legend="$tag_asset"),
                    unit="percentunit", decimals=1, steps=((None, VERMILLION), (0.95, ORANGE), (0.99, GREEN)), width=6,
                    empty="Nothing counts its parts",
                ),
                ranking(
                    "Which series left their limits most often?",
                    "Points out of control in the time shown.",
                    influx('count("score")', "verdict", *_OF, '"score" >= 1', by='"series"', legend="$tag_series"),
                    unit="none", decimals=0, width=9, height=7,
                    empty="Every point is in control",
                ),
                lines(
                    "How many parts were made, and how many were good?",
                    "Of each hour.",
                    figures('"value"', "produced", legend="made"),
                    figures('"value"', "good", legend="good"),
                    unit="none", steps=True, low=0, width=9, height=7, colours={"made": BLUE, "good": GREEN},
                    empty="Nothing counts its parts",
                ),
            ),
        ),
        Row(
            "Control charts",
            (
                lines(
                    "$series: is it in control?",
                    "Values with centre line and control limits, as of each moment; points: out of control by a rule "
                    "of the watch (Nelson's rules, CUSUM, or its band).",
                    influx('last("value") AS "value"', "verdict", *_HERE, by="time($__interval) fill(none)",
                           legend="$col"),
                    influx('last("expected") AS "centre", last("low") AS "lower limit", last("high") AS "upper limit"',
                           "verdict", *_HERE, by="time($__interval) fill(none)", legend="$col"),
                    influx('last("value") AS "out of control"', "verdict", *_HERE, '"score" >= 1',
                           by="time($__interval) fill(none)", legend="$col"),
                    unit="short", width=12, repeat="series", colours={"value": BLUE, "centre": GREEN},
                    styles={"lower limit": _LIMIT, "upper limit": _LIMIT,
                            "out of control": {"color": {"mode": "fixed", "fixedColor": VERMILLION},
                                               "custom.drawStyle": "points", "custom.pointSize": 9}},
                    empty="No watch charts it in the time shown",
                ),
            ),
        ),
        Row(
            "What happened",
            (
                lines(
                    "How often do rules break?",
                    "Episodes opened an hour, by watch.",
                    opened('time(1h), "watch" fill(none)', "$tag_watch", *_OF),
                    unit="none", bars=True, stacked=True, low=0, decimals=0, width=24, height=6, interval="1h",
                    colours={"/cusum/": PURPLE}, empty="No rule was broken",
                ),
                events("Which rule was broken?", "Newest first; the message names the rule.", *_OF),
            ),
        ),
    ),
    since="now-12h",
    refresh="30s",
)  # fmt: skip
