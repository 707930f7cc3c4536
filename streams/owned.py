"""What a worker holds of one partition that it owns: its engine, its lane to the store, its newest snapshot."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from streams.engine import Engine
from streams.lanes import Lane
from streams.state.faults import Fault
from streams.state.manifest import Manifest


@dataclass(eq=False)
class Owned:
    """One partition while it is ours. `mine` turns False for good when it goes elsewhere."""

    partition: int
    mine: bool = True
    settled: asyncio.Event = field(default_factory=asyncio.Event)  # restored, or lost: a chunk may go on or be dropped
    engine: Engine | None = None
    lane: Lane | None = None
    manifest: Manifest | None = None  # the newest valid one
    fault: Fault | None = None  # records on which engines have failed
    told: set[str] = field(default_factory=set)  # ids of events already published, beyond what the engine has fed
    last_record: float = field(default_factory=time.monotonic)
    tried: float = field(default_factory=time.monotonic)  # when the last snapshot was begun
    afresh: bool = False  # the engine began without a snapshot: the log does not hold our site yet
    worked: bool = False  # more than ticks since then
    hole: tuple[int, int] | None = None  # records missing before a fetched chunk, asked for once more

    @property
    def ready(self) -> bool:
        """Whether readings can be judged."""
        return self.mine and self.settled.is_set()

    def lose(self) -> None:
        """It is another worker's now."""
        self.mine = False
        self.settled.set()
