"""`millstream state`: what the workers' snapshots remember, and how to make them forget."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from detectors.durations import SECOND, duration_text
from schemas.errors import Misconfigured, Retry
from streams.access import check_access
from streams.broker import Broker, broker
from streams.cli import file_options as files
from streams.cli.common import clear_errors, fail, progress, site_of
from streams.drained import nobody_works
from streams.files.read import read
from streams.score import Scorer
from streams.settings import Settings, load_settings
from streams.state.codec import Damaged
from streams.state.log import Log
from streams.state.manifest import Manifest
from streams.state.offline import alive, offline
from streams.state.remembered import Remembered, remembered
from streams.state.store import StateStore
from streams.warm_start import learned, warm_start

app = typer.Typer(no_args_is_help=True)

Kafka = Annotated[str | None, typer.Option(help="Bootstrap servers; default: MILLSTREAM_KAFKA.")]
Prefix = Annotated[str | None, typer.Option(help="Before every topic's name; default: MILLSTREAM_PREFIX.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines, for programs.")]
Act = Callable[[Settings, Broker, StateStore, Log], Coroutine[Any, Any, None]]


@app.callback()
def state() -> None:
    """What the workers' snapshots remember.

    A worker saves what it has learned of each partition on the topic state.v1
    and begins there again, wherever it is started. These commands only need
    Kafka and the control key, with the rights of an admin (topics --acl).
    """


def _run(act: Act, kafka: str | None, prefix: str | None) -> None:
    with clear_errors():
        settings = load_settings(kafka=kafka, prefix=prefix)
        _ = settings.key
        try:
            check_access(settings)
            with broker(settings) as at:
                topic = settings.topic("reading.v1")
                count = at.counts([topic]).get(topic)
                if count is None:
                    raise Misconfigured(f"topic {topic} is missing; run: millstream topics")
                asyncio.run(_with_store(settings, at, count, act))
        except Retry as error:
            fail(str(error), 1)


async def _with_store(settings: Settings, at: Broker, count: int, act: Act) -> None:
    async with offline(settings, at, count) as (store, log):
        await act(settings, at, store, log)


@app.command()
def ls(as_json: AsJson = False, kafka: Kafka = None, prefix: Prefix = None) -> None:
    """List the newest snapshot of each partition: how far it goes, how old and how large it is.

      MILLSTREAM_CONTROL_KEY_FILE=key millstream state ls

    OFFSET is the next reading to judge after a restart, BEHIND how many records
    the log has from there on. Nothing is changed; workers may be at work.
    """

    async def act(settings: Settings, at: Broker, store: StateStore, log: Log) -> None:
        rows = []
        for partition, end in enumerate(at.ends(store.topic, store.partitions)):
            manifest = (await store.newest(partition)).manifest
            row: dict[str, Any] = {"partition": partition}
            if manifest is not None:
                row |= {
                    "generation": manifest.generation, "offset": manifest.next_offset,
                    "behind": max(end - manifest.next_offset, 0),
                    "age_s": round(max(time.time_ns() - manifest.made, 0) / SECOND, 1), "bytes": manifest.size,
                    "series": manifest.series, "episodes": manifest.episodes, "config": manifest.config,
                    "site_version": manifest.site_version,
                }  # fmt: skip
            rows.append(row)
        if as_json:
            print("\n".join(map(json.dumps, rows)))
            return
        head = ("PARTITION", "GENERATION", "OFFSET", "BEHIND", "AGE", "BYTES", "SERIES", "EPISODES", "CONFIG")
        print(_table(head, [_listed(row) for row in rows]))

    _run(act, kafka, prefix)


def _listed(row: dict[str, Any]) -> list[str]:
    if len(row) == 1:
        return [str(row["partition"]), "none", *["-"] * 7]
    numbers = [f"{row[name]:,}" for name in ("bytes", "series", "episodes")]
    age = duration_text(round(row["age_s"]) * SECOND)
    config = f"{row['config']} (version {row['site_version']})"
    return [
        str(row["partition"]), row["generation"][:8], f"{row['offset']:,}", f"{row['behind']:,}", age, *numbers, config
    ]  # fmt: skip


@app.command()
def show(
    partition: Annotated[int, typer.Argument(min=0)],
    asset: Annotated[str, typer.Option(metavar="GLOB", help="Only these assets.")] = "*",
    watch: Annotated[str | None, typer.Option(metavar="NAME", help="Only this watch.")] = None,
    as_json: AsJson = False,
    kafka: Kafka = None,
    prefix: Prefix = None,
) -> None:
    """Show what a partition's newest snapshot remembers, a line for each baseline.

      MILLSTREAM_CONTROL_KEY_FILE=key millstream state show 3 --asset 'penang/smt/line1/*' --watch spindle

    WARM is the share of the warm-up that is done. THRESHOLD is the score at
    which an alarm comes, moved by the false-alarm budget; a detector with a
    limit of its own has none. EPISODE is the severity of an open episode.
    """

    async def act(settings: Settings, at: Broker, store: StateStore, log: Log) -> None:
        _check_partitions([partition], store)
        manifest = (await store.newest(partition)).manifest
        if manifest is None:
            raise Misconfigured(f"partition {partition} has no snapshot; see: millstream state ls")
        try:
            saved = await store.load(manifest)
        except Damaged as error:
            raise Misconfigured(f"partition {partition}: the snapshot is damaged: {error}") from error
        rows = remembered(saved["engine"], asset, watch)
        if as_json:
            print("\n".join(json.dumps(row._asdict()) for row in rows))
            return
        print(_table(_SHOWN, [_shown(row) for row in rows]))
        print(f"{len(rows)} baselines, {sum(row.severity is not None for row in rows)} with an open episode")

    _run(act, kafka, prefix)


_SHOWN = (
    "ASSET", "SERIES", "MODE", "WATCH", "DETECTOR", "WARM", "THRESHOLD", "ALARMS", "LEARNED SINCE", "LAST", "EPISODE",
)  # fmt: skip


def _shown(row: Remembered) -> list[str]:
    warm = "-" if row.warm is None else f"{row.warm:.0%}"
    threshold = "own" if row.threshold is None else f"{row.threshold:.3g}"
    episode = "-" if row.severity is None else f"{row.severity} since {row.since}"
    times = [row.learned_since or "-", row.last or "-"]
    return [
        row.asset, row.series, row.mode or "-", row.watch, row.detector, warm, threshold, str(row.alarms), *times,
        episode,
    ]  # fmt: skip


@app.command()
def drop(
    partitions: Annotated[list[int] | None, typer.Argument(metavar="[PARTITION...]", min=0)] = None,
    every: Annotated[bool, typer.Option("--all", help="All partitions.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    kafka: Kafka = None,
    prefix: Prefix = None,
) -> None:
    """Forget what partitions have learned, while all workers are stopped.

      MILLSTREAM_CONTROL_KEY_FILE=key millstream state drop 3 5 --yes

    Learning starts afresh there. No reading is lost: the workers go on where
    they had stopped ([site] reorder aside: what it holds back is in the
    snapshot; wait so long before you stop them). Open episodes are forgotten
    with the rest, so nobody tells of their end. To start single series over,
    while workers run and with episodes closed as they should, there is:
    millstream command rebaseline
    """
    if bool(partitions) == every:
        fail("name the partitions to forget, or --all")
    if not yes:
        fail("this forgets all that was learned there; say --yes to do it")

    async def act(settings: Settings, at: Broker, store: StateStore, log: Log) -> None:
        chosen = list(range(store.partitions)) if every else sorted(set(partitions or ()))
        _check_partitions(chosen, store)
        nobody_works(settings, at)
        for partition in chosen:
            found = await alive(settings, store, log, partition)
            manifests = [m for m in found.values() if m is not None and m.partitions == store.partitions]
            newest = max(manifests, key=lambda m: m.next_offset, default=None)
            held = 0 if newest is None else await _held(store, newest)
            await store.drop(partition, found)
            what = f"{newest.series} series, {newest.episodes} open episodes" if newest else "there was nothing"
            print(f"partition {partition}: forgotten ({what})", flush=True)
            if held:
                print(f"partition {partition}: {held} readings that [site] reorder held back are forgotten too")
        print("learning starts afresh there; the workers go on where they had stopped")

    _run(act, kafka, prefix)


@app.command()
def warm(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Files of history, as one stream.")],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Site file; default: the default site.")] = None,
    format: files.Format = None,
    time_column: files.TimeColumn = None,
    time_format: files.TimeFormat = None,
    interval: files.Interval = None,
    start: files.Start = None,
    sep: files.Separator = None,
    asset: files.Asset = None,
    drop: files.Drop = None,
    timezone: files.Zone = None,
    kafka: Kafka = None,
    prefix: Prefix = None,
) -> None:
    """Have partitions learn from history in files, before the workers start.

      millstream state warm history.parquet --config site.toml

    Files are read as by millstream score, and judged by the watches of the site
    file. What is learned is saved as if workers had learned it; what would have
    been told is not. Assets must have the paths that gateways send. Only for
    partitions that have learned nothing yet, while all workers are stopped.
    """

    async def act(settings: Settings, at: Broker, store: StateStore, log: Log) -> None:
        site = site_of(config)
        options = files.file_options(
            site, format, time_column, time_format, interval, start, sep, asset, drop, timezone
        )  # fmt: skip
        with progress("learning") as told:
            engines = learned(Scorer(site, store.partitions), read(inputs, options, told), time.time_ns())
        await warm_start(settings, at, store, log, engines, lambda line: print(line, flush=True))

    _run(act, kafka, prefix)


async def _held(store: StateStore, manifest: Manifest) -> int:
    """Readings that are in the snapshot alone; 0 where it cannot be read, which may be why it is to go."""
    try:
        return len((await store.load(manifest))["engine"]["intake"]["reorder"]["held"]["row"])
    except (Damaged, LookupError):
        return 0


def _check_partitions(chosen: Sequence[int], store: StateStore) -> None:
    wrong = [p for p in chosen if p >= store.partitions]
    if wrong:
        raise Misconfigured(f"partition {wrong[0]}: {store.topic} has partitions 0 to {store.partitions - 1}")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in lines)
