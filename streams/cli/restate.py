"""`millstream restate`: money and carbon of stored key figures, by a changed tariff or factor."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from schemas.errors import Misconfigured, Retry
from schemas.kpi import KpiRow
from schemas.times import explain, format_times, parse_times
from streams.cli.common import clear_errors, fail, site_of
from streams.cli.score import check_outputs, replacing
from streams.dated import midnight_ns, zone
from streams.kpi.restate import TOO_COARSE, Kept, restated
from streams.kpi.stored import publish_rows, read_rows, store_rows, topic_rows
from streams.prices import Prices
from streams.resolve import ResolvedSite
from streams.rollup.restate import KeptRows
from streams.run import make_sink
from streams.score import KPI_HEADER, kpi_lines
from streams.settings import load_settings


def restate(
    config: Annotated[Path, typer.Option("--config", "-c", help="Site file, with the tariff and factors to be used.")],
    first: Annotated[str, typer.Option("--from", help="Windows from here on: a local day, or an RFC 3339 time.")],
    last: Annotated[str, typer.Option("--to", help="Windows that begin before: a local day, or a time.")],
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[KPI...]", help="Key figures, CSV or JSON lines; none: those on the topics."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Rows to write: CSV, or JSON lines where it ends in .jsonl.")
    ] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Write the rows to the store, and to the topics.")] = False,
) -> None:
    """Restate money and carbon of stored key figures after a tariff or an emission factor has changed.

    Takes the kWh that were told of hours, shifts and demand windows, prices them by the site file's [energy], and
    writes the rows that differ, status restated, with a higher revision. --publish takes the settings of the workers:
    MILLSTREAM_KAFKA, MILLSTREAM_SINK and those of the store. Sums of areas and sites follow; bills stay as they were
    told. What stored rows are too coarse for, as prices change within their windows, stays as it is, and is named.

      millstream restate kpi.csv --config site.toml --from 2022-01-01 --to 2023-01-01 --out restated.csv

      millstream restate --config site.toml --from 2022-01-01 --to 2023-01-01 --publish
    """
    with clear_errors():
        if out is None and not publish:
            raise Misconfigured("name a file to write with --out, or --publish to the store and the topics")
        site = site_of(config)
        prices = Prices(site)
        if not prices.known and not prices.supply.grid:
            raise Misconfigured(f"{config}: expected [energy] with a tariff or a grid: nothing is to be restated")
        start, end = (_instant(option, text, site) for option, text in (("--from", first), ("--to", last)))
        if end <= start:
            raise Misconfigured(f"--to: expected a time after --from {first}, got {last!r}")
        check_outputs(list(inputs or ()), {"--out": out})
        try:
            kept, sums = Kept(), KeptRows()
            for row in _stored(inputs):
                kept.take(row)
                sums.take(row)
            rows, left = restated(kept, site, start, end)
            rows += sums.restated(rows, site)
            if out is not None:
                with replacing(out) as file:
                    file.write(_text(out, rows))
            if publish:
                settings = load_settings()
                # the store first: once rows are on the topic, a second run finds nothing to restate
                asyncio.run(store_rows(make_sink(settings), rows))
                publish_rows(settings, rows)
        except Retry as error:
            fail(str(error), 1)
    windows = len({(row.asset, row.shift, row.start, row.end) for row in rows})
    print(f"{len(rows)} rows restated, of {windows} windows", file=sys.stderr)
    for said, some in (("left as it is", left), ("without a value", [row for row in rows if row.reason == TOO_COARSE])):
        if some:
            print(f"{said}: {_place(some[0])}, and {len(some) - 1} more; {TOO_COARSE}", file=sys.stderr)


def _place(row: KpiRow) -> str:
    start = format_times(np.array([row.start]))[0]
    return f"{row.kpi} of {row.asset}, {row.shift or 'hour'} of {start}"


def _stored(inputs: list[Path] | None) -> Iterator[KpiRow]:
    if not inputs:
        for topic in ("kpi.v1", "kpi.site.v1"):
            yield from topic_rows(load_settings(), topic)
    for path in inputs or ():
        yield from read_rows(path)


def _text(out: Path, rows: list[KpiRow]) -> str:
    if out.suffix in (".jsonl", ".ndjson"):
        return "".join(row.model_dump_json() + "\n" for row in rows)
    return ",".join(KPI_HEADER) + "\n" + kpi_lines(rows)


def _instant(option: str, text: str, site: ResolvedSite) -> int:
    """A local day's first instant, or a time. Raises Misconfigured."""
    try:
        return midnight_ns(date.fromisoformat(text), zone(site.site.site.timezone))
    except ValueError:
        ns, bad = parse_times([text])
    if bad[0]:
        raise Misconfigured(f"{option}: expected a day such as 2022-01-01, or a time: {explain(text)}")
    return int(ns[0])
