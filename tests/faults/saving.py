"""Kills around snapshots: in the middle of one, while the store hangs and snapshots fall due, with memory full."""

from __future__ import annotations

import time

from tests.faults.outages import flow
from tests.faults.processes import WorkerProcess, sum_of
from tests.faults.snapshots import unfinished
from tests.faults.stand import Stand
from tests.servers.proxy import Proxy


def kill_in_a_snapshot(stand: Stand, store: Proxy, times: int = 2, tries: int = 12) -> int:
    """Kill when a chunk is written and its manifest is not, so many times; a slow store makes the moment longer."""
    done = 0
    for _ in range(tries):
        before = unfinished(stand.tap.all(stand.state))
        worker = stand.worker()
        worker.until_ready()
        flow(stand, 2.5)
        store.delay(0.7)
        stand.feed.send(2)
        _kill_at_a_chunk(stand, worker, before)
        store.heal()
        store.cut()
        stand.tap.catch_up(stand.state)
        done += bool(unfinished(stand.tap.all(stand.state)) - before)
        if done == times:
            break
    worker = stand.worker()
    worker.until_ready()
    flow(stand, 2.0)
    stand.settle()
    return done


def _kill_at_a_chunk(stand: Stand, worker: WorkerProcess, before: set[str]) -> None:
    deadline = time.monotonic() + 20
    while not unfinished(stand.tap.all(stand.state)) - before:
        assert time.monotonic() < deadline, "no snapshot was begun"
        time.sleep(0.002)
    worker.kill()


def kill_while_the_store_hangs(stand: Stand, store: Proxy, seconds: float) -> None:
    """The store swallows everything while several snapshots fall due; none may become valid; then a kill."""
    worker = stand.worker()
    worker.until_ready()
    flow(stand, 5.0)
    store.swallow()
    time.sleep(0.5)
    stand.feed.send(1)
    stand.tap.catch_up(stand.state)
    at = {p: seen.next_offset for p, seen in stand.snapshots().items()}
    flow(stand, seconds)
    stand.tap.catch_up(stand.state)
    moved = {p: seen.next_offset - at.get(p, 0) for p, seen in stand.snapshots().items()}
    # results of the first block may have been stored before the store fell silent, those of later ones not
    sent = {p: max(d, default=0) for p, d in stand.feed.delivered.items()}
    assert all(seen.next_offset <= sent[p] for p, seen in stand.snapshots().items()), (
        f"saved what is not stored: {moved}"
    )
    worker.kill()
    store.heal()
    store.cut()
    worker = stand.worker()
    worker.until_ready()
    flow(stand, 1.0)
    stand.settle()


def memory_full(stand: Stand, store: Proxy, pending: int) -> dict[str, float]:
    """The store is away until the worker holds all it may; a kill; no page comes twice, none goes away.

    `pending` is the worker's MILLSTREAM_MAX_PENDING. Returns figures.
    """
    worker = stand.worker(max_pending=str(pending), metrics_hold="5m")
    worker.until_ready()
    flow(stand, 4.0)
    stand.feed.flush()
    store.refuse()
    time.sleep(0.5)
    events = len(stand.tap.all(stand.topic("anomaly.v1")))
    listed = set(_listed(worker))
    deadline = time.monotonic() + 60
    while worker.metrics().get("millstream_pending_readings", 0) < pending:
        stand.feed.send()
        assert time.monotonic() < deadline, "the worker's memory bound was never reached"
        time.sleep(0.2)
    stand.feed.send(4)
    flow(stand, 3.0)
    reached = len(stand.tap.all(stand.topic("anomaly.v1"))) - events
    before = _listed(worker)
    held = worker.metrics().get("millstream_pending_readings", 0)
    assert reached > 0, "no event reached the topic during the outage"
    assert set(before) - listed, "no episode reached the metrics during the outage"
    worker.note_memory()
    opened = _opened(stand)
    worker.kill()
    heir = stand.worker(max_pending=str(pending), metrics_hold="5m")
    # the very first scrape that is answered: an alert that misses its series once ends, and comes again
    heir.until(lambda: heir.get("/healthz")[0], "the worker listens")
    first = _listed(heir)
    gone = {name: severity for name, severity in before.items() if name not in first}
    twice = _opened(stand)
    assert len(twice) == len(set(twice)), "an episode was opened twice on the topic"
    assert not gone, (
        f"{len(gone)} of {len(before)} episodes were not in the metrics after the restart: {sorted(gone)[:3]}"
    )
    store.heal()
    stand.settle()
    return {"events during the outage": reached, "held readings": held, "listed": len(before), "opened": len(opened)}


def _listed(worker: WorkerProcess) -> dict[str, float]:
    """Episodes in the metrics."""
    found = worker.metrics(timeout_s=30)
    assert found, "/metrics did not answer"
    assert sum_of(found, "millstream_episodes_unlisted") == 0
    return {name: value for name, value in found.items() if name.startswith("millstream_episode_severity{")}


def _opened(stand: Stand) -> list[bytes]:
    """Events of phase opened, as they stand on the topic."""
    stand.tap.catch_up(stand.topic("anomaly.v1"))
    found = [record.value or b"" for _, record in stand.tap.all(stand.topic("anomaly.v1"))]
    return [value.split(b'"event_id":"')[1][:36] for value in found if b'"phase":"opened"' in value]
