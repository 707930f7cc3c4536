"""Workers with one fault each, for tests that must notice it: `python -m tests.faults.mutant NAME worker ...`.

A mutant changes what the worker does, never the source; everything else is the command itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

MUTANTS: dict[str, Callable[[], None]] = {}
"""Name -> what makes the fault."""


def command(name: str) -> tuple[str, ...]:
    """The command line of a worker with this fault."""
    return (sys.executable, "-m", "tests.faults.mutant", name, "worker")


def mutant(make: Callable[[], None]) -> Callable[[], None]:
    """Register a fault under its function's name."""
    MUTANTS[make.__name__] = make
    return make


@mutant
def one_too_high() -> None:
    """S of a snapshot's state is one record too high; the manifest's, which others read, is not."""
    from streams.snapshots import Snapshots

    copy = Snapshots._copy

    def wrong(self: Any, *arguments: Any) -> Any:
        manifest, state = copy(self, *arguments)
        state["engine"]["next_offset"] += 1
        return manifest, state

    Snapshots._copy = wrong  # type: ignore[method-assign]


@mutant
def no_calibration() -> None:
    """Thresholds and alarms are left out of the snapshot."""
    from detectors.bank import Bank

    snapshot = Bank.snapshot

    def wrong(self: Any) -> dict[str, Any]:
        return snapshot(self) | {"calibration": tuple(self.calibration.init(self.rows))}

    Bank.snapshot = wrong  # type: ignore[method-assign]


@mutant
def no_thinning_memory() -> None:
    """Which verdicts were stored last is left out of the snapshot."""
    from streams.arrays import UNSEEN
    from streams.watch import Watch

    snapshot = Watch.snapshot

    def wrong(self: Any) -> dict[str, Any]:
        saved = snapshot(self)
        saved["owner"]["second"] = np.full_like(saved["owner"]["second"], UNSEEN)
        return saved

    Watch.snapshot = wrong  # type: ignore[method-assign]


@mutant
def older_manifest() -> None:
    """Of two valid snapshots the older one is taken, and none is ever dropped."""
    from streams.state import store

    async def keep(self: Any, partition: int, keys: Any) -> None:
        """Drop nothing."""

    async def newest(self: Any, partition: int, damaged: Any = ()) -> Any:
        found = await whole(self, partition, damaged)
        begin, end = await self._log.bounds(self.state, partition)
        valid = []
        async for record in self._log.read(self.state, partition, begin, end):
            if record.value is not None and (record.key or b"").endswith(b"/manifest"):
                manifest = self._manifest(record.value, record.headers)
                if manifest is not None:
                    valid.append(manifest)
        valid.sort(key=lambda manifest: manifest.next_offset)
        return found._replace(manifest=valid[-2]) if len(valid) > 1 else found

    whole = store.StateStore.newest
    store.StateStore.newest = newest  # type: ignore[method-assign]
    store.StateStore.drop = keep  # type: ignore[method-assign]


@mutant
def ten_minutes_ago() -> None:
    """No fault: a worker that runs ten minutes and a half ago, on a topic that keeps the producers' times."""
    from faust.transport.drivers.aiokafka import Producer

    from streams import run

    send = Producer.send

    async def stamped(
        self: Any, topic: Any, key: Any, value: Any, partition: Any, timestamp: Any, headers: Any, **more: Any
    ) -> Any:
        # compiled code below does not ask the clock that is set back here
        return await send(self, topic, key, value, partition, timestamp or time.time(), headers, **more)

    Producer.send = stamped
    shift_ns = 630 * 10**9
    wall, wall_ns = time.time, time.time_ns
    time.time = lambda: wall() - shift_ns / 1e9
    time.time_ns = lambda: wall_ns() - shift_ns
    run.check_topics = lambda *a, **k: []  # type: ignore[assignment]


@mutant
def producers_times() -> None:
    """No fault: a worker that takes a topic which keeps the producers' times."""
    from streams import run

    run.check_topics = lambda *a, **k: []  # type: ignore[assignment]


def main() -> None:
    """Make the fault, then run the command."""
    name = sys.argv.pop(1)
    MUTANTS[name]()
    from streams.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
