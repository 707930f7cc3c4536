"""Workers that come, freeze and go: a partition has one owner at a time, and the one that was cannot harm."""

from __future__ import annotations

import signal
import time

from tests.faults.outages import flow
from tests.faults.plant import PARTITIONS
from tests.faults.processes import WorkerProcess
from tests.faults.stand import Stand


def assigned(*workers: WorkerProcess) -> list[int]:
    """Partitions that each owns and has restored."""
    return [int(w.metrics().get("millstream_partitions_assigned", 0)) for w in workers]


def shared(*workers: WorkerProcess, timeout_s: float = 60.0) -> None:
    """Wait until these workers own all partitions, each at least one."""

    def done() -> bool:
        own = assigned(*workers)
        return sum(own) == PARTITIONS and all(own)

    workers[0].until(done, f"{len(workers)} workers share the partitions", timeout_s)


def frozen_owner(stand: Stand, owner: WorkerProcess | None = None) -> None:
    """The owner is frozen with work in hand until another worker took over; then it thaws and finds itself outrun."""
    owner = owner or stand.worker()
    shared(owner)
    flow(stand, 3.0, 0.6)
    stand.feed.send(3)
    stand.feed.flush()
    owner.signal(signal.SIGSTOP)
    heir = stand.worker()
    shared(heir)
    flow(stand, 1.0, 0.6)
    stand.feed.send(2)
    owner.signal(signal.SIGCONT)
    flow(stand, 2.0, 0.6)
    shared(owner, heir)
    flow(stand, 1.0, 0.6)
    stand.settle()


def come_and_go(stand: Stand) -> None:
    """Two workers, then three, then one: the others leave by SIGTERM and by SIGKILL."""
    first, second = stand.worker(), stand.worker()
    shared(first, second)
    flow(stand, 5.0)
    third = stand.worker()
    shared(first, second, third)
    flow(stand, 5.0)
    began = time.monotonic()
    first.stop()
    stopped = time.monotonic() - began
    stand.feed.send(2)
    second.kill()
    shared(third)
    print(f"  SIGTERM took {stopped:.1f} s", flush=True)
    flow(stand, 3.0)
    stand.settle()
