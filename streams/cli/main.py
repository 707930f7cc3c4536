"""The `millstream` command."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from streams.cli import alert, command, config, state
from streams.cli.board import board
from streams.cli.demo import demo
from streams.cli.plant import plant
from streams.cli.restate import restate
from streams.cli.schema import schema
from streams.cli.score import score
from streams.cli.topics import store, topics
from streams.cli.worker import worker

app = typer.Typer(
    name="millstream",
    help="Watches machines: sensor readings from Kafka in, explained anomalies out.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"millstream {version('millstream')}")
        raise typer.Exit


@app.callback()
def _millstream(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Watches machines: sensor readings from Kafka in, explained anomalies out."""


for each in (demo, plant, worker, board, score, restate, topics, schema):
    app.command()(each)
app.add_typer(alert.app, name="alert")
app.add_typer(command.app, name="command")
app.add_typer(config.app, name="config")
app.add_typer(store, name="store")
app.add_typer(state.app, name="state")


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
