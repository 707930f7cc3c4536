"""Every query of every panel, mark and variable, asked of real servers that a simulated plant fed, gives rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from grafana.boards.board import Board
from grafana.boards.query import Query
from grafana.boards.table import BOARDS
from grafana.boards.variables import Choice
from tests.boards.ask import Refused, ask, values_of
from tests.boards.chosen import chosen_values
from tests.boards.fill import Values, all_of, span_of
from tests.boards.stand import Stand, stand
from tests.servers import InfluxServer, KafkaServer
from tests.servers.alerting_tools import Tools

QUIET = {
    ("Of which severity are they?", '"severity" < 201'): "an episode opens at 201; lower only where a watch says so",
    ("Does the store take what it is given?", "retries"): "a sink has a series only from its first failure on",
    ("How much compressed air leaks?", "leak_share"): "the plant is planned to work round the clock",
    ("When does the first certificate end?", "certificate"): "the stand has no TLS",
}
"""Panel and part of its query that gives no rows here, and why."""


def queries(board: Board) -> Iterator[tuple[str, Query, str]]:
    """Title, query and shortest interval."""
    for row in board.rows:
        for panel in row.panels:
            yield from ((panel.title, query, panel.interval) for query in panel.queries)
    yield from ((name, query, "") for name, _, query in board.notes)


def why_quiet(title: str, query: Query) -> str | None:
    return next((why for (panel, part), why in QUIET.items() if panel == title and part in query.text), None)


def depends(where: Stand, query: Query) -> bool:
    """Whether it is a forecast of a demand window that has just begun: there may be one or not."""
    return where.young and any(name in query.text for name in ("demand_forecast_watts", "demand_shed", "demand_risk"))


def silent(where: Stand, board: Board) -> list[str]:
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
    return [*_silent(where, board, every), *_silent(where, board, listed)]


def _silent(where: Stand, board: Board, values: Values) -> Iterator[str]:
    for title, query, least in queries(board):
        try:
            answer = ask(where, query, values, span_of(board, where.now_s, least=least))
        except Refused as error:
            yield f"{board.title} / {title}: {error}"
            continue
        rows = sum(len(series.rows) for series in answer)
        if bool(rows) == bool(why_quiet(title, query)) and not depends(where, query):
            yield f"{board.title} / {title}: {rows} rows of {query.text}"


async def test_every_query_of_every_board_gives_rows(
    real_kafka: KafkaServer, topic_prefix: str, influx: InfluxServer, influx_prefix: str, alerting_tools: Tools
) -> None:
    async with stand(real_kafka, topic_prefix, influx, influx_prefix, alerting_tools) as where:
        found = [line for board in BOARDS.values() for line in await asyncio.to_thread(silent, where, board)]
    assert not found, "\n".join(found)
