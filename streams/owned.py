"""What a worker holds of one partition that it owns: its engine, its lane to the store, its newest snapshot."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from detectors.base import Copy
from streams.lanes import Lane
from streams.resolve import ResolvedSite
from streams.state.faults import Fault
from streams.state.manifest import Manifest


class Stateful(Protocol):
    """What every engine is, whichever topic it reads: a position in its log, and state to save."""

    partition: int
    next_offset: int
    received: int
    site: ResolvedSite

    def snapshot(self, copy: Copy = np.copy) -> dict[str, Any]:
        """All state, as arrays and plain data."""

    def restore(self, saved: dict[str, Any]) -> list[str]:
        """Take up what `snapshot` gave; says, a line each, what starts afresh."""


E = TypeVar("E", bound=Stateful)


@dataclass(eq=False)
class Owned(Generic[E]):
    """One partition while it is ours. `mine` turns False for good when it goes elsewhere."""

    partition: int
    mine: bool = True
    settled: asyncio.Event = field(default_factory=asyncio.Event)  # restored, or lost: a chunk may go on or be dropped
    engine: E | None = None
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
