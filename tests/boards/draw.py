"""Panels drawn with matplotlib: the same colours, units, thresholds and limits, so that an eye can judge them."""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import FuncFormatter

from grafana.boards.panel import Panel
from grafana.boards.query import Query
from tests.boards.ask import Series
from tests.boards.fill import Span
from tests.boards.named import colour_of, name_of, written

Answers = Sequence[tuple[Query, list[Series]]]
TEXT, FAINT, SMALL = "#222222", "#888888", 6.5
_MOST_ROWS = 11


class Line(NamedTuple):
    """One drawn series: its name, times in ms, and values (a number, a text or None)."""

    name: str
    times: list[float]
    values: list[Any]


def draw(axes: Axes, panel: Panel, answers: Answers, span: Span, title: str) -> None:
    """One panel into its axes."""
    axes.set_title(textwrap.shorten(title, int(panel.width * 6.5)), fontsize=8, loc="left", color=TEXT)
    found = [line for query, series in answers for line in _lines(query, series)]
    if not any(one.rows for _, series in answers for one in series):
        axes.text(0.5, 0.5, panel.empty, ha="center", va="center", fontsize=8, color=FAINT, wrap=True)
        axes.set_axis_off()
    elif panel.kind == "timeseries":
        _timeseries(axes, panel, found, span)
    elif panel.kind == "state-timeline":
        _timeline(axes, panel, found, span)
    elif panel.kind == "table":
        _table(axes, panel, answers)
    elif panel.kind == "barchart":
        _waterfall(axes, panel, answers)
    else:
        _values(axes, panel, found)


def _lines(query: Query, series: list[Series]) -> list[Line]:
    out = []
    for one in series:
        times = [float(row[0]) for row in one.rows]
        for place, column in enumerate(one.columns[1:], 1):
            out.append(Line(name_of(query, one, column), times, [row[place] for row in one.rows]))
    return out


def _colours(panel: Panel) -> dict[str, str]:
    out = {}
    for override in panel.overrides:
        for each in override["properties"]:
            if each["id"] == "color" and "fixedColor" in each["value"]:
                out[override["matcher"]["options"]] = each["value"]["fixedColor"]
    return out


def _shade(place: int, of: int) -> tuple[float, ...]:
    blue = np.array(to_rgb("#0072B2"))
    part = (place + 1) / (of + 1)
    return tuple(blue * min(1.0, 2 * part) + (1 - blue) * max(0.0, 2 * part - 1) * 0.8)


def _when(times: Sequence[float]) -> Any:
    days: Any = dates.date2num(  # type: ignore[no-untyped-call]
        [datetime.datetime.fromtimestamp(ms / 1000, tz=datetime.UTC) for ms in times]
    )
    return days


def _clock(form: str) -> Any:
    return dates.DateFormatter(form)  # type: ignore[no-untyped-call]


def _threshold(panel: Panel, value: float) -> str:
    return next(colour for least, colour in reversed(list(panel.steps)) if least is None or value >= least)


def _is(panel: Panel, name: str, key: str) -> Any:
    """What an override says of a series."""
    for override in panel.overrides:
        if colour_of(name, {override["matcher"]["options"]: "x"}):
            for each in override["properties"]:
                if each["id"] == key:
                    return each["value"]
    return None


def _timeseries(axes: Axes, panel: Panel, found: list[Line], span: Span) -> None:
    colours = _colours(panel)
    bars, stacked = panel.custom["drawStyle"] == "bars", panel.custom["stacking"]["mode"] == "normal"
    width = span.interval / 86_400_000 * 0.8
    base: dict[float, float] = {}
    shown = 0
    for place, line in enumerate(found):
        points = [(t, v) for t, v in zip(line.times, line.values, strict=True) if isinstance(v, int | float)]
        if not points:
            continue
        shown += 1
        colour = colour_of(line.name, colours) or _shade(place, len(found))
        times, values = [t for t, _ in points], np.array([v for _, v in points], dtype=float)
        label = line.name if shown <= panel.width // 2 else None
        lows = np.array([base.get(t, 0.0) for t in times]) if stacked else np.zeros(len(times))
        if stacked:
            base.update({t: low + value for t, low, value in zip(times, lows, values, strict=True)})
        if bars:
            axes.bar(_when(times), values, width, bottom=lows, color=colour, label=label)
        elif _is(panel, line.name, "custom.drawStyle") == "points":
            axes.plot(_when(times), values, "o", ms=4, color=colour, label=label)
        elif stacked:
            axes.fill_between(_when(times), lows, lows + values, color=colour, alpha=0.5, label=label, lw=0)
        else:
            style = "--" if _is(panel, line.name, "custom.lineStyle") else "-"
            step = "steps-post" if panel.custom["lineInterpolation"] == "stepAfter" else "default"
            thin = 0.3 if _is(panel, line.name, "custom.lineWidth") == 0 else 0.9
            mark = "." if len(points) < 30 else ""
            axes.plot(_when(times), values, style + mark, ms=3, lw=thin, color=colour, label=label, drawstyle=step)
    _band(axes, found)
    if panel.custom["thresholdsStyle"]["mode"] != "off":
        for least, colour in panel.steps:
            if least is not None:
                axes.axhline(least, ls="--", lw=0.7, color=colour)
    scale = panel.custom.get("scaleDistribution")
    if scale:
        axes.set_yscale("symlog", linthresh=scale["linearThreshold"])
    axes.set_ylim(panel.defaults.get("min"), panel.defaults.get("max"))
    start, end = _extent(panel, found, span)
    axes.set_xlim(*_when([start, end]))
    _ticks(axes, panel, start, end)
    if shown and panel.options["legend"]["showLegend"]:
        columns = max(1, panel.width // 3)
        axes.legend(fontsize=5.5, ncol=columns, loc="upper left", bbox_to_anchor=(0, -0.09), frameon=False,
                    handlelength=1.2, columnspacing=1.0)  # fmt: skip


def _extent(panel: Panel, found: list[Line], span: Span) -> list[float]:
    """The time drawn: that of the board; of metrics alone, the minute for which this Prometheus has been there."""
    if all(query.source == "prometheus" for query in panel.queries):
        return [min(min(line.times) for line in found if line.times), span.end]
    return [span.start, span.end]


def _band(axes: Axes, found: list[Line]) -> None:
    ends = {line.name: line for line in found if line.name in ("low", "high")}
    if len(ends) == 2:
        low = dict(zip(ends["low"].times, ends["low"].values, strict=True))
        both = [(t, low[t], v) for t, v in zip(ends["high"].times, ends["high"].values, strict=True)
                if low.get(t) is not None and v is not None]  # fmt: skip
        axes.fill_between(_when([t for t, _, _ in both]), [lo for _, lo, _ in both], [hi for *_, hi in both],
                          color="#009E73", alpha=0.2, lw=0)  # fmt: skip


def _ticks(axes: Axes, panel: Panel, start: float, end: float) -> None:
    axes.tick_params(labelsize=SMALL, length=2, colors=TEXT)
    unit, decimals = panel.unit, panel.defaults.get("decimals")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(float(value), unit, decimals)))
    axes.xaxis.set_major_formatter(_clock("%H:%M" if end - start > 600_000 else "%H:%M:%S"))
    axes.grid(color="#EEEEEE", lw=0.5)


def _timeline(axes: Axes, panel: Panel, found: list[Line], span: Span) -> None:
    words = panel.defaults.get("mappings", [{"options": {}}])[0]["options"]
    end = _when([span.end])[0]
    for place, line in enumerate(found):
        times = [*_when(line.times), end]
        for i, value in enumerate(line.values):
            if value is None:
                continue
            if isinstance(value, str):
                colour = words.get(value, {}).get("color", "#0072B2")
            else:
                colour = _threshold(panel, value)
            axes.barh(place, times[i + 1] - times[i], left=times[i], height=0.85, color=colour, lw=0)
    axes.set_yticks(range(len(found)), [line.name for line in found], fontsize=5.5)
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_xlim(*_when([span.start, span.end]))
    axes.xaxis.set_major_formatter(_clock("%H:%M"))
    axes.tick_params(labelsize=SMALL, length=2)


def _last(line: Line) -> float | None:
    known = [value for value in line.values if isinstance(value, int | float)]
    return float(known[-1]) if known else None


def _values(axes: Axes, panel: Panel, found: list[Line]) -> None:
    told = [(line.name, value) for line in found if (value := _last(line)) is not None]
    colours, decimals = _colours(panel), panel.defaults.get("decimals")
    if panel.kind == "stat":
        axes.set_axis_off()
        for place, (name, value) in enumerate(told[:8]):
            x = (place + 0.5) / min(len(told), 8)
            colour = colour_of(name, colours) or _threshold(panel, value)
            axes.text(
                x, 0.55, written(value, panel.unit, decimals), ha="center", va="center", fontsize=14, color=colour
            )
            if len(told) > 1:
                axes.text(x, 0.12, textwrap.shorten(name, 24), ha="center", fontsize=6, color=TEXT)
        return
    told = told[:24]
    shades = [colour_of(name, colours) or _threshold(panel, value) for name, value in told]
    axes.barh(range(len(told)), [value for _, value in told], color=shades)
    for place, (_, value) in enumerate(told):
        axes.text(value, place, " " + written(value, panel.unit, decimals), va="center", fontsize=6)
    axes.set_yticks(range(len(told)), [textwrap.shorten(name, 40) for name, _ in told], fontsize=6)
    axes.set_ylim(len(told) - 0.4, -0.6)
    axes.set_xlim(panel.defaults.get("min"), panel.defaults.get("max"))
    axes.tick_params(labelsize=SMALL, length=2)


def _waterfall(axes: Axes, panel: Panel, answers: Answers) -> None:
    """Each query's bar, from where the one before ended."""
    label = panel.options["xField"]
    told = next(p["value"] for o in panel.overrides if o["matcher"]["options"] == label for p in o["properties"]
                if p["id"] == "mappings")[0]["options"]  # fmt: skip
    rows = [(one.tags[label], float(row[1])) for _, series in answers for one in series for row in one.rows]
    end = 0.0
    for place, (name, value) in enumerate(rows):
        axes.bar(place, value, bottom=end, color=told[name]["color"], width=0.9)
        end += value
        axes.text(place, end, written(value, panel.unit, panel.defaults.get("decimals")), ha="center", fontsize=6)
    axes.set_xticks(range(len(rows)), [textwrap.fill(told[name]["text"], 10) for name, _ in rows], fontsize=6)
    axes.set_ylim(0, end * 1.12 if end > 0 else None)
    axes.tick_params(labelsize=SMALL, length=2)


def _table(axes: Axes, panel: Panel, answers: Answers) -> None:
    axes.set_axis_off()
    names = _names(panel)
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for place, (_, series) in enumerate(answers):
        for one in series:
            for row in one.rows:
                cells = dict(one.tags) | {"Time": row[0]} | dict(zip(one.columns[1:], row[1:], strict=True))
                if len(answers) > 1:
                    cells[f"Value #{chr(65 + place)}"] = cells.pop("Value", None)
                key = tuple(one.tags.values()) if len(answers) > 1 else (str(len(rows)),)
                rows.setdefault(key, {}).update(cells)
    sort = next((one["options"]["sort"][0]["field"] for one in panel.transformations if one["id"] == "sortBy"), None)
    source = next((name for name, called in names.items() if called == sort), None)
    ordered = list(rows.values())
    if source:
        down = next(one["options"]["sort"][0]["desc"] for one in panel.transformations if one["id"] == "sortBy")
        ordered.sort(key=lambda row: (row.get(source) is not None, row.get(source) or 0), reverse=down)
    most = max(3, min(_MOST_ROWS, int(panel.height * 1.35) - 2))
    shown = [
        [written(row.get(name), _unit(panel, called), _is(panel, called, "decimals")) for name, called in names.items()]
        for row in ordered[:most]
    ]
    widths = [max(len(text) for text in column) + 2 for column in zip(list(names.values()), *shown, strict=True)]
    budget = panel.width * 7
    widths = [min(width, max(8, budget - sum(widths) + width)) for width in widths]
    for line, told in enumerate([list(names.values()), *shown]):
        x = 0.0
        for cell, width in zip(told, widths, strict=True):
            weight = "bold" if line == 0 else "normal"
            axes.text(x, 1 - (line + 0.5) / (most + 1), cell[: width - 1], fontsize=6, weight=weight, va="center",
                      family="monospace", color=TEXT)  # fmt: skip
            x += width / max(sum(widths), budget)
    if len(ordered) > most:
        axes.text(1, -0.02, f"{len(ordered) - most} more", ha="right", fontsize=6, color=FAINT)


def _unit(panel: Panel, column: str) -> str:
    found = _is(panel, column, "unit")
    if found is not None:
        return str(found)
    of_numbers = next(each for each in panel.overrides if each["matcher"] == {"id": "byType", "options": "number"})
    return str(of_numbers["properties"][0]["value"]) if column in _value_columns(panel) else "none"


def _value_columns(panel: Panel) -> set[str]:
    """Columns that hold what was asked for, and not the names of it."""
    of_tags = {
        "Time", "site", "area", "line", "asset", "series", "watch", "phase", "product", "kind", "message",
        "contribution",
    }  # fmt: skip
    return {called for name, called in _names(panel).items() if name not in of_tags}


def _names(panel: Panel) -> dict[str, str]:
    """Columns of a table, with what they are called."""
    organize = next(one["options"] for one in panel.transformations if one["id"] == "organize")
    return {str(name): str(called) for name, called in organize["renameByName"].items()}
