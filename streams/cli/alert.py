"""`millstream alert`: whether a page reaches people, tried before it must."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from detectors.durations import duration_ns
from schemas.errors import Misconfigured, Retry
from streams.alertmanager import AlertmanagerClient
from streams.cli.command import By, who
from streams.cli.common import clear_errors, fail
from streams.settings import load_settings
from streams.trial_page import NAME, send_page

app = typer.Typer(no_args_is_help=True)


class Severity(StrEnum):
    """Bands of OPC UA that routes go by."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"


@app.callback()
def alert() -> None:
    """Whether a page reaches people, tried before it must."""


@app.command("test")
def trial(
    team: Annotated[str, typer.Option(help="Whose page: process, maintenance, platform, or a team of your routes.")],
    severity: Annotated[Severity, typer.Option(help="critical and major page; the others wait.")] = Severity.MAJOR,
    lasts: Annotated[str, typer.Option("--for", help='It ends by itself after this, such as "5m".')] = "5m",
    by: By = None,
) -> None:
    """Send one page, marked as a test, to Alertmanager, which hands it on as it would a real one.

      millstream alert test --team process

    It has the labels severity and team, by which routes go, and test="true"; nothing is written to Kafka.
    Ask the person on duty whether it came, and whether its end came too. What lies before Alertmanager
    (worker, metric, rule) is watched by the alert MillstreamWatchdog, which always fires.

    Alertmanager is at MILLSTREAM_ALERTMANAGER_URL; _USER and _PASSWORD, or _TOKEN, and _CA where it asks for them.
    Exit status: 0 on its way, 1 no Alertmanager answers, 2 refused, no route, or silenced.

      MILLSTREAM_ALERTMANAGER_URL=https://alerts.plant:9093 millstream alert test --team platform --severity minor
    """
    with clear_errors():
        try:
            length = timedelta(microseconds=duration_ns(lasts) / 1000)
        except ValueError as error:
            raise Misconfigured(f"--for: {error}") from error
        if length < timedelta(seconds=10):
            raise Misconfigured(f"--for: expected at least 10s, so that it is told of before it ends, got {lasts!r}")
        client = AlertmanagerClient(load_settings())
        try:
            page = send_page(client, team, severity.value, length, who(by))
        except Retry as error:
            fail(str(error), 1)
        print(f"sent to {client.url}: {', '.join(f'{name}={value}' for name, value in page.labels.items())}")
        print(f"it goes to: {', '.join(page.receivers)} (after the route's group_wait, 10 s as shipped)")
        print(f"to see it:  {client.url}/#/alerts?filter=%7Balertname%3D%22{NAME}%22%7D")
        print(f"it ends by itself at {page.ends.astimezone():%H:%M:%S}; those who got it are then told that it is over")
