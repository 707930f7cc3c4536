"""`python -m tests.boards.sheet`: pictures of every board on live servers, to see what is empty, or out of scale.

The same grid, queries, units and thresholds as in Grafana; the looks are matplotlib's. Needs Kafka and InfluxDB as the
integration tests do, and Prometheus as `python -m tests.servers prepare` makes it. Pictures go to out/boards/.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from grafana.boards.board import Board
from grafana.boards.grid import COLUMNS, placed
from grafana.boards.panel import Panel
from grafana.boards.table import BOARDS
from grafana.boards.variables import Choice
from tests.boards.ask import Refused, Series, ask, values_of
from tests.boards.chosen import chosen_values
from tests.boards.draw import draw
from tests.boards.fill import all_of, span_of
from tests.boards.stand import Stand, stand
from tests.servers.alerting_tools import prepared
from tests.servers.fleet import Fleet

OUT = Path(__file__).resolve().parents[2] / "out" / "boards"
WIDTH_PX, ROW_PX, DPI = 1366, 38, 110
REPEATS = 4
"""Of a panel that is repeated, so many are drawn."""

_MARGIN = {"timeseries": 1.05, "state-timeline": 2.2, "bargauge": 2.2}
"""Columns left of a plot for what stands beside its axis."""

Scoped = dict[str, list[str]]


def expanded(board: Board, values: dict[str, list[str]]) -> tuple[list[tuple[str, list[Panel]]], dict[int, Scoped]]:
    """Rows with repeated panels spread out, and by panel (its id in Python) what its repeat stands for."""
    scoped: dict[int, Scoped] = {}
    rows = []
    for row in board.rows:
        panels: list[Panel] = []
        for panel in row.panels:
            over = values.get(panel.repeat, [""])[:REPEATS] if panel.repeat else [""]
            for value in over:
                title = panel.title.replace(f"${panel.repeat}", value) if panel.repeat else panel.title
                width = COLUMNS // min(len(over), COLUMNS // panel.width) if panel.repeat else panel.width
                one = panel._replace(title=title, width=width)
                panels.append(one)
                scoped[id(one)] = {panel.repeat: [value]} if panel.repeat else {}
        rows.append((row.title, panels))
    return rows, scoped


def picture(where: Stand, board: Board) -> Path:
    """Draw one board."""
    span = span_of(board, where.now_s)
    chosen = all_of(board.variables)
    known: dict[str, list[str]] = {}
    for variable in board.variables:
        if isinstance(variable, Choice):
            continue
        found = values_of(where, variable.source, variable.query, chosen, span)
        known[variable.name] = found
        if not variable.multi and found:
            chosen[variable.name] = [chosen_values(variable.name, found)]
    known["series"] = sorted(known.get("series", []), key=lambda name: "zone6_temp" not in name)
    rows, scoped = expanded(board, known)
    places = list(placed(rows))
    height = max(at.y + at.h for _, at in places)
    figure = Figure(figsize=(WIDTH_PX / DPI, (height + 1) * ROW_PX / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    figure.text(0.005, 1 - 0.5 / (height + 1), f"{board.title}   ({board.since} to now)", fontsize=10, va="center")
    for what, at in places:
        top = 1 - (at.y + 1) / (height + 1)
        if not isinstance(what, Panel):
            figure.text(0.005, top - 0.5 / (height + 1), f"v {what}", fontsize=9, weight="bold", va="center")
            continue
        left = _MARGIN.get(what.kind, 0.35) / COLUMNS
        bottom, tall = top - (at.h - 0.9) / (height + 1), (at.h - 1.7) / (height + 1)
        box = (at.x / COLUMNS + left, bottom, at.w / COLUMNS - left - 0.006, tall)
        axes = figure.add_axes(box)
        panel_span = span_of(board, where.now_s, least=what.interval)
        answers = []
        for query in what.queries:
            try:
                found_series: list[Series] = ask(where, query, chosen | scoped[id(what)], panel_span)
            except Refused as error:
                print(f"{board.title} / {what.title}: {error}")
                found_series = []
            answers.append((query, found_series))
        draw(axes, what, answers, panel_span, what.title)
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{board.uid}.png"
    figure.savefig(path)
    return path


async def _run() -> None:
    mpl.use("Agg")
    fleet = Fleet()
    name = f"t{uuid.uuid4().hex[:8]}."
    try:
        async with stand(fleet.kafka.get(), name, fleet.influx.get(), name, prepared()) as where:
            for path in await asyncio.to_thread(lambda: list(_all(where))):
                print(path)
    finally:
        fleet.close()


def _all(where: Stand) -> Iterator[Path]:
    for board in BOARDS.values():
        yield picture(where, board)


if __name__ == "__main__":
    asyncio.run(_run())
