"""A board: rows of panels, laid out from left to right, as Grafana's JSON (classic schema, 11.6 to 13)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from grafana.boards.grid import COLUMNS, placed
from grafana.boards.panel import Json, Panel
from grafana.boards.query import Query
from grafana.boards.variables import SOURCES, Choice, Variable, source_json, sources_of, variable_json

SCHEMA_VERSION = 41
"""Of Grafana 11.6 to 12.1; newer ones take it as it is."""
TAG = "millstream"
"""Boards with this tag are linked to each other."""


class Row(NamedTuple):
    """A row with a title, and its panels."""

    title: str
    panels: tuple[Panel, ...]


class Board(NamedTuple):
    """A board. `note`: a query whose rows are marks on every panel over time, with its title."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable | Choice, ...]
    rows: tuple[Row, ...]
    since: str = "now-6h"
    refresh: str = "10s"
    notes: tuple[tuple[str, str, Query], ...] = ()
    """Name, colour and query of marks; columns message and asset, series, watch, phase."""

    @property
    def queries(self) -> Iterator[Query]:
        """All queries, of variables aside."""
        for row in self.rows:
            for panel in row.panels:
                yield from panel.queries
        yield from (query for _, _, query in self.notes)


def dashboard(board: Board) -> Json:
    """The board as Grafana reads it."""
    asked = sources_of(board.variables) | {query.source for query in board.queries}
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "timezone": "browser",
        "weekStart": "",
        "time": {"from": board.since, "to": "now"},
        "timepicker": {"refresh_intervals": ["5s", "10s", "30s", "1m", "5m", "15m", "1h"]},
        "refresh": board.refresh,
        "links": [_LINK],
        "annotations": {"list": [_BUILT_IN, *(_note(*note) for note in board.notes)]},
        "templating": {
            "list": [
                *(source_json(source) for source in SOURCES if source in asked),
                *(variable_json(variable) for variable in board.variables),
            ]
        },
        "panels": _panels(board),
    }


_LINK: Json = {
    "type": "dashboards",
    "title": "Boards",
    "tooltip": "Other boards of millstream, with the same time and places",
    "icon": "external link",
    "url": "",
    "tags": [TAG],
    "asDropdown": True,
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
}
_BUILT_IN: Json = {
    "builtIn": 1,
    "name": "Annotations & Alerts",
    "type": "dashboard",
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "#56B4E9",
}


def _note(name: str, colour: str, query: Query) -> Json:
    return {
        "name": name,
        "datasource": _datasource(query),
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "target": {
            "refId": "annotationQuery",
            "query": query.text,
            "rawQuery": True,
            "queryType": "tags",
            "fromAnnotations": True,
            "textEditor": True,
            "titleColumn": "anomaly.phase",  # else the title is the first column: the time, as a number
            "textColumn": "message",
            "tagsColumn": "asset,series,watch,phase",
            "name": name,
        },
    }


def _panels(board: Board) -> list[Json]:
    out: list[Json] = []
    for number, (what, at) in enumerate(placed((row.title, row.panels) for row in board.rows), 1):
        place = {"h": at.h, "w": at.w, "x": at.x, "y": at.y}
        if isinstance(what, Panel):
            out.append(_panel(what, number, place))
        else:
            out.append({"id": number, "type": "row", "title": what, "collapsed": False, "gridPos": place, "panels": []})
    return out


def _panel(panel: Panel, number: int, place: Json) -> Json:
    steps = [{"value": value, "color": colour} for value, colour in panel.steps]
    out: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "gridPos": place,
        "datasource": _datasource(panel.queries[0]),
        "targets": [target_of(query, chr(ord("A") + i)) for i, query in enumerate(panel.queries)],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "noValue": panel.empty,
                "thresholds": {"mode": "absolute", "steps": steps},
                **panel.defaults,
                "custom": dict(panel.custom),
            },
            "overrides": list(panel.overrides),
        },
        "options": dict(panel.options),
    }
    if panel.transformations:
        out["transformations"] = list(panel.transformations)
    if panel.interval:
        out["interval"] = panel.interval
    if panel.repeat:
        out |= {"repeat": panel.repeat, "repeatDirection": "h", "maxPerRow": COLUMNS // panel.width}
    return out


def target_of(query: Query, ref: str) -> Json:
    """A query as a panel has it, under a letter."""
    common: Json = {"refId": ref, "datasource": _datasource(query)}
    if query.source == "prometheus":
        kind = "table" if query.form == "table" else "time_series"
        told = {"legendFormat": query.legend} if query.legend else {}
        return common | {
            "expr": query.text,
            "editorMode": "code",
            "format": kind,
            "instant": query.instant,
            "range": not query.instant,
            "exemplar": False,
            **told,
        }
    told = {"alias": query.legend} if query.legend else {}
    return common | {"query": query.text, "rawQuery": True, "resultFormat": query.form, **told}


def _datasource(query: Query) -> Json:
    return {"type": SOURCES[query.source][0], "uid": f"${{{query.source}}}"}
