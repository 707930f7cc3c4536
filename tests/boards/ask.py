"""Asking the servers, and what they answer as plain series."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, NamedTuple

from grafana.boards.query import Query
from tests.boards.fill import Span, Values, filled
from tests.boards.stand import Stand


class Series(NamedTuple):
    """Rows of one answer: `tags` name it, the first of `columns` is the time in ms."""

    tags: dict[str, str]
    columns: list[str]
    rows: list[list[Any]]


class Refused(Exception):
    """The server said no: its words."""


def ask(where: Stand, query: Query, values: Values, span: Span) -> list[Series]:
    """What a panel's query gives. Raises Refused."""
    text = filled(query.text, values, span)
    if query.source == "prometheus":
        return _prometheus(where.prometheus, text, span, query.instant)
    return influxql(where, query.source, text)


def influxql(where: Stand, source: str, text: str) -> list[Series]:
    """What InfluxDB gives for a query."""
    asked = urllib.parse.urlencode({"db": where.prefix + source, "epoch": "ms", "q": text})
    request = urllib.request.Request(
        f"{where.influx.url}/query?{asked}", headers={"Authorization": f"Token {where.influx.token}"}
    )
    (result,) = _json(request)["results"]
    if "error" in result:
        raise Refused(f"{result['error']}: {text}")
    return [Series(one.get("tags", {}), one["columns"], one["values"]) for one in result.get("series", ())]


def values_of(where: Stand, source: str, query: str, values: Values, span: Span) -> list[str]:
    """The values that a variable's query gives."""
    if source == "prometheus":
        metric, label = query.removeprefix("label_values(").removesuffix(")").split(", ")
        found = _prometheus(where.prometheus, metric, span, True)
        return sorted({series.tags[label] for series in found})
    text = filled(query, values, span)
    return [str(row[1]) for series in influxql(where, source, text) for row in series.rows]


def _prometheus(url: str, text: str, span: Span, instant: bool) -> list[Series]:
    parts: dict[str, object] = {"query": text, "time": span.end / 1000}
    if not instant:
        # as finely as points are, but over the last minutes, which is all that this Prometheus has seen
        parts = {"query": text, "start": span.end / 1000 - 600, "end": span.end / 1000, "step": 2}
    kind = "query" if instant else "query_range"
    answer = _json(urllib.request.Request(f"{url}/api/v1/{kind}?{urllib.parse.urlencode(parts)}"))
    if answer["status"] != "success":
        raise Refused(f"{answer.get('error')}: {text}")
    found = []
    for one in answer["data"]["result"]:
        points = [one["value"]] if instant else one["values"]
        found.append(Series(one["metric"], ["time", "Value"], [[float(t) * 1000, float(v)] for t, v in points]))
    return found


def _json(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(error.read().decode(errors="replace")) from error
