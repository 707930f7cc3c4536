"""What an alert is: when it fires, for whom, and what a tired person is told."""

from __future__ import annotations

from typing import Literal, NamedTuple, cast, get_args

Severity = Literal["critical", "major", "minor", "warning", "info", "none"]
Team = Literal["process", "maintenance", "platform"]


def severity_of(band: str) -> Severity:
    """The severity that a band's name is. Raises ValueError for another word."""
    for severity in get_args(Severity):
        if severity == band:
            return cast(Severity, severity)
    raise ValueError(f"expected one of {', '.join(get_args(Severity))}, got {band!r}")


class Said(NamedTuple):
    """One line in three languages; `{{ $labels.NAME }}` and `{{ $value }}` are filled in by the server."""

    en: str
    ms: str
    zh: str


class Alert(NamedTuple):
    """One rule. `expr` is PromQL that gives a series for each thing that is wrong, its value what is told."""

    name: str
    expr: str
    severity: Severity
    team: Team
    summary: Said
    unit: str = "1"
    """UCUM, of the value that is told; 1 is a number, a ratio or a severity."""
    hold: str = "0s"
    """So long `expr` must hold before it fires."""
    keep: str = "0s"
    """So long it goes on firing when `expr` no longer holds: covers a worker's restart."""
    board: str = "millstream-self"
    """Uid of the board that shows it."""
    variables: tuple[str, ...] = ()
    """Labels that the link to the board carries as variables."""


def link(alert: Alert) -> str:
    """Path and query of the board that shows the alert, to be put behind the address of Grafana."""
    chosen = "&".join(f"var-{name}={{{{ $labels.{name} | urlquery }}}}" for name in alert.variables)
    return f"/d/{alert.board}" + (f"?{chosen}" if chosen else "")
