"""`millstream score`: judge files by the same engines as the worker's."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from schemas.errors import Misconfigured
from schemas.kpi import KpiRow
from streams.cli import file_options as files
from streams.cli.common import clear_errors, progress, site_of
from streams.files.options import FileOptions
from streams.files.read import read
from streams.rollup.offline import site_rows
from streams.score import HEADER, KPI_HEADER, Scorer, kpi_lines, rows, write_events


def score(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Files to judge, as one stream.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV to write: one row for each reading and watch.")],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Site file; default: the default site.")] = None,
    events: Annotated[Path | None, typer.Option(help="Anomaly events as JSON lines.")] = None,
    kpi: Annotated[
        Path | None,
        typer.Option(help="Key figures of [[machine]] entries, and of the site, as CSV: the last of each window."),
    ] = None,
    format: files.Format = None,
    time_column: files.TimeColumn = None,
    time_format: files.TimeFormat = None,
    interval: files.Interval = None,
    start: files.Start = None,
    sep: files.Separator = None,
    asset: files.Asset = None,
    drop: files.Drop = None,
    timezone: files.Zone = None,
    partitions: Annotated[int, typer.Option(help="Engines, as many as the reading topic has partitions.", min=1)] = 12,
) -> None:
    """Judge files, as the worker would judge the same readings from Kafka.

    Writes one row for each reading and watch: time,asset,series,watch,value,score,expected,low,high; score >= 1 is
    anomalous, empty is no opinion. Rows that cannot be used are counted by reason on stderr and never stop the run.

      millstream score pump.csv --out scores.csv --events events.jsonl

      millstream score air.csv.gz --time-column Date,Time --out scores.csv
    """
    with clear_errors():
        site = site_of(config)
        options = files.file_options(
            site, format, time_column, time_format, interval, start, sep, asset, drop, timezone
        )  # fmt: skip
        if kpi is not None and not site.site.machine:
            raise Misconfigured("--kpi: the site file has no [[machine]], which says what states, parts and energy are")
        _run(inputs, out, events, kpi, Scorer(site, partitions), options)


def _run(
    inputs: list[Path], out: Path, events: Path | None, kpi: Path | None, scorer: Scorer, options: FileOptions
) -> None:
    started = time.perf_counter()
    contribution = any(watch.inputs is not None for watch in scorer.site.site.watch)
    episodes = 0
    check_outputs(inputs, {"--out": out, "--events": events, "--kpi": kpi})
    with progress("scoring") as told:
        blocks = read(inputs, options, told)
        # all or none: half a result must not be taken for a whole one
        with ExitStack() as opened:
            csv = opened.enter_context(replacing(out))
            figures = opened.enter_context(replacing(kpi or Path(os.devnull)))
            newest: dict[tuple[Any, ...], KpiRow] = {}
            jsonl = opened.enter_context(replacing(events or Path(os.devnull)))
            csv.write(",".join((*HEADER, "contribution") if contribution else HEADER) + "\n")
            for block in blocks:
                for note in block.notes:
                    print(f"note: {note}", file=sys.stderr)
                scored = scorer.feed(block)
                csv.write(rows(scored, contribution))
                episodes += write_events(scored, jsonl)
                _keep(newest, (row for one in scored for row in one.results.kpis))
            scored = scorer.finish()
            scored += scorer.last_figures()
            csv.write(rows(scored, contribution))
            episodes += write_events(scored, jsonl)
            _keep(newest, (row for one in scored for row in one.results.kpis))
            _keep(newest, site_rows(list(newest.values()), scorer.site))
            figures.write(",".join(KPI_HEADER) + "\n")
            figures.write(kpi_lines(newest.values()))
    _report(scorer, episodes, time.perf_counter() - started)


def _keep(newest: dict[tuple[Any, ...], KpiRow], rows: Iterable[KpiRow]) -> None:
    """Keep the newest row of each figure and window, where the first one stood."""
    for row in rows:
        newest[row.asset, row.kpi, row.product, row.shift, row.start, row.end] = row


def check_outputs(inputs: list[Path], outputs: dict[str, Path | None]) -> None:
    """Raise Misconfigured where an output is a folder, or the same file as an input or another output."""
    taken = {path.resolve(): "an input" for path in inputs}
    for option, path in outputs.items():
        if path is None:
            continue
        if path.is_dir():
            raise Misconfigured(f"{option} {path}: is a folder; name a file")
        if path.resolve() in taken:
            raise Misconfigured(f"{option} {path}: is {taken[path.resolve()]} too; name another file")
        taken[path.resolve()] = option


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """A file that takes the place of `path` once it is whole; devices and pipes are written to as they are.

    Raises Misconfigured where it cannot be written.
    """
    target = path.resolve() if path.is_file() else path  # through a link, not in its place
    special = path.exists() and not path.is_file()
    partial = target if special else target.with_name(target.name + ".part")
    try:
        with open(partial, "w", encoding="utf-8", newline="") as file:
            yield file
        if not special:
            partial.replace(target)
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        if not special:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def _report(scorer: Scorer, events: int, seconds: float) -> None:
    counts = scorer.counts
    read_in = counts["readings_in"]
    shown = ", ".join(f"{n} {name}" for name in _SHOWN if (n := counts[name]))
    rate = read_in / max(seconds, 1e-9)
    print(f"{read_in} readings ({shown or 'none'}), {scorer.verdicts} verdicts, {events} events", file=sys.stderr)
    print(f"{seconds:.1f} s, {rate:,.0f} readings/s", file=sys.stderr)
    for reason, n in sorted(scorer.reasons.items()):
        print(f"not used: {n} {reason}", file=sys.stderr)


_SHOWN = ("scored", "warming", "withheld", "late", "duplicate", "muted", "unwatched", "rejected")
