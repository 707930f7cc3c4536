"""InfluxSink with batches: what goes out in order, what side by side, and what is remembered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from schemas.errors import Retry
from streams.results import Results, SeriesRef
from streams.sinks import pieces
from streams.sinks.line_protocol import lines
from streams.sinks.points import anomalies, readings, tables, verdicts
from tests.unit.sinks import make
from tests.unit.sinks.test_influx_faults import refused, serving


def batch(partition: int, count: int, each: int = 10) -> list[Results]:
    """Consecutive results of a partition, `each` readings in one."""
    start = 1_000_000 * (partition + 1)
    times = [range(start + i * each, start + (i + 1) * each) for i in range(count)]
    return [make.results(make.points(t, [0.5] * each), partition=partition) for t in times]


def times_of(stored: list[bytes]) -> list[int]:
    return [int(line.rsplit(b" ", 1)[1]) for line in stored]


class Gate:
    """Holds each request that has lines until it is let go, and notes how many are on their way at once."""

    def __init__(self) -> None:
        self.most = self.now = 0
        self.waiting: list[asyncio.Event] = []
        self.came = asyncio.Event()

    async def __call__(self, request: web.Request, sent: list[bytes]) -> web.Response:
        if not sent:
            return web.Response(status=204)
        self.now += 1
        self.most = max(self.most, self.now)
        let = asyncio.Event()
        self.waiting.append(let)
        self.came.set()
        await let.wait()
        self.now -= 1
        return web.Response(status=204)

    async def holds(self, count: int) -> None:
        """Return once so many requests have come in all."""
        while len(self.waiting) < count:
            self.came.clear()
            await asyncio.wait_for(self.came.wait(), 10)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "BATCH", 25)


async def test_a_batch_is_cut_into_pieces_across_its_results_in_order() -> None:
    sizes: list[int] = []

    def answer(request: web.Request, sent: list[bytes]) -> web.Response:
        sizes.append(len(sent))
        return web.Response(status=204)

    async with serving(answer) as (stub, sink):
        await sink.write(batch(0, 7))
        assert sizes == [25, 25, 20]
        assert times_of(stub.stored) == list(range(1_000_000, 1_000_070))


async def test_pieces_of_one_write_go_out_one_after_the_other() -> None:
    gate = Gate()
    async with serving(gate, in_flight=4) as (stub, sink):
        writing = asyncio.create_task(sink.write(batch(0, 10)))
        for held in range(1, 5):
            await gate.holds(held)
            gate.waiting[held - 1].set()
        await writing
        assert gate.most == 1
        assert times_of(stub.stored) == sorted(times_of(stub.stored))


async def test_writes_of_several_partitions_go_side_by_side_but_no_more_than_allowed() -> None:
    gate = Gate()
    async with serving(gate, in_flight=2) as (stub, sink):
        writing = [asyncio.create_task(sink.write(batch(p, 5))) for p in range(3)]
        await gate.holds(2)
        assert await sink.ready() is None  # there and back twice: a third would have come by now
        assert len(gate.waiting) == 2
        for held in range(6):
            await gate.holds(held + 1)
            gate.waiting[held].set()
        await asyncio.gather(*writing)
        assert gate.most == 2
        assert sink.points_written == len(stub.stored) == 150


async def test_the_next_piece_is_built_while_one_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []
    plain = pieces.piece_of

    def noted(store: Any, sent: Any) -> Any:
        built.append(len(sent))
        return plain(store, sent)

    monkeypatch.setattr(pieces, "piece_of", noted)
    gate = Gate()
    async with serving(gate) as (_, sink):
        writing = asyncio.create_task(sink.write(batch(0, 6)))
        await gate.holds(1)
        await asyncio.get_running_loop().run_in_executor(sink._thread, int)  # the thread has done what it was given
        assert built == [25, 25]  # one ahead, and not the whole batch
        for held in range(3):
            await gate.holds(held + 1)
            gate.waiting[held].set()
        await writing


async def test_a_repeat_goes_on_in_the_middle_and_another_partition_is_not_held_up() -> None:
    answers = iter([204, 503, 204, 204, 204])
    async with serving(lambda request, sent: web.Response(status=next(answers))) as (stub, sink):
        given = batch(0, 6)
        with pytest.raises(Retry):
            await sink.write(given)
        await sink.write(batch(1, 2))
        await sink.write(given)
        assert times_of(stub.stored) == [
            *range(1_000_000, 1_000_025), *range(2_000_000, 2_000_020), *range(1_000_025, 1_000_060)
        ]  # fmt: skip


async def test_an_equal_batch_that_is_another_object_is_sent_whole() -> None:
    answers = iter([204, 503, *[204] * 9])
    async with serving(lambda request, sent: web.Response(status=next(answers))) as (stub, sink):
        given = batch(0, 4)
        with pytest.raises(Retry):
            await sink.write(given)
        await sink.write(list(given))
        assert len(stub.stored) == 25 + 40


async def test_nothing_is_remembered_of_a_partition_that_was_forgotten() -> None:
    async with serving(lambda request, sent: refused(503)) as (_, sink):
        given = batch(3, 4)
        with pytest.raises(Retry):
            await sink.write(given)
        assert 3 in sink._work
        sink.forget(3)
        assert not sink._work
        sink.forget(3)  # once more does no harm


async def test_a_cancelled_write_leaves_the_sink_as_good_as_new() -> None:
    gate = Gate()
    async with serving(gate) as (_, sink):
        writing = asyncio.create_task(sink.write(batch(0, 6)))
        await gate.holds(1)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        sink.forget(0)
        gate.waiting[0].set()
        again = asyncio.create_task(sink.write(batch(0, 2)))
        await gate.holds(2)
        gate.waiting[1].set()
        await asyncio.wait_for(again, 10)
        assert not sink._work


async def test_a_malformed_line_in_a_batch_costs_only_itself() -> None:
    def picky(request: web.Request, sent: list[bytes]) -> web.Response:
        bad = [line for line in sent if line.endswith(b" 1000031")]
        return refused(400, "something is wrong") if bad else web.Response(status=204)

    async with serving(picky) as (stub, sink):
        await sink.write(batch(0, 6))
        assert sorted(times_of(stub.stored)) == [t for t in range(1_000_000, 1_000_060) if t != 1_000_031]
        assert times_of(stub.stored) == sorted(times_of(stub.stored))
        assert (sink.points_written, sink.points_dropped) == (59, 1)


async def test_an_empty_batch_is_no_request() -> None:
    async with serving(lambda request, sent: refused(500)) as (stub, sink):
        await sink.write([])
        await sink.write([make.results()])
        assert not stub.requests


def test_results_of_one_engine_give_the_lines_that_each_gives_alone() -> None:
    series: list[SeriesRef] = [make.OVEN, make.PUMP]
    watches = [make.WATCH]
    few = [
        make.results(
            make.points([i, i + 1], [1.0, make.NAN], [i % 2, 1], text={1: f"t{i}"} if i % 3 else {}),
            make.verdicts([i, i + 1, i + 2], [0.5, 1.5, make.NAN], [True, i % 2 == 0, True], [0, 1, i % 2]),
            [make.event(i)] if i % 2 else [],
            series,
            watches,
        )
        for i in range(6)
    ]
    few.append(make.results(make.points([99], [9.0])))  # of another engine: its tables are its own
    alone = [line for kind in (readings, verdicts, anomalies) for results in few for line in lines(kind(results))]
    assert [line for table in tables(few) for line in lines(table)] == alone
