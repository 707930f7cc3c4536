"""Panels and queries that several boards have."""

from __future__ import annotations

from typing import Any

from detectors.registry import REGISTRY
from grafana.boards.colours import BLUE, GREEN, ORANGE, PURPLE, SEVERITY, SKY, STATE, VERMILLION, YELLOW
from grafana.boards.panel import COLOURED, Panel, Steps, lines, stat, table, timeline, to_board
from grafana.boards.query import MACHINE, Query, chosen, influx, prom
from schemas.anomaly import BANDS

OPEN = "max by (site,area,line,asset,watch) (millstream_episode_severity{PLACE})"
OPEN_OF_WATCH = "max by (site,area,line,asset,watch) (millstream_episode_severity{PLACE,WATCH})"

MUTES = "max by (asset,series,watch) (millstream_mute_until_timestamp_seconds{asset=~`(${site:regex}|[*]).*`})"
FORECAST = "max by (site,area,line,asset) (millstream_demand_forecast_watts{PLACE})"
LIMIT = "max by (site,area,line,asset) (millstream_demand_limit_watts{PLACE})"

SEVERITY_STEPS: Steps = (
    (None, SEVERITY["info"]),
    *((float(least), SEVERITY[name]) for least, name in reversed(BANDS) if name != "info"),
)
"""Bands of OPC UA as thresholds."""

RATIO_STEPS: Steps = ((None, VERMILLION), (0.6, ORANGE), (0.75, YELLOW), (0.85, GREEN))
"""Of effectiveness; 85 % is what Nakajima (1988) called world class."""

COVERAGE_STEPS: Steps = ((None, VERMILLION), (0.5, ORANGE), (0.9, GREEN))
"""Of coverage: below a half an alert fires."""


def kinds(*, health: bool) -> str:
    """A condition: the detector is one of the health gate, or one of the process."""
    names = sorted(kind for kind, detector in REGISTRY.items() if detector.health is health)
    return f'"detector" =~ /^({"|".join(names)})$/'


def by_severity(opened: str = OPEN, **place: Any) -> Panel:
    """Open episodes, counted by band."""
    tops = (1001, *(least for least, _ in BANDS))
    queries = [
        prom(f"count(({opened}) >= {least} < {top}) or vector(0)", name, now=True)
        for (least, name), top in zip(BANDS, tops, strict=False)
    ]
    return stat(
        "How many episodes are open, by severity?",
        "Open episodes of the places chosen. Bands of OPC UA: critical from 801, major 601, minor 401, warning 201.",
        *queries, unit="none", colours=SEVERITY, **({"width": 12} | place),
        empty="No answer from Prometheus",
    )  # fmt: skip


def open_episodes(opened: str = OPEN, **place: Any) -> Panel:
    """Open episodes, the worst first; a machine's name leads to its board."""
    return table(
        "What is wrong now, the worst first?",
        "Each open episode with its severity, 1 to 1000. The machine's name leads to its board.",
        prom(opened, table=True), unit="none", steps=SEVERITY_STEPS, sort="severity",
        names={"site": "site", "area": "area", "line": "line", "asset": "asset", "watch": "watch", "Value": "severity"},
        fields={"severity": COLOURED, "asset": to_board("millstream-asset", "site", "area", "line", "asset")},
        empty="No episode is open: every watched series is as expected", **({"width": 12} | place),
    )  # fmt: skip


def states(**place: Any) -> Panel:
    """What machines say that they do."""
    return timeline(
        "What did each machine do, and when?",
        "What state series say, such as running, idle, setup or down. Variable State series names them.",
        influx('last("text")', "reading", chosen("series", "state"), by=f"time($__interval), {MACHINE} fill(none)",
               legend="$tag_line $tag_asset"),
        colours=STATE, empty="No state series: choose its name above", **place,
    )  # fmt: skip


EVENT_FIELDS = '"asset", "series", "watch", "phase", "severity", "peak", "cost_per_hour", "message", "contribution"'


def events(title: str, description: str, *where: str, **place: Any) -> Panel:
    """Events of episodes, the newest first."""
    return table(
        title, description, influx(EVENT_FIELDS, "anomaly", *where, table=True, tail="ORDER BY time DESC LIMIT 200"),
        unit="none", steps=SEVERITY_STEPS, sort="time",
        names={"Time": "time", "asset": "asset", "series": "series", "watch": "watch", "phase": "phase",
               "severity": "severity", "peak": "peak score", "cost_per_hour": "cost an hour", "message": "message",
               "contribution": "inputs that contribute"},
        fields={"severity": COLOURED, "message": {"custom.width": 480},
                "inputs that contribute": {"custom.width": 240}, "time": {"unit": "dateTimeAsLocal"},
                "peak score": {"decimals": 1, "color": {"mode": "fixed", "fixedColor": SKY}},
                "cost an hour": {"decimals": 0}},
        empty="No event of an episode in the time shown", **({"width": 24} | place),
    )  # fmt: skip


def mutes(**place: Any) -> Panel:
    """Mutes in force."""
    return table(
        "What is muted, and until when?",
        "Mutes in force: matching series are neither judged nor learned until then. Globs; * is all.",
        prom(f"{MUTES} * 1000", table=True),
        unit="dateTimeFromNow", sort="until",
        names={"asset": "asset", "series": "series", "watch": "watch", "Value": "until"},
        empty="Nothing is muted", **place,
    )  # fmt: skip


def running_demand(**place: Any) -> Panel:
    """The running windows of maximum demand."""
    return lines(
        "Where will the running demand window end?",
        "Demand so far, the forecast of the window's end, and the limit, as workers tell them now, of each meter that "
        "has a limit.",
        prom(LIMIT, "limit {{asset}}"),
        prom(FORECAST, "forecast {{asset}}"),
        prom('max by (site,area,line,asset) (millstream_kpi{PLACE,kpi="demand"}) * 1000 and '
             f"on (site,area,line,asset) {LIMIT}", "so far {{asset}}"),
        unit="watt", low=0, colours={"/^limit/": VERMILLION, "/^forecast/": PURPLE, "/^so far/": BLUE},
        empty="No meter has a limit of demand", **place,
    )  # fmt: skip


def opened(by: str, legend: str = "", *where: str, table: bool = False) -> Query:
    """Number of episodes opened."""
    return influx('count("severity") AS "opened"', "anomaly", "\"phase\" = 'opened'", *where, by=by, legend=legend,
                  table=table)  # fmt: skip
