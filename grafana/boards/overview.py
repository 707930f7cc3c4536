"""Plant overview: what is wrong, what stands still, what it takes and costs."""

from __future__ import annotations

from grafana.boards.board import Board, Row
from grafana.boards.colours import BLUE, GREEN, GREY, LOSS, ORANGE, PURPLE, VERMILLION
from grafana.boards.panel import lines, ranking, stat
from grafana.boards.query import HOURS, influx, of_site, prom
from grafana.boards.shared import (
    FORECAST,
    LIMIT,
    MUTES,
    RATIO_STEPS,
    by_severity,
    events,
    mutes,
    open_episodes,
    running_demand,
    states,
)
from grafana.boards.variables import STATES, places

OVERVIEW = Board(
    "millstream-overview",
    "Millstream: plant overview",
    "What is wrong now, which machines stand still, what the plant takes and costs.",
    (*places("reading"), STATES),
    (
        Row(
            "Now",
            (
                by_severity(width=10),
                stat(
                    "Will demand stay under its limit?",
                    "What the running window of maximum demand is forecast to end at, and its limit, of the meter "
                    "that is nearest to its limit.",
                    prom(f"topk(1, {FORECAST})", "forecast", now=True),
                    prom(f"{LIMIT} and topk(1, {FORECAST})", "limit", now=True),
                    unit="watt", colours={"forecast": PURPLE, "limit": VERMILLION}, width=6,
                    empty="No forecast: no meter with a limit, or its window has just begun",
                ),
                stat(
                    "What do open episodes cost an hour?",
                    "Of each machine the dearest of its open episodes, added up over a site's machines, in the site's "
                    "currency; of episodes that have a price.",
                    prom("sum by (site) (max by (site,area,line,asset) (millstream_episode_cost_per_hour{PLACE}))",
                         "{{site}}", now=True),
                    unit="locale", decimals=0, steps=((None, ORANGE),), width=4,
                    empty="No open episode has a price",
                ),
                stat(
                    "How much is muted?",
                    "Mutes in force; see the table of them below.",
                    prom(f"count({MUTES}) or vector(0)", now=True),
                    unit="none", steps=((None, GREEN), (1.0, ORANGE)), width=4, empty="No answer from Prometheus",
                ),
                open_episodes(height=9),
                ranking(
                    "How effective is each line?",
                    "OEE of each line in its newest hour; where a line has no planned run time of its own, the mean of "
                    "its machines, weighted by planned time.",
                    influx('last("value")', "kpi", '"kpi" =~ /^(oee|oee_mean)$/', *HOURS, "\"asset\" = '-'",
                           by='"site", "area", "line"', legend="$tag_area $tag_line", levels=("site", "area", "line")),
                    unit="percentunit", steps=RATIO_STEPS, high=1.0, decimals=0, width=6, height=9,
                    empty="No line has figures in the time shown",
                ),
                ranking(
                    "Which machine holds its line up?",
                    "Share of the newest hour in which the machine was its line's bottleneck (Roser 2002).",
                    prom('sort_desc(max by (site,area,line,asset) (millstream_kpi{PLACE,kpi="bottleneck_share"}) > 0)',
                         "{{line}} {{asset}}", now=True),
                    unit="percentunit", high=1.0, decimals=0, width=6, height=9,
                    empty="No line has a bottleneck",
                ),
            ),
        ),
        Row("Machines", (states(width=24, height=10),)),
        Row(
            "Energy and money",
            (
                running_demand(width=12),
                lines(
                    "What does each hour cost in energy and losses?",
                    "Energy and, where a minute has a price, losses of the whole site, in the tariff's currency; at "
                    "the beginning of each hour.",
                    of_site('"value"', "energy_cost", by='"site", "kpi"', legend="$tag_kpi"),
                    of_site('"value"', *(f"{name}_cost" for name in LOSS), by='"site", "kpi"', legend="$tag_kpi"),
                    unit="locale", stacked=True, bars=True, low=0, decimals=0, width=12,
                    colours={"energy_cost": BLUE} | {f"{name}_cost": colour for name, colour in LOSS.items()},
                    interval="1h", empty="No tariff and no price of a minute: see the site file",
                ),
            ),
        ),
        Row(
            "What happened",
            (
                events("Which episodes opened, grew and closed?", "Newest first; the message names value and band."),
                mutes(width=12, height=7),
                lines(
                    "Of how many readings is nothing judged?",
                    "Readings that muted series have, that sensors in fault have, or that came late.",
                    prom('sum by (outcome) (rate(millstream_readings_total{outcome=~"muted|withheld|late"}'
                         "[$__rate_interval]))", "{{outcome}}"),
                    unit="cps", colours={"muted": GREY, "withheld": ORANGE, "late": PURPLE}, low=0, width=12,
                    height=7, empty="No answer from Prometheus",
                ),
            ),
        ),
    ),
    notes=(
        ("Critical and major", VERMILLION,
         influx('"message", "asset", "series", "watch", "phase"', "anomaly", '"severity" >= 601',
                "\"phase\" = 'opened'")),
    ),
)  # fmt: skip
