"""`millstream topics` and `millstream store init`: make what the worker needs."""

from __future__ import annotations

from typing import Annotated

import typer

from schemas.errors import Misconfigured, Retry
from streams.access import check_access
from streams.acl import acl_lines
from streams.cli.common import clear_errors, fail
from streams.grow import grow as grow_topics
from streams.security import kafka_python_options
from streams.settings import load_settings
from streams.topics import check_topics, ensure_topics


def topics(
    check: Annotated[bool, typer.Option("--check", help="Only say what is missing or differs; exit 1 if so.")] = False,
    acl: Annotated[
        bool, typer.Option("--acl", help="Only print who needs which right, on Kafka and InfluxDB.")
    ] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Also set configurations that differ.")] = False,
    grow: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Raise the partitions to N, while all workers are stopped.")
    ] = None,
    replication: Annotated[int, typer.Option(min=1, help="Copies of each partition (3 on a real cluster).")] = 1,
    partitions: Annotated[int | None, typer.Option(min=1, help="Default: MILLSTREAM_PARTITIONS, else 12.")] = None,
    kafka: Annotated[str | None, typer.Option(help="Bootstrap servers; default: MILLSTREAM_KAFKA.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Before every topic's name; default: MILLSTREAM_PREFIX.")] = None,
) -> None:
    """Make the topics that are missing, and show what differs from what they should be.

      MILLSTREAM_KAFKA=broker:9092 millstream topics --replication 3

    --grow N gives the topics N partitions, and moves what was learned of each
    asset to the partition where its readings go from then on. Open episodes
    stay open, and nothing is told twice. Stop the gateways, let the workers
    reach lag 0 (millstream_lag_records), stop them, grow, and start them with
    N partitions. Whoever reads anomalies or key figures should have reached
    the end, since lines change their partition. It says what is in its way,
    and a run that was cut off is simply run again.

      MILLSTREAM_CONTROL_KEY_FILE=key millstream topics --grow 24

      MILLSTREAM_CONTROL_KEY_FILE=key MILLSTREAM_PARTITIONS=24 millstream worker --config site.toml
    """
    with clear_errors():
        settings = load_settings(kafka=kafka, prefix=prefix, partitions=partitions)
        if acl:
            print("\n".join(acl_lines(settings)))
            return
        options = kafka_python_options(settings)
        try:
            check_access(settings, "admin" if grow else None)
            if grow:
                grow_topics(settings, grow, lambda line: print(line, flush=True))
                return
            if check:
                faults = check_topics(settings.kafka, settings.prefix, settings.partitions, client_options=options)
                print("\n".join(faults) or "all topics are as they should be")
                raise typer.Exit(1 if faults else 0)
            for line in ensure_topics(
                settings.kafka, settings.prefix, settings.partitions, replication, fix, client_options=options
            ):
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
            from streams.sinks.store_init import init_store  # InfluxDB's own client, which a worker does without

            ca = str(settings.influx_ca) if settings.influx_ca else None
            args = (settings.influx_url, settings.influx_token, settings.influx_org, settings.influx_prefix, ca)
            for line in init_store(*args):
                print(line)
        except Retry as error:
            fail(str(error), 1)
