"""`millstream topics` and `millstream store init`: make what the worker needs."""

from __future__ import annotations

from typing import Annotated

import typer

from schemas.errors import Misconfigured, Retry
from streams.cli.common import clear_errors, fail
from streams.settings import load_settings
from streams.sinks.store_init import init_store
from streams.topics import check_topics, ensure_topics


def topics(
    check: Annotated[bool, typer.Option("--check", help="Only say what is missing or differs; exit 1 if so.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Also set configurations that differ.")] = False,
    replication: Annotated[int, typer.Option(min=1, help="Copies of each partition (3 on a real cluster).")] = 1,
    partitions: Annotated[int | None, typer.Option(min=1, help="Default: MILLSTREAM_PARTITIONS, else 12.")] = None,
    kafka: Annotated[str | None, typer.Option(help="Bootstrap servers; default: MILLSTREAM_KAFKA.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Before every topic's name; default: MILLSTREAM_PREFIX.")] = None,
) -> None:
    """Make the topics that are missing, and show what differs from what they should be.

    MILLSTREAM_KAFKA=broker:9092 millstream topics --replication 3
    """
    with clear_errors():
        settings = load_settings(kafka=kafka, prefix=prefix, partitions=partitions)
        try:
            if check:
                faults = check_topics(settings.kafka, settings.prefix, settings.partitions)
                print("\n".join(faults) or "all topics are as they should be")
                raise typer.Exit(1 if faults else 0)
            for line in ensure_topics(settings.kafka, settings.prefix, settings.partitions, replication, fix):
                print(line)
        except Retry as error:
            fail(str(error), 1)


store = typer.Typer(no_args_is_help=True, help="The store of results.")


@store.callback()
def _store() -> None:
    """The store of results."""


@store.command()
def init() -> None:
    """Make the two InfluxDB buckets (raw, kept 30 days; main, kept for ever) where they are missing.

    MILLSTREAM_INFLUX_TOKEN_FILE=token millstream store init
    """
    with clear_errors():
        settings = load_settings()
        if settings.influx_token is None:
            raise Misconfigured("MILLSTREAM_INFLUX_TOKEN (or MILLSTREAM_INFLUX_TOKEN_FILE) must hold an InfluxDB token")
        try:
            ca = str(settings.influx_ca) if settings.influx_ca else None
            args = (settings.influx_url, settings.influx_token, settings.influx_org, settings.influx_prefix, ca)
            for line in init_store(*args):
                print(line)
        except Retry as error:
            fail(str(error), 1)
