"""`millstream board`: what is open, and where people have the last word, in a browser."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from schemas.errors import Retry
from streams.board.run import run_board
from streams.cli.common import clear_errors, fail, set_up_logging
from streams.settings import load_settings


def board(
    kafka: Annotated[str | None, typer.Option(help="Bootstrap servers; default: MILLSTREAM_KAFKA.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the pages; default: MILLSTREAM_BOARD_PORT.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Serve the web board: open episodes, mutes, proposed baselines, decisions; and the forms to decide with.

    In English, Malay and Traditional Chinese. It reads anomaly.v1 and audit.v1 and writes command.v1; it needs no
    store, and runs beside any number of workers and other boards.

    On this machine alone, http://127.0.0.1:8091, no password is asked for. For others to reach it, set
    MILLSTREAM_BOARD_HOST and MILLSTREAM_BOARD_PASSWORD_FILE, and MILLSTREAM_BOARD_CERT for HTTPS.

      MILLSTREAM_KAFKA=broker:9092 MILLSTREAM_GRAFANA_URL=http://127.0.0.1:3000 millstream board
    """
    with clear_errors():
        settings = load_settings(kafka=kafka, board_port=port, log_level=log_level)
        set_up_logging(settings.log_level)
        try:
            asyncio.run(run_board(settings, lambda url: print(f"the board is at {url}", flush=True)))
        except (Retry, KafkaError) as error:
            fail(str(error) or f"Kafka at {settings.kafka}: {error!r}", 1)
