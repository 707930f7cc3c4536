"""Panels: one function a kind; a panel says what it answers, in what unit, and what it means that nothing is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from grafana.boards.colours import BLUE, GREEN, PURPLE
from grafana.boards.query import Query

Json = dict[str, Any]
Steps = Sequence[tuple[float | None, str]]
"""Thresholds: from this value on, this colour; the first has None."""

NOTHING = "Nothing in the time shown"
MINUTES = "suffix: min"
"""Minutes that stay minutes: of its own unit Grafana makes hours and days, rounded."""
_PLAIN: Steps = ((None, BLUE),)
_NONE: Mapping[str, Any] = MappingProxyType({})


class Panel(NamedTuple):
    """A panel without its place; `width` is of 24 columns, `height` of rows of 30 px."""

    kind: str
    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str
    width: int = 12
    height: int = 8
    empty: str = NOTHING
    steps: Steps = _PLAIN
    defaults: Mapping[str, Any] = _NONE
    custom: Mapping[str, Any] = _NONE
    options: Mapping[str, Any] = _NONE
    overrides: tuple[Json, ...] = ()
    transformations: tuple[Json, ...] = ()
    repeat: str = ""
    interval: str = ""
    """Shortest interval between two points, such as 10m."""


def _no_words(instead: str | None) -> Json:
    """What an empty panel says is said of the panel, and not in each cell, or of each line, without a value."""
    return {"matcher": {"id": "byRegexp", "options": "/.*/"}, "properties": [{"id": "noValue", "value": instead}]}


def lines(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    colours: Mapping[str, str] | None = None,
    styles: Mapping[str, Json] | None = None,
    lines_at: Steps = (),
    stacked: bool = False,
    bars: bool = False,
    steps: bool = False,
    custom: Json | None = None,
    low: float | None = None,
    high: float | None = None,
    decimals: int | None = None,
    legend: bool = True,
    **place: Any,
) -> Panel:
    """Values over time. `colours` are by name of the series, `styles` further settings; `lines_at` draws limits."""
    drawn: Json = {
        "drawStyle": "bars" if bars else "line",
        "lineWidth": 1,
        "fillOpacity": 70 if bars else 20 if stacked else 0,
        "showPoints": "auto",
        "pointSize": 4,
        "spanNulls": False,
        "lineInterpolation": "stepAfter" if steps else "linear",
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if lines_at else "off"},
    }
    overrides = [_no_words(None)]
    overrides += [_override(name, {"color": fixed(colour)}) for name, colour in (colours or {}).items()]
    overrides += [_override(name, style) for name, style in (styles or {}).items()]
    defaults: Json = {"color": {"mode": "shades", "fixedColor": BLUE}}
    bounds = {"min": low, "max": high, "decimals": decimals}
    options: Json = {
        "legend": {"showLegend": legend, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Panel(
        "timeseries", title, description, queries, unit, steps=lines_at or _PLAIN,
        defaults=defaults | {name: value for name, value in bounds.items() if value is not None},
        custom=drawn | (custom or {}), options=options, overrides=tuple(overrides), **place,
    )  # fmt: skip


def stat(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    steps: Steps = _PLAIN,
    colours: Mapping[str, str] | None = None,
    spark: bool = False,
    decimals: int | None = None,
    **place: Any,
) -> Panel:
    """Newest values, large; `spark` draws how they came about."""
    options: Json = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "area" if spark else "none",
        "textMode": "value_and_name" if len(queries) > 1 or queries[0].legend else "value",
        "justifyMode": "center",
        "orientation": "auto",
    }
    overrides = tuple(_override(name, {"color": fixed(colour)}) for name, colour in (colours or {}).items())
    defaults: Json = {"color": {"mode": "thresholds"}} | ({} if decimals is None else {"decimals": decimals})
    return Panel(
        "stat", title, description, queries, unit, steps=steps, defaults=defaults, options=options,
        overrides=overrides, **({"width": 4, "height": 4} | place),
    )  # fmt: skip


def ranking(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    steps: Steps = _PLAIN,
    colours: Mapping[str, str] | None = None,
    calc: str = "lastNotNull",
    low: float | None = 0.0,
    high: float | None = None,
    decimals: int | None = None,
    **place: Any,
) -> Panel:
    """A bar for each series, longest where its value is largest."""
    options: Json = {
        "reduceOptions": {"calcs": [calc], "fields": "", "values": False},
        "displayMode": "basic",
        "orientation": "horizontal",
        "showUnfilled": True,
        "valueMode": "text",
        "namePlacement": "left",
        "sizing": "auto",
        "minVizHeight": 16,
        "minVizWidth": 8,
        "maxVizHeight": 40,
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
    }
    bounds = {"min": low, "max": high, "decimals": decimals}
    defaults: Json = {"color": {"mode": "thresholds"}}
    overrides = tuple(_override(name, {"color": fixed(colour)}) for name, colour in (colours or {}).items())
    return Panel(
        "bargauge", title, description, queries, unit, steps=steps, options=options, overrides=overrides,
        defaults=defaults | {name: value for name, value in bounds.items() if value is not None}, **place,
    )  # fmt: skip


def waterfall(
    title: str, description: str, *queries: Query, unit: str, bars: Mapping[str, tuple[str, str]], label: str,
    decimals: int | None = None, **place: Any,
) -> Panel:  # fmt: skip
    """Bars that each begin where the one before ended; each query is a bar.

    A query gives a row with the column `value` and one, `label`, that names it; `bars` says what each name is called,
    and its colour. Grafana has no such panel: bars stand on ones that are not seen, of what came before.
    """
    told: list[Json] = [
        {"id": "merge", "options": {}},
        _calculated("end", {"mode": "cumulativeFunctions", "cumulative": {"field": "value", "reducer": "sum"}}),
        _calculated("begin", {"mode": "binary", "binary": {"left": "end", "operator": "-", "right": "value"}}),
        {"id": "filterFieldsByName", "options": {"include": {"names": [label, "begin", "value"]}}},
        {"id": "organize", "options": {
            "indexByName": {label: 0, "begin": 1, "value": 2}, "renameByName": {}, "excludeByName": {},
        }},
    ]  # fmt: skip
    mapped = {
        name: {"text": text, "color": colour, "index": i} for i, (name, (text, colour)) in enumerate(bars.items())
    }
    unseen = {
        "custom.fillOpacity": 0, "custom.lineWidth": 0,
        "custom.hideFrom": {"legend": True, "tooltip": True, "viz": False},
    }  # fmt: skip
    names = {"mappings": [{"type": "value", "options": mapped}], "unit": "string"}
    defaults: Json = {"color": {"mode": "fixed", "fixedColor": BLUE}}
    return Panel(
        "barchart", title, description, queries, unit, transformations=tuple(told),
        defaults=defaults | ({} if decimals is None else {"decimals": decimals}),
        custom={"fillOpacity": 90, "lineWidth": 0, "axisGridShow": True},
        options={
            "xField": label, "colorByField": label, "orientation": "auto", "stacking": "normal", "barWidth": 0.9,
            "groupWidth": 0.9, "showValue": "never", "xTickLabelRotation": 0, "xTickLabelSpacing": 0,
            "fullHighlight": False,
            "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "single", "sort": "none"},
        },
        overrides=(_override("begin", unseen), _override(label, names)), **place,
    )  # fmt: skip


def _calculated(name: str, how: Json) -> Json:
    """A column more, made of others."""
    return {"id": "calculateField", "options": {**how, "alias": name, "replaceFields": False}}


def timeline(
    title: str, description: str, *queries: Query, colours: Mapping[str, str], steps: Steps = _PLAIN, **place: Any
) -> Panel:
    """States over time, a row for each series; `colours` are by what the state is called, `steps` by its number."""
    mapped = {word: {"color": colour, "index": i} for i, (word, colour) in enumerate(colours.items())}
    defaults: Json = {"color": {"mode": "thresholds"}}
    if mapped:
        defaults["mappings"] = [{"type": "value", "options": mapped}]
    options: Json = {
        "mergeValues": True,
        "showValue": "never",
        "alignValue": "left",
        "rowHeight": 0.85,
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel(
        "state-timeline", title, description, queries, "none", steps=steps, defaults=defaults,
        custom={"fillOpacity": 90, "lineWidth": 0}, options=options, **place,
    )  # fmt: skip


def table(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    names: Mapping[str, str],
    fields: Mapping[str, Json] | None = None,
    sort: str = "",
    rising: bool = False,
    most: int = 0,
    steps: Steps = _PLAIN,
    **place: Any,
) -> Panel:
    """A table: `names` are its columns, in order, with what they are called; what is not named is not shown.

    `fields` are settings of single columns, by what these are called; rows are sorted by `sort`, largest first
    unless `rising`.
    """
    order = {name: i for i, name in enumerate(names)}
    # as the unit of all columns it would be put to names as well: line "1" would be 100 %
    numbers: Json = {"matcher": {"id": "byType", "options": "number"}, "properties": [{"id": "unit", "value": unit}]}
    single = (_override(name, settings) for name, settings in (fields or {}).items())
    told: list[Json] = [
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"names": list(names)}}},
        {"id": "organize", "options": {"indexByName": order, "renameByName": dict(names), "excludeByName": {}}},
    ]
    if sort:
        told.append({"id": "sortBy", "options": {"fields": {}, "sort": [{"field": sort, "desc": not rising}]}})
    if most:
        told.append({"id": "limit", "options": {"limitField": most}})
    return Panel(
        "table", title, description, queries, "string", steps=steps, transformations=tuple(told),
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": True},
        options={"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": [], "fields": ""}},
        overrides=(_no_words(""), numbers, *single), **place,
    )  # fmt: skip


def fixed(colour: str) -> Json:
    """One colour, whatever the value."""
    return {"mode": "fixed", "fixedColor": colour}


def to_board(uid: str, *variables: str, also: str = "") -> Json:
    """Settings of a column whose cells lead to a board, with the row's own place for variables and the same time."""
    chosen = "".join(f"&var-{name}=${{__data.fields.{name}}}" for name in variables)
    url = f"/d/{uid}?${{__url_time_range}}{chosen}{also}"
    return {"links": [{"title": "Open the board of it", "url": url, "targetBlank": False}]}


COLOURED = {"custom.cellOptions": {"type": "color-text"}}
"""A column whose numbers have the colour of their threshold."""

BAND: dict[str, Json] = {
    "expected": {"color": fixed(GREEN), "custom.lineStyle": {"fill": "dash", "dash": [8, 4]}},
    "low": {
        "color": fixed(GREEN),
        "custom.lineWidth": 0,
        "custom.hideFrom": {"legend": True, "tooltip": False, "viz": False},
    },
    "high": {"color": fixed(GREEN), "custom.lineWidth": 0, "custom.fillBelowTo": "low", "custom.fillOpacity": 20},
}
"""Looks of an expected value and of the band around it."""


DASHED: dict[str, Json] = {
    name: {"color": fixed(PURPLE), "custom.lineStyle": {"fill": "dash", "dash": dash}}
    for name, dash in (("forecast", [8, 4]), ("low", [2, 4]), ("high", [2, 4]))
}
"""Looks of forecasts of several things, each with its interval."""


def _override(name: str, settings: Mapping[str, Any]) -> Json:
    # a name between slashes is a regular expression, as everywhere in Grafana
    kind = "byRegexp" if name.startswith("/") else "byName"
    properties = [{"id": key, "value": value} for key, value in settings.items()]
    return {"matcher": {"id": kind, "options": name}, "properties": properties}
