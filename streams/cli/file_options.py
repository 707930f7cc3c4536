"""How files are read: options that every command has that reads them."""

from __future__ import annotations

from typing import Annotated

import typer

from detectors.durations import duration_ns
from schemas.errors import Misconfigured
from schemas.times import parse_times
from streams.files.options import FileOptions
from streams.resolve import ResolvedSite

Format = Annotated[str | None, typer.Option(help="csv, long, parquet, jsonl or shdr; default: by the file.")]
TimeColumn = Annotated[str | None, typer.Option(metavar="NAME[,NAME]", help="Where times are; two are joined.")]
TimeFormat = Annotated[str | None, typer.Option(help="strptime format, where times are ambiguous.")]
Interval = Annotated[str | None, typer.Option(help='Distance of rows in files without times, such as "1h".')]
Start = Annotated[str | None, typer.Option(help="Time of the first row, with --interval (RFC 3339).")]
Separator = Annotated[str | None, typer.Option(help="Separator of columns; default: found out.")]
Asset = Annotated[str | None, typer.Option(help="Path of the asset; default: the file's name.")]
Drop = Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="Column to leave out; may be repeated.")]
Zone = Annotated[str | None, typer.Option(help="Zone of times without one; default: the site's.")]


def file_options(
    site: ResolvedSite, format: str | None, time_column: str | None, time_format: str | None, interval: str | None,
    start: str | None, sep: str | None, asset: str | None, drop: list[str] | None, timezone: str | None,
) -> FileOptions:  # fmt: skip
    """What was given on the command line. Raises Misconfigured."""
    return FileOptions(
        format=format,
        time_columns=tuple(time_column.split(",")) if time_column else (),
        time_format=time_format,
        interval_ns=_duration("--interval", interval),
        start_ns=_time("--start", start),
        sep=sep,
        asset=asset,
        drop=tuple(drop or ()),
        timezone=timezone or site.site.site.timezone,
    )


def _duration(option: str, text: str | None) -> int | None:
    try:
        return None if text is None else duration_ns(text)
    except ValueError as error:
        raise Misconfigured(f"{option}: {error}") from error


def _time(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    ns, bad = parse_times([text if "T" in text or " " in text else f"{text}T00:00:00Z"])
    if bad[0]:
        raise Misconfigured(f"{option}: expected a time such as 2026-01-05T08:00:00Z, got {text!r}")
    return int(ns[0])
