"""Which queries of boards give no rows though they should, or rows though they are said to give none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from grafana.boards.board import Board
from grafana.boards.query import Query
from grafana.boards.variables import Choice
from tests.boards.ask import Refused, ask, values_of
from tests.boards.chosen import chosen_values
from tests.boards.fill import Span, Values, all_of, span_of
from tests.boards.stand import Stand

Count = Callable[[Query, Values, Span], int]
"""Rows that a query gives; raises Refused."""

QUIET = {
    ("Of which severity are they?", '"severity" < 201'): "an episode opens at 201; lower only where a watch says so",
    ("Does the store take what it is given?", "retries"): "a sink has a series only from its first failure on",
    ("How much compressed air leaks?", "leak_share"): "the plant is planned to work round the clock",
    ("When does the first certificate end?", "certificate"): "the stand has no TLS",
}
"""Panel and part of its query that gives no rows here, and why."""


def direct(where: Stand) -> Count:
    """Asks the servers themselves."""
    return lambda query, values, span: sum(len(series.rows) for series in ask(where, query, values, span))


def silent(where: Stand, board: Board, count: Count) -> list[str]:
    """What gives no rows, or is refused, though it should; and what does, though it is said not to.

    Asked twice: with All chosen, and with all values chosen one by one.
    """
    span = span_of(board, where.now_s)
    every = all_of(board.variables)
    listed = dict(every)
    for variable in board.variables:
        if not isinstance(variable, Choice):
            found = values_of(where, variable.source, variable.query, every, span)
            if not found:
                return [f"{board.title}: variable {variable.name} has no values"]
            listed[variable.name] = found if variable.multi else [chosen_values(variable.name, found)]
            every[variable.name] = ".*" if variable.multi else listed[variable.name]
    return [line for values in (every, listed) for line in _silent(where, board, values, count)]


def _silent(where: Stand, board: Board, values: Values, count: Count) -> Iterator[str]:
    for title, query, least in _queries(board):
        try:
            rows = count(query, values, span_of(board, where.now_s, least=least))
        except Refused as error:
            yield f"{board.title} / {title}: {error}"
            continue
        if bool(rows) == _quiet(title, query) and not _depends(where, query):
            yield f"{board.title} / {title}: {rows} rows of {query.text}"


def _queries(board: Board) -> Iterator[tuple[str, Query, str]]:
    """Title, query and shortest interval."""
    for row in board.rows:
        for panel in row.panels:
            yield from ((panel.title, query, panel.interval) for query in panel.queries)
    yield from ((name, query, "") for name, _, query in board.notes)


def _quiet(title: str, query: Query) -> bool:
    return any(panel == title and part in query.text for panel, part in QUIET)


def _depends(where: Stand, query: Query) -> bool:
    """Whether it is a forecast of a demand window that has just begun: there may be one or not."""
    return where.young and any(name in query.text for name in ("demand_forecast_watts", "demand_shed", "demand_risk"))
