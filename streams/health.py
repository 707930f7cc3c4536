"""Liveness and readiness: what is wrong with a worker, one line each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.worker import Worker

STALLED_S = 60.0
"""Without any movement for this long while there is work, the worker is not alive."""
DEAF_S = 900.0
"""A broker may be away for this long before the worker's own end of the line is doubted."""


class Health:
    """Remembers when something last moved, and what is being tried again."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._moved = time.monotonic()
        self._under_way = False  # readings are being judged and told of
        self._trouble: dict[str, str] = {}  # what is being tried again -> why

    def began(self) -> None:
        """Some readings are taken in hand."""
        self._under_way = True
        self.moved()

    def ended(self) -> None:
        """They are judged, and what follows is told."""
        self._under_way = False
        self.moved()

    def moved(self) -> None:
        """Some work was done."""
        self._moved = time.monotonic()

    def trouble(self, what: str, why: str) -> None:
        """Something failed and is tried again: not ready, but alive, as a restart would not help."""
        self._trouble[what] = why
        self.moved()

    def well(self, what: str) -> None:
        """It works again."""
        self._trouble.pop(what, None)

    async def alive(self) -> list[str]:
        """Faults that a restart may cure."""
        worker, faults = self._worker, []
        if worker.failed.done():
            faults.append("the worker has failed and is about to exit; see its log")
        quiet = time.monotonic() - self._moved
        if worker.behind and quiet > STALLED_S and worker.fence.open:
            faults.append(f"{worker.behind} records wait, and none was taken for {quiet:.0f} s")
        elif self._under_way and quiet > STALLED_S and worker.fence.open:
            faults.append(f"a chunk in hand waits to be judged and told of, and has not moved for {quiet:.0f} s")
        if worker.lanes.stuck_s > STALLED_S:
            faults.append(f"a write to the store has been under way for {worker.lanes.stuck_s:.0f} s")
        if worker.fence.silent_s > DEAF_S:
            faults.append(f"the consumer group has not answered for {worker.fence.silent_s:.0f} s")
        return faults

    async def ready(self) -> list[str]:
        """Faults for which no more work should be expected of this worker now."""
        worker = self._worker
        faults = [*await self.alive(), *self._trouble.values()]
        if not worker.owned:
            faults.append(
                "no partition is assigned: is the reading topic there (millstream topics), may we read it, and are "
                "there more partitions than workers?"
            )
        for stage in worker.stages:
            waiting = sorted(p for p, owned in stage.owned.items() if not owned.ready)
            if waiting:
                faults.append(f"{stage.kind.topic}: partitions {', '.join(map(str, waiting))} are still being restored")
        if not worker.fence.open:
            faults.append(f"the consumer group has not answered for {worker.fence.silent_s:.0f} s; nothing is sent")
        if worker.sink is not None and (wrong := await worker.sink.ready()):
            faults.append(wrong)
        return faults
