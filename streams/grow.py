"""Growing: more partitions for topics that hold state, while workers are stopped; what was learned moves along.

Nothing that a worker reads is changed before all new snapshots are there: they are marked with the new number, which
counts only once `reading.v1`, the last to be raised, has it. Up to then the old snapshots are the valid ones, so an
attempt that was cut off is simply run again.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

from schemas.errors import Misconfigured
from schemas.partition import key_of, partition_of
from streams.broker import Broker, broker
from streams.drained import WHAT_TO_DO, Stand, all_is_saved, nobody_works, stand_of
from streams.engine import Engine
from streams.resolve import from_payload
from streams.rollup.dealing import dealt
from streams.settings import Settings
from streams.state import codec
from streams.state.log import Log
from streams.state.manifest import Manifest
from streams.state.offline import alive, offline
from streams.state.regroup import State, regroup
from streams.state.store import StateStore
from streams.topic_table import TOPICS

READINGS, COMMANDS, ANOMALIES, STATES = "reading.v1", "command.v1", "anomaly.v1", "state.v1"
FIGURES = "kpi.v1"
_GROWN = [topic.name for topic in TOPICS if topic.partitions == "n"]

Say = Callable[[str], None]


def grow(settings: Settings, partitions: int, say: Say) -> None:
    """Give the topics that many partitions, and every partition the state of the assets that are at home there.

    Raises Misconfigured, with one line that says what to do, where workers run, the number is not larger, or records
    are not judged and saved yet; Retry while the broker is away. Blocks, not on a running loop.
    """
    _ = settings.key
    with broker(settings) as at:
        now = _partitions_now(settings, at, partitions)
        if now == partitions:
            say(f"{settings.topic(READINGS)} has {now} partitions already: there is nothing to do")
            return
        nobody_works(settings, at)
        asyncio.run(_grow(settings, at, now, partitions, say))


def _partitions_now(settings: Settings, at: Broker, partitions: int) -> int:
    """How many partitions the readings have; checks that the other topics have as many, or grew in a cut-off run."""
    names = {name: settings.topic(name) for name in _GROWN}
    counts = at.counts(names.values())
    missing = [full for full in names.values() if full not in counts]
    if missing:
        raise Misconfigured(f"topics {', '.join(missing)} are missing; run: millstream topics")
    now = counts[names[READINGS]]
    if partitions < now:
        raise Misconfigured(f"{names[READINGS]} has {now} partitions, and they can only grow; asked for {partitions}")
    odd = [f"{full} has {counts[full]}" for full in names.values() if counts[full] not in (now, partitions)]
    if odd:
        raise Misconfigured(f"{'; '.join(odd)}; expected {now}, as {names[READINGS]}, or {partitions}")
    return now


async def _grow(settings: Settings, at: Broker, now: int, partitions: int, say: Say) -> None:
    logs = settings.topic(READINGS), settings.topic(COMMANDS)
    async with offline(settings, at, now) as (store, log):
        stands = [await stand_of(settings, store, log, partition) for partition in range(now)]
        ends = [at.ends(name, now) for name in logs]
        all_is_saved(settings, at, stands)
        sites = await _sites(settings, at, now)
        say(f"{now} partitions are judged and saved to their ends")
        old = [await _load(settings, store, partition, stand) for partition, stand in enumerate(stands)]
    grown = _dealt_out(old, [stand.start for stand in stands], partitions, say)
    if at.counts([settings.topic(STATES)])[settings.topic(STATES)] < partitions:
        at.raise_to(settings.topic(STATES), partitions)
    async with offline(settings, at, partitions) as (store, log):
        for partition, state in enumerate(grown):
            await _forget_attempts(settings, store, log, partition)
            manifest = await write(settings, store, at, partition, partitions, state)
            say(
                f"partition {partition}: {manifest.series} series, {manifest.episodes} open episodes, "
                f"{manifest.size:,} bytes, from offset {manifest.next_offset:,}"
            )
    async with offline(settings, at, partitions, FIGURES) as (store, log):
        for partition, state in enumerate(dealt(sites, partitions) if any(sites) else []):
            await _forget_attempts(settings, store, log, partition)
            await write(settings, store, at, partition, partitions, state)
    nobody_works(settings, at)
    if [at.ends(name, now) for name in logs] != ends:
        raise Misconfigured(f"something was written to {' or '.join(logs)} meanwhile: {WHAT_TO_DO}")
    for name in sorted(_GROWN, key=lambda name: name == READINGS):
        full = settings.topic(name)
        if at.counts([full])[full] < partitions:
            at.raise_to(full, partitions)
            say(f"topic {full}: {partitions} partitions")
    say(f"done; start the workers with MILLSTREAM_PARTITIONS={partitions}")


async def _sites(settings: Settings, at: Broker, now: int) -> list[State | None]:
    """What the engines of key figures of sites have saved, of each partition."""
    async with offline(settings, at, now, FIGURES) as (store, log):
        stands = [await stand_of(settings, store, log, partition) for partition in range(now)]
        all_is_saved(settings, at, stands)
        return [await _load(settings, store, partition, stand) for partition, stand in enumerate(stands)]


async def _load(settings: Settings, store: StateStore, partition: int, stand: Stand) -> State | None:
    """A partition's saved state, with the events that were told after it was copied, as a restart reads them back."""
    if stand.manifest is None:
        return None
    try:
        state = await store.load(stand.manifest)
        if "episodes" not in state:
            return state
        events = await store.events(settings.topic(ANOMALIES), partition, stand.manifest.events_end)
        state["episodes"] += [[event.model_dump(mode="json"), event.detected or event.received] for event in events]
        return state
    except codec.Damaged as error:
        raise Misconfigured(
            f"partition {partition}: its newest snapshot is damaged ({error}); start the workers, which fall back to "
            "an older one and judge again from there, let them reach lag 0, stop them, and run this again"
        ) from error


def _dealt_out(old: list[State | None], starts: list[int], partitions: int, say: Say) -> list[State]:
    """The states of the grown partitions, from those of the old ones; none at all where nothing was learned yet."""
    sites = [from_payload(state["engine"]["site"]) for state in old if state is not None]
    if not sites:
        say("no partition has learned anything yet: only the topics grow")
        return []
    site = max(sites, key=lambda each: each.version)
    level = site.site.site.partition_level
    states = [
        state or {"engine": Engine(p, len(old), site).snapshot() | {"next_offset": start}, "episodes": []}
        for p, (state, start) in enumerate(zip(old, starts, strict=True))
    ]
    for state in states:
        if set(state) != {"engine", "episodes"}:
            raise RuntimeError(f"growing handles engine and episodes, but what is saved has {sorted(state)}")
    # what is left behind the snapshots is ticks and known sites: positions stay before them
    engines = regroup([state["engine"] for state in states], partitions, level, warn=say)
    episodes: list[list[Any]] = [[] for _ in range(partitions)]
    for event, opened in (shown for state in states for shown in state["episodes"]):
        episodes[partition_of(key_of(event["asset"], level), partitions)].append([event, opened])
    return [{"engine": engine, "episodes": shown} for engine, shown in zip(engines, episodes, strict=True)]


async def _forget_attempts(settings: Settings, store: StateStore, log: Log, partition: int) -> None:
    """Drop what a cut-off run has written: of two snapshots of one position the older would be as good."""
    found = await alive(settings, store, log, partition)
    for manifest in found.values():
        if manifest is not None and manifest.partitions == store.partitions:
            await store.drop(partition, manifest.keys())


async def write(
    settings: Settings, store: StateStore, at: Broker, partition: int, partitions: int, state: State
) -> Manifest:
    """Write one snapshot, valid for the grown topics alone."""
    engine, generation = state["engine"], str(uuid.uuid4())
    site = from_payload(engine["site"])
    anomalies = settings.topic(ANOMALIES)
    events_end = at.ends(anomalies, partition + 1)[-1] if partition < at.counts([anomalies])[anomalies] else 0
    pieces = [
        await store.put_chunk(partition, generation, number, chunk) for number, chunk in enumerate(codec.pack(state))
    ]
    manifest = Manifest(
        format=codec.FORMAT, topic=store.topic, partition=partition, partitions=partitions, generation=generation,
        next_offset=engine["next_offset"], events_end=events_end, made=time.time_ns(), config=site.hash,
        site_version=site.version, series=len(engine["roster"]["series"]) if "roster" in engine else 0,
        episodes=sum(len(watch["episodes"]) for watch in engine.get("watches", {}).values()), pieces=pieces,
    )  # fmt: skip
    await store.put_manifest(manifest)
    return manifest
