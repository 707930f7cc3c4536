"""Queries: InfluxQL that InfluxDB 1.8, 2 and 3 answer alike, and PromQL."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Source = Literal["raw", "main", "prometheus"]
"""The store's two buckets, and Prometheus."""

LEVELS = ("site", "area", "line", "asset")

MACHINE = ", ".join(f'"{level}"' for level in LEVELS)
"""To group by machines: lines of two areas, and machines of two lines, may have one name."""

MEASURED_IN: dict[str, Source] = {"reading": "raw", "verdict": "raw", "anomaly": "main", "kpi": "main"}


class Query(NamedTuple):
    """One question to a data source."""

    source: Source
    text: str
    legend: str = ""
    form: Literal["time_series", "table"] = "time_series"
    instant: bool = False


def influx(
    select: str,
    measurement: str,
    *where: str,
    by: str = "",
    legend: str = "",
    table: bool = False,
    levels: tuple[str, ...] = LEVELS,
    tail: str = "",
) -> Query:
    """SELECT from a measurement over the time shown, of the places that the variables name.

    >>> print(influx('last("value")', "kpi", by='"asset"', levels=("site",)).text)
    SELECT last("value") FROM "kpi" WHERE $timeFilter AND "site" =~ /^${site:regex}$/ GROUP BY "asset"
    """
    conditions = ["$timeFilter", *(chosen(level) for level in levels), *where]
    grouped = f" GROUP BY {by}" if by else ""
    last = f" {tail}" if tail else ""
    text = f'SELECT {select} FROM "{measurement}" WHERE {" AND ".join(conditions)}{grouped}{last}'  # noqa: S608
    return Query(MEASURED_IN[measurement], text, legend, "table" if table else "time_series")


def over(select: str, inner: Query, *where: str, by: str = "", legend: str = "", table: bool = False) -> Query:
    """SELECT over what another query gives."""
    grouped = f" GROUP BY {by}" if by else ""
    # With intervals the time is named outside too, or they would be filled from 1970 on. Without, it may not be: the
    # first interval of the inner query begins before the time shown, and InfluxDB 2 then gives nothing at all.
    conditions = [*(["$timeFilter"] if "time(" in by else []), *where]
    text = f"SELECT {select} FROM ({inner.text}){' WHERE ' if conditions else ''}{' AND '.join(conditions)}{grouped}"  # noqa: S608
    return Query(inner.source, text, legend, "table" if table else "time_series")


def prom(expr: str, legend: str = "", *, now: bool = False, table: bool = False) -> Query:
    """PromQL; PLACE stands for the matchers of site, area, line and asset, SITE and WATCH for these alone.

    `now`: the newest value alone. Names are put in by Grafana's own format for regular expressions, and between
    backticks, where PromQL takes a backslash as it is: what Grafana makes of a variable by itself is wrong where one
    value alone may be chosen.
    """
    filled = re.sub(r"\b(PLACE|SITE|WATCH)\b", lambda name: _MATCHERS[name[1]], expr)
    return Query("prometheus", filled, legend, "table" if table else "time_series", now or table)


def chosen(tag: str, variable: str = "") -> str:
    """A condition: the tag is among a variable's values, whatever signs are in these.

    >>> chosen("asset")
    '"asset" =~ /^${asset:regex}$/'
    """
    return f'"{tag}" =~ /^${{{variable or tag}:regex}}$/'


def matching(label: str) -> str:
    """A matcher: the label is among a variable's values.

    >>> matching("asset")
    'asset=~`${asset:regex}`'
    """
    return f"{label}=~`${{{label}:regex}}`"


def kpi(*names: str) -> str:
    """A condition: the key figure is one of these."""
    if len(names) == 1:
        return f"\"kpi\" = '{names[0]}'"
    return f'"kpi" =~ /^({"|".join(names)})$/'


_MATCHERS = {
    "PLACE": ",".join(matching(level) for level in LEVELS), "SITE": matching("site"), "WATCH": matching("watch"),
}  # fmt: skip

HOURS = ("\"shift\" = '-'", "\"product\" = '-'")
"""Conditions: figures of hours (or of windows of demand), of all products together."""


def figures(select: str, *names: str, by: str = "", legend: str = "", where: tuple[str, ...] = ()) -> Query:
    """Key figures of hours, or of windows of demand, at the beginnings of these."""
    return influx(select, "kpi", kpi(*names), *HOURS, *where, by=by, legend=legend)


def of_site(select: str, *names: str, by: str = "", legend: str = "") -> Query:
    """Key figures of whole sites, whatever line and machine are chosen."""
    where = ("\"area\" = '-'", "\"line\" = '-'", "\"asset\" = '-'")
    return influx(select, "kpi", kpi(*names), *HOURS, *where, by=by, legend=legend, levels=("site",))
