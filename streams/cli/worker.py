"""`millstream worker`: judge readings from Kafka until told to stop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from schemas.errors import Retry
from streams.cli.common import clear_errors, fail, set_up_logging, site_of
from streams.run import run_worker
from streams.settings import load_settings


def worker(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Site file; default: the default site.")] = None,
    kafka: Annotated[str | None, typer.Option(help="Bootstrap servers; default: MILLSTREAM_KAFKA.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of /metrics and the rest; default: MILLSTREAM_PORT.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Judge the readings on Kafka; results go to the topics, to the sink, and to /metrics.

    SIGHUP reads the site file again and puts it into force, without a restart; a wrong file changes nothing.

    Everything else is environment: MILLSTREAM_KAFKA, MILLSTREAM_CONTROL_KEY, MILLSTREAM_INFLUX_URL,
    MILLSTREAM_INFLUX_TOKEN, MILLSTREAM_SINK, MILLSTREAM_HOST, ... (see docs/settings.md); each may be given as
    ..._FILE, naming a file that holds it.

      MILLSTREAM_CONTROL_KEY_FILE=key MILLSTREAM_SINK=sqlite millstream worker --config site.toml
    """
    with clear_errors():
        site = site_of(config)
        settings = load_settings(kafka=kafka, port=port, log_level=log_level)
        set_up_logging(settings.log_level)
        try:
            asyncio.run(run_worker(settings, site, read_again=lambda: site_of(config)))
        except (Retry, KafkaError) as error:
            fail(str(error) or f"Kafka at {settings.kafka}: {error!r}", 1)
