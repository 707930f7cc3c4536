"""`millstream config check` and `apply`: is the site file right, what will be watched, and into force with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from detectors.registry import build
from streams.cli.command import By, CommandId, NoWait, Reason, Timeout, carry_out, who
from streams.cli.common import clear_errors, site_of
from streams.command_client import configure_command
from streams.joint import Joint
from streams.resolve import ResolvedSite
from streams.roster import Roster
from streams.watch import Watch

app = typer.Typer(no_args_is_help=True, help="Check a site file, and put it into force.")


@app.callback()
def config() -> None:
    """Check a site file, and put it into force."""


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="Site file (TOML).")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check, and say what would be sent.")] = False,
    reason: Reason = None,
    by: By = None,
    command_id: CommandId = None,
    no_wait: NoWait = False,
    timeout: Timeout = "30s",
) -> None:
    """Put a site file into force while workers run: checked whole first, then told to every partition.

    The site version in the file must be above the one in force. What was learned is kept wherever it still holds.
    Exit status: 0 every partition took it, 1 refused, 2 the file is wrong and nothing was sent, 3 not all answered.

    millstream config apply site.toml --reason "limits of oven3"
    """
    with clear_errors():
        site = site_of(file)
        command = configure_command(site, who(by), reason, command_id)
        said = f"{file}: right. Configuration {site.hash}, version {site.site.site.version}"
        print(f"{said}, {len(command.to_bytes()):,} bytes to each partition", flush=True)
        if dry_run:
            print("dry run: nothing was sent")
            return
        carry_out(command, no_wait, timeout)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Site file (TOML).")],
    series: Annotated[bool, typer.Option(help="Also list what watches each declared series.")] = True,
) -> None:
    """Check a site file whole: each fault by file, key and what would be right; then the effective watches.

    millstream config check site.toml
    """
    with clear_errors():
        site = site_of(file)
    options = site.site.site
    print(f"{file}: right. Site {options.name!r}, version {options.version}, configuration {site.hash}")
    machines = f"{len(site.site.machine)} machine entries, " if site.site.machine else ""
    print(f"{len(site.site.asset)} assets, {machines}{len(site.site.watch)} watches, time zone {options.timezone}")
    out = Console(width=None if Console().is_terminal else 160)
    out.print(_watches(site))
    if series:
        out.print(_series(site))


def _watches(site: ResolvedSite) -> Table:
    table = Table(title="Watches", title_justify="left")
    for column in ("watch", "takes", "kind", "options", "false alarms", "when"):
        table.add_column(column, overflow="fold")
    for index, spec in enumerate(site.site.watch):
        watch = Watch(spec, build(spec.detector), index)
        given = ", ".join(f"{k} = {v}" for k, v in spec.detector.items() if k != "kind")
        takes = ", ".join(spec.globs or [f"{'peers' if watch.compares else 'joint'}: {g}" for g in spec.inputs or ()])
        budget = spec.false_alarms if watch.calibration.rule == "budget" else "own limit"
        table.add_row(spec.name, takes, watch.detector.kind, given or "defaults", budget, spec.when or "always")
    return table


def _series(site: ResolvedSite) -> Table:
    """Effective watches of each declared series; series that only arrive at run time are taken by the same globs."""
    table = Table(title="Declared series", title_justify="left")
    for column in ("asset", "series", "unit", "low", "high", "store", "watched by"):
        table.add_column(column, overflow="fold")
    roster = Roster(site.site)
    for asset in site.site.asset:
        for name, declared in asset.series.items():
            row = roster.add(asset.path, name, None)
            watched = watches_of(site, roster, row)
            cells = (declared.unit, declared.low, declared.high, declared.store or site.site.site.store)
            shown = ("-" if c is None else escape(str(c)) for c in cells)  # [ppm] is a unit, and no colour
            table.add_row(asset.path, name, *shown, ", ".join(watched) or "-")
    return table


def watches_of(site: ResolvedSite, roster: Roster, row: int) -> list[str]:
    """Names of the watches that take a series, once it has sent numbers."""
    found = []
    for index, spec in enumerate(site.site.watch):
        watch = Watch(spec, build(spec.detector), index)
        if watch.joint:
            taken = Joint(watch).wants(roster.refs[row])
        else:
            watch.admit(roster, row)
            taken = bool(watch.series[row] >= 0)
        if taken:
            found.append(spec.name)
    return found
