"""Health: what turns /healthz and /readyz red, and what must not."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streams import health
from streams.health import DEAF_S, STALLED_S, Health


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(health.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def worker(**changed: Any) -> Any:
    async def ready() -> str | None:
        return None

    return SimpleNamespace(
        **{
            "failed": asyncio.get_running_loop().create_future(),
            "behind": 0,
            "lanes": SimpleNamespace(stuck_s=0.0),
            "owned": {0: SimpleNamespace(ready=True)},
            "stages": (),
            "fence": SimpleNamespace(open=True, silent_s=0.0),
            "sink": SimpleNamespace(ready=ready),
            **changed,
        }
    )


async def test_an_idle_worker_is_alive_and_ready(clock: Clock) -> None:
    of = Health(worker())
    clock.now += 10 * STALLED_S
    assert (await of.alive(), await of.ready()) == ([], [])


async def test_records_that_wait_while_nothing_moves_for_a_minute_are_a_fault(clock: Clock) -> None:
    of = Health(worker(behind=7))
    clock.now += STALLED_S - 1
    assert await of.alive() == []
    clock.now += 2
    assert await of.alive() == ["7 records wait, and none was taken for 61 s"]
    of.moved()
    assert await of.alive() == []


async def test_a_chunk_in_hand_that_does_not_move_for_a_minute_is_a_fault_though_nothing_waits_behind_it(
    clock: Clock,
) -> None:
    of = Health(worker())
    of.began()
    clock.now += STALLED_S + 1
    assert await of.alive() == ["a chunk in hand waits to be judged and told of, and has not moved for 61 s"]
    of.ended()
    clock.now += STALLED_S + 1
    assert await of.alive() == []


async def test_a_store_that_is_away_for_a_night_makes_it_unready_but_not_dead(clock: Clock) -> None:
    of = Health(worker(behind=7))
    for _ in range(100):
        clock.now += STALLED_S / 2
        of.trouble("sink", "sink: trying again: it is away")
    assert await of.alive() == []
    assert await of.ready() == ["sink: trying again: it is away"]
    of.well("sink")
    assert await of.ready() == []


async def test_a_write_that_hangs_is_a_fault(clock: Clock) -> None:
    of = Health(worker(lanes=SimpleNamespace(stuck_s=STALLED_S + 1)))
    assert await of.alive() == ["a write to the store has been under way for 61 s"]


async def test_a_group_that_is_silent_makes_it_unready_and_in_the_end_dead(clock: Clock) -> None:
    of = Health(worker(fence=SimpleNamespace(open=False, silent_s=20.0), behind=7))
    clock.now += 10 * STALLED_S  # nothing moves, as nothing may be sent: a restart would not help
    assert await of.alive() == []
    assert await of.ready() == ["the consumer group has not answered for 20 s; nothing is sent"]
    deaf = Health(worker(fence=SimpleNamespace(open=False, silent_s=DEAF_S + 1)))
    assert await deaf.alive() == ["the consumer group has not answered for 901 s"]


async def test_a_lost_or_empty_assignment_makes_it_unready(clock: Clock) -> None:
    (line,) = await Health(worker(owned={})).ready()
    assert line.startswith("no partition is assigned")


async def test_partitions_that_are_being_restored_are_named(clock: Clock) -> None:
    owned = {2: SimpleNamespace(ready=False), 1: SimpleNamespace(ready=True), 5: SimpleNamespace(ready=False)}
    stage = SimpleNamespace(owned=owned, kind=SimpleNamespace(topic="kpi.v1"))
    assert await Health(worker(stages=(stage,))).ready() == ["kpi.v1: partitions 2, 5 are still being restored"]


async def test_a_bug_is_a_fault(clock: Clock) -> None:
    of = worker()
    of.failed.set_exception(RuntimeError("a bug"))
    (line,) = await Health(of).alive()
    assert line.startswith("the worker has failed")
    of.failed.exception()
