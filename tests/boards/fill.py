"""Variables of boards filled in as Grafana fills them in, for InfluxQL and for PromQL alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from grafana.boards.board import Board
from grafana.boards.variables import Choice, Variable

Values = Mapping[str, Sequence[str] | str]
"""By variable: its chosen values, or one text that stands as it is (what All is)."""

_SPECIAL = re.compile(r"[\\^$*+?.()|\[\]{}/]")


class Span(NamedTuple):
    """The time shown, in ms since the epoch, and the interval between two points in ms."""

    start: int
    end: int
    interval: int


_NICE = [1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000]


def span_of(board: Board, now_s: float, points: int = 300, least: str = "") -> Span:
    """The time that a board shows at first."""
    since = re.fullmatch(r"now-(\d+)([hd])", board.since)
    assert since is not None, board.since
    length = int(since[1]) * (3_600_000 if since[2] == "h" else 86_400_000)
    end = int(now_s * 1000)
    wanted = max(length / points, duration_ms(least) if least else 0)
    return Span(end - length, end, next((nice for nice in _NICE if nice >= wanted), _NICE[-1]))


def duration_ms(text: str) -> int:
    """Of a duration such as 10m.

    >>> duration_ms("10m"), duration_ms("1h")
    (600000, 3600000)
    """
    return int(text[:-1]) * {"s": 1_000, "m": 60_000, "h": 3_600_000}[text[-1]]


def filled(text: str, values: Values, span: Span) -> str:
    """A query as it reaches the data source."""
    text = text.replace("$timeFilter", f"time >= {span.start}ms and time <= {span.end}ms")
    seconds = span.interval // 1000
    text = text.replace("$__rate_interval", f"{max(4, seconds + 1)}s").replace("$__interval", f"{seconds}s")
    text = text.replace("$__range", f"{(span.end - span.start) // 1000}s")
    return chosen_filled(text, values)


def chosen_filled(text: str, values: Values) -> str:
    """A query with its variables filled in alone; what goes by the time shown is left as it is."""
    for name in sorted(values, key=len, reverse=True):
        chosen = values[name]
        text = text.replace(f"${{{name}:regex}}", chosen if isinstance(chosen, str) else _many(chosen))
    return text


def _many(values: Sequence[str]) -> str:
    """Grafana's format `regex`.

    >>> print(_many(["a.b"]), _many(["a/b", "c"]))
    a\\.b (a\\/b|c)
    """
    escaped = [_SPECIAL.sub(lambda m: "\\" + m[0], value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def all_of(variables: Sequence[Variable | Choice]) -> dict[str, Sequence[str] | str]:
    """What is chosen at first: all, or of a choice its own."""
    return {each.name: each.chosen if isinstance(each, Choice) else ".*" for each in variables}
