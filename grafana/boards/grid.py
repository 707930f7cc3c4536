"""The grid: panels from left to right in 24 columns, below each other where they no longer fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from grafana.boards.panel import Panel

COLUMNS = 24


class Place(NamedTuple):
    """Of a panel, in columns and rows of 30 px."""

    x: int
    y: int
    w: int
    h: int


def placed(rows: Iterable[tuple[str, Sequence[Panel]]]) -> Iterator[tuple[str | Panel, Place]]:
    """Each row's title and panels with their places."""
    y = 0
    for title, panels in rows:
        yield title, Place(0, y, COLUMNS, 1)
        x, y, deepest = 0, y + 1, 0
        for panel in panels:
            if x + panel.width > COLUMNS:
                x, y, deepest = 0, y + deepest, 0
            yield panel, Place(x, y, panel.width, panel.height)
            x, deepest = x + panel.width, max(deepest, panel.height)
        y += deepest
