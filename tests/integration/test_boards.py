"""Every query of every panel, mark and variable, asked of real servers that a simulated plant fed, gives rows."""

from __future__ import annotations

import asyncio

from grafana.boards.table import BOARDS
from tests.boards.quiet import direct, silent
from tests.boards.stand import stand
from tests.servers import InfluxServer, KafkaServer
from tests.servers.alerting_tools import Tools


async def test_every_query_of_every_board_gives_rows(
    real_kafka: KafkaServer, topic_prefix: str, influx: InfluxServer, influx_prefix: str, alerting_tools: Tools
) -> None:
    async with stand(real_kafka, topic_prefix, influx, influx_prefix, alerting_tools) as where:
        count = direct(where)
        found = [line for board in BOARDS.values() for line in await asyncio.to_thread(silent, where, board, count)]
    assert not found, "\n".join(found)
