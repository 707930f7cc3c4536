"""Whether workers are stopped, and have judged and saved all that there is: asked before state is changed by hand."""

from __future__ import annotations

from typing import NamedTuple

from schemas.decode import Decoder
from schemas.errors import Misconfigured
from streams.broker import Broker
from streams.settings import Settings
from streams.state.log import Log
from streams.state.manifest import Manifest
from streams.state.store import StateStore

WHAT_TO_DO = "stop the gateways, let the workers reach lag 0, stop them, and run this again"


class Stand(NamedTuple):
    """How far one partition's newest snapshot and log go."""

    manifest: Manifest | None
    start: int  # the next record to feed
    idle: int  # up to here nothing follows that an engine would lose
    end: int


def nobody_works(settings: Settings, at: Broker) -> None:
    """Raise Misconfigured where the group has members."""
    members = at.members()
    if members:
        where = ", ".join(sorted(set(members)))
        raise Misconfigured(
            f"group {settings.group} has {len(members)} worker{'s' * (len(members) > 1)} at work (on {where}): stop "
            "all workers first; one that was killed leaves the group after its session timeout"
        )


async def stand_of(settings: Settings, store: StateStore, log: Log, partition: int) -> Stand:
    """Where a partition stands."""
    found = await store.newest(partition)
    start = found.start if found.manifest is None else found.manifest.next_offset
    end = await store.end(store.topic, partition)
    return Stand(found.manifest, start, await _idle(settings, store, log, partition, start, end), end)


async def _idle(settings: Settings, store: StateStore, log: Log, partition: int, start: int, end: int) -> int:
    """Up to where there are ticks alone, and sites that starting workers have put there."""
    decoder, reached = Decoder(settings.key), start
    async for record in log.read(store.topic, partition, start, end):
        controls = [control for _, control in decoder.decode([record], partition).controls]
        if not any(c.kind == "tick" or (c.kind == "configure" and "command" not in c.payload) for c in controls):
            return reached
        reached = int(record.offset) + 1
    return max(end, start)


def all_is_saved(settings: Settings, at: Broker, stands: list[Stand]) -> None:
    """Raise Misconfigured, one line that names partitions and lag, where something waits to be judged or saved."""
    waiting = [
        f"partition {p} ({one.end - one.start:,} records behind the snapshot)"
        for p, one in enumerate(stands)
        if one.idle < one.end
    ]
    commands = settings.topic("command.v1")
    done = at.committed(commands)
    ends, begins = at.ends(commands, len(stands)), at.begins(commands, len(stands))
    for p, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        taken = max(done.get(p, 0), begin)
        waiting += [f"partition {p} ({end - taken:,} commands)"] if taken < end else []
    if waiting:
        raise Misconfigured(f"not all is judged and saved: {', '.join(waiting)}: {WHAT_TO_DO}")
