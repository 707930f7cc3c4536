"""Lanes to the store: in order, merged, bounded, and never in each other's way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from schemas.errors import Retry
from streams.collect import Collector
from streams.lanes import MERGED, Lanes
from streams.results import Results
from tests.integration.support.waiting import until


def results(partition: int, next_offset: int, readings: int = 10) -> Results:
    out = Collector()
    out.count("readings_in", readings)
    return out.results(partition, next_offset, 0, [], [])


class Store:
    """A store whose door can be shut."""

    def __init__(self) -> None:
        self.door = asyncio.Event()
        self.door.set()
        self.writes: list[list[tuple[int, int]]] = []
        self.forgotten: list[int] = []
        self.away = self.bug = False

    async def open(self) -> None: ...

    async def write(self, batch: Sequence[Results]) -> None:
        await self.door.wait()
        if self.bug:
            raise RuntimeError("a bug")
        if self.away:
            raise Retry("away")
        self.writes.append([(r.partition, r.next_offset) for r in batch])

    def forget(self, partition: int) -> None:
        self.forgotten.append(partition)

    async def ready(self) -> str | None:
        return None

    async def close(self) -> None: ...


async def patience(what: str, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await act()
        except Retry:
            await asyncio.sleep(0.01)


def lanes(store: Store | None, limit: int = 1000, faults: list[BaseException] | None = None) -> Lanes:
    return Lanes(store, limit, patience, (faults if faults is not None else []).append)


async def test_results_are_stored_in_order_and_said_to_be() -> None:
    store = Store()
    all_ = lanes(store)
    lane = all_.open(0, 5)
    for offset in (6, 7, 8):
        all_.put(lane, results(0, offset))
    await asyncio.wait_for(lane.wait(8), 5)
    assert [each for write in store.writes for each in write] == [(0, 6), (0, 7), (0, 8)]
    assert (lane.stored, all_.pending) == (8, 0)


async def test_what_waits_behind_a_slow_write_is_written_together() -> None:
    store = Store()
    all_ = lanes(store)
    lane = all_.open(0, 0)
    store.door.clear()
    for offset in (1, 2, 3, 4):
        all_.put(lane, results(0, offset))
        await asyncio.sleep(0)
    store.door.set()
    await asyncio.wait_for(lane.wait(4), 5)
    assert len(store.writes) <= 2


async def test_a_merged_write_stays_bounded() -> None:
    store = Store()
    all_ = lanes(store, limit=10**9)
    lane = all_.open(0, 0)
    for offset in range(1, 7):
        all_.put(lane, results(0, offset, MERGED // 2))
    await asyncio.wait_for(lane.wait(6), 5)
    assert max(map(len, store.writes)) <= 2


async def test_one_partition_does_not_wait_for_another() -> None:
    store = Store()
    all_ = lanes(store)
    slow, quick = all_.open(0, 0), all_.open(1, 0)
    store.door.clear()
    all_.put(slow, results(0, 1))
    await asyncio.sleep(0)
    all_.put(quick, results(1, 1))
    store.door.set()
    await asyncio.wait_for(asyncio.gather(slow.wait(1), quick.wait(1)), 5)


async def test_there_is_no_room_beyond_the_limit_until_the_store_has_taken_something() -> None:
    store = Store()
    store.away = True
    all_ = lanes(store, limit=20)
    lane = all_.open(0, 0)
    all_.put(lane, results(0, 1, 30))
    waiting = asyncio.create_task(all_.room())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    store.away = False
    await asyncio.wait_for(waiting, 5)


async def test_a_closed_lane_frees_its_room_and_ends_those_who_wait_for_it() -> None:
    store = Store()
    store.away = True
    all_ = lanes(store, limit=20)
    lane = all_.open(3, 0)
    all_.put(lane, results(3, 1, 30))
    waiting = asyncio.create_task(lane.wait(1))
    await asyncio.sleep(0.05)
    all_.close(lane)
    await asyncio.wait_for(asyncio.gather(waiting, all_.room()), 5)
    assert (all_.pending, store.forgotten, lane.stored) == (0, [3], 0)


async def test_a_bug_in_the_store_is_told_and_nothing_is_said_to_be_stored() -> None:
    store, faults = Store(), list[BaseException]()
    store.bug = True
    all_ = lanes(store, faults=faults)
    lane = all_.open(0, 0)
    all_.put(lane, results(0, 1))
    await until(lambda: faults, 5, "the bug is told")
    assert isinstance(faults[0], RuntimeError)
    store.bug = False
    all_.put(lane, results(0, 2))
    await asyncio.sleep(0.05)
    assert (lane.stored, store.writes) == (0, []), "nothing is written after a bug"


async def test_a_write_that_hangs_shows() -> None:
    store = Store()
    all_ = lanes(store)
    lane = all_.open(0, 0)
    store.door.clear()
    all_.put(lane, results(0, 1))
    await until(lambda: all_.stuck_s > 0.02, 5, "it shows that a write is under way")
    store.door.set()
    await asyncio.wait_for(lane.wait(1), 5)
    await until(lambda: all_.stuck_s == 0.0, 5, "nothing is under way")


async def test_without_a_store_everything_counts_as_stored_at_once() -> None:
    all_ = lanes(None)
    lane = all_.open(0, 0)
    all_.put(lane, results(0, 9))
    assert lane.stored == 9
    await asyncio.wait_for(all_.room(), 1)


@pytest.mark.parametrize("many", [1, 5])
async def test_drained_returns_once_every_lane_is_empty(many: int) -> None:
    store = Store()
    all_ = lanes(store)
    for partition in range(many):
        all_.put(all_.open(partition, 0), results(partition, 1))
    await asyncio.wait_for(all_.drained(), 5)
    assert all_.pending == 0
