"""The chunk transport: what it leans on in Faust is still there, and it commits nothing that was not acknowledged."""

from __future__ import annotations

import asyncio
import inspect
import tomllib
from collections import defaultdict
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import IllegalStateError
from faust.transport.consumer import Consumer as Base
from faust.transport.consumer import ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode import Service

from schemas.chunk import Record
from streams.app import Calls, Judged, make_app
from streams.settings import load_settings
from streams.transport import ChunkConsumer, ChunkTransport

FAUST = "0.15.3"
ROOT = Path(__file__).resolve().parents[2]
TOPIC, STATEFUL = "t.command.v1", "t.reading.v1"
ONE, TWO = TP(TOPIC, 0), TP(TOPIC, 1)


# --- what is leaned on


def test_faust_is_pinned_to_the_version_that_this_transport_was_written_for() -> None:
    assert version("faust-streaming") == FAUST
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"faust-streaming=={FAUST}" in project["dependencies"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("getmany", ["self", "timeout"]),
        ("_wait_next_records", ["self", "timeout"]),
        ("_new_offset", ["self", "tp"]),
        ("_add_gap", ["self", "tp", "offset_from", "offset_to"]),
        ("perform_seek", ["self"]),
        ("on_partitions_revoked", ["self", "revoked"]),
        ("ack", ["self", "message"]),
        ("_filter_committable_offsets", ["self", "tps"]),
        ("_filter_tps_with_pending_acks", ["self", "topics"]),
        ("_should_commit", ["self", "tp", "offset"]),
    ],
)
def test_the_consumers_methods_have_the_parameters_that_are_given_or_taken(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(driver.Consumer, name)).parameters) == parameters


@pytest.mark.parametrize("name", [
    "getmany", "_new_offset", "_add_gap", "perform_seek", "on_partitions_revoked", "_commit_offsets",
    "_filter_tps_with_pending_acks", "maybe_wait_for_commit_to_finish",
])  # fmt: skip
def test_what_is_overridden_is_what_faust_itself_calls(name: str) -> None:
    assert name in vars(ChunkConsumer)
    assert name in vars(Base), "defined there, and not moved into a driver that would win over ours"
    assert name not in vars(driver.Consumer)
    assert name not in vars(ThreadDelegateConsumer)


def test_which_of_the_consumers_methods_are_coroutines_has_not_changed() -> None:
    for name in ("_wait_next_records", "_add_gap", "perform_seek", "on_partitions_revoked"):
        assert inspect.iscoroutinefunction(inspect.unwrap(getattr(driver.Consumer, name))), name
    heartbeat = inspect.getsource(GroupCoordinator._heartbeat_routine)
    assert "success = await self._do_heartbeat()" in heartbeat
    for name in ("_new_offset", "ack"):
        assert not inspect.iscoroutinefunction(getattr(driver.Consumer, name)), name
    assert inspect.isasyncgenfunction(Base.getmany)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        # offsets come from _new_offset alone, and acks are told to us through _acked
        ("_filter_committable_offsets", ["self._new_offset(tp)", "self._should_commit(tp, offset)"]),
        ("_filter_tps_with_pending_acks", ["for tp in self._acked"]),
        ("ack", ["message.acked = True", "self._acked[tp]", "self._acked_index[tp]"]),
        # what is read is handed on by getmany, and a gap is told of
        ("_drain_messages", ["getmany(timeout=", "async for tp, message in", "self._add_gap(", "callback(message)"]),
        ("getmany", ["self._wait_next_records(timeout)", "self.perform_seek()", "self.flow_active"]),
        ("_commit_offsets", ["did_commit = await self._commit(", "self._committed_offset.update(committable_offsets)"]),
        ("verify_all_partitions_active", ["self.verify_event_path(now, tp)"]),
        ("force_commit", ["self._filter_tps_with_pending_acks(topics)", "self._commit_tps("]),
        ("on_partitions_revoked", ["self._acked.pop(tp", "self._committed_offset.pop(tp"]),
    ],
)
def test_faust_still_goes_the_ways_that_are_overridden(method: str, words: list[str]) -> None:
    source = inspect.getsource(getattr(Base, method))
    assert [word for word in words if word not in source] == []


def test_a_message_takes_the_fields_that_a_chunk_gives_it() -> None:
    assert list(inspect.signature(ConsumerMessage).parameters)[:12] == [
        "topic", "partition", "offset", "timestamp", "timestamp_type", "headers", "key", "value", "checksum",
        "serialized_key_size", "serialized_value_size", "tp",
    ]  # fmt: skip
    assert "generation_id" in inspect.signature(ConsumerMessage).parameters


# --- a consumer of ours, made by Faust as a worker makes it, that never connects


@pytest_asyncio.fixture
async def consumer() -> AsyncIterator[ChunkConsumer]:
    async def nothing(*_: object) -> None: ...

    idle = Judged(nothing, nothing, nothing)
    settings = load_settings(prefix="t.", group="g", control_key="k" * 32)
    app = make_app(settings, Calls(idle, idle, nothing, lambda _: None, lambda: None))
    app.finalize()
    made = app.consumer
    app.topics._acking_topics.add(TOPIC)  # as subscribing does
    made.seek_to_committed = _nowhere
    made._on_partitions_revoked = nothing
    yield made
    made._thread.thread_loop.close()


async def test_offsets_of_readings_are_committed_by_snapshots_alone(consumer: ChunkConsumer) -> None:
    tp = TP(STATEFUL, 0)
    assert consumer.transport.stateful == {STATEFUL, "t.kpi.v1"}
    consumer._chunk(tp, records(100, 10)).acked = True
    assert consumer._new_offset(tp) is None
    consumer.transport.durable[tp] = 104
    assert set(consumer._filter_tps_with_pending_acks()) >= {tp}
    assert consumer._new_offset(tp) == 104
    assert not consumer._in_flight


async def test_a_commit_that_a_rebalance_refused_is_tried_again(consumer: ChunkConsumer) -> None:
    tp, answers = TP(STATEFUL, 0), [False, True]

    async def commit(offsets: object) -> bool:
        return answers.pop(0)

    async def flush() -> None: ...

    consumer._commit, consumer.assignment = commit, lambda: {tp}
    consumer.app.producer.flush = flush
    consumer.transport.durable[tp] = 104
    await consumer.force_commit()
    assert consumer._should_commit(tp, 104)
    await consumer.force_commit()
    assert not consumer._should_commit(tp, 104)


async def test_waiting_for_a_commit_ends_when_it_is_cancelled(consumer: ChunkConsumer) -> None:
    consumer._commit_fut = asyncio.get_running_loop().create_future()  # one that never comes to an end
    waiting = asyncio.create_task(consumer.maybe_wait_for_commit_to_finish())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    consumer._commit_fut.set_result(None)
    assert await consumer.maybe_wait_for_commit_to_finish()
    consumer._commit_fut = None
    assert not await consumer.maybe_wait_for_commit_to_finish()


async def _nowhere() -> dict[TP, int]:
    return {ONE: 100, TWO: 0}


def records(first: int, count: int) -> list[Record]:
    """A fetched chunk as the consumer hands it over."""
    return [
        Record(first + i, (1_000 + i) * 1_000_000, b"k", b"v%d" % (first + i), (("h", b"x"),)) for i in range(count)
    ]


def chunk(consumer: ChunkConsumer, first: int, count: int, tp: TP = ONE) -> Any:
    """One chunk in flight."""
    return consumer._chunk(tp, records(first, count))


def committable(consumer: ChunkConsumer) -> dict[TP, int]:
    """What Faust would commit now."""
    tps = list(consumer._filter_tps_with_pending_acks(None))
    found: dict[TP, int] = consumer._filter_committable_offsets(tps)
    consumer._committed_offset.update(found)  # as a commit does
    return found


async def test_faust_makes_our_consumer(consumer: ChunkConsumer) -> None:
    assert type(consumer) is ChunkConsumer
    assert type(consumer.app.transport) is ChunkTransport
    assert isinstance(consumer._acked, defaultdict)
    assert isinstance(consumer._acked_index, defaultdict)
    assert isinstance(consumer._buffered_partitions, set)
    assert isinstance(consumer._in_flight, defaultdict)
    assert consumer.app.consumer_generation_id is not None


async def test_a_chunk_carries_its_records_and_the_place_of_the_first(consumer: ChunkConsumer) -> None:
    message = chunk(consumer, 40, 3)
    assert (message.topic, message.partition, message.offset, message.tp) == (TOPIC, 0, 40, ONE)
    assert message.timestamp == 1.0
    assert message.value == [
        Record(40 + i, (1_000 + i) * 1_000_000, b"k", b"v%d" % (40 + i), (("h", b"x"),)) for i in range(3)
    ]


async def test_a_request_of_the_producer_is_given_up_long_before_its_batch(consumer: ChunkConsumer) -> None:
    made = consumer.app.producer._new_producer()
    assert made.client._request_timeout_ms == 10_000 < made._request_timeout_ms
    given_on = inspect.getsource(AIOKafkaClient._get_conn)
    assert "request_timeout_ms=self._request_timeout_ms" in given_on, "what every connection is made with"


# --- what may be committed


async def test_nothing_is_committed_before_the_first_acknowledgement(consumer: ChunkConsumer) -> None:
    chunk(consumer, 0, 10)
    assert committable(consumer) == {}


async def test_an_acknowledged_chunk_commits_the_offset_behind_its_last_record(consumer: ChunkConsumer) -> None:
    consumer.ack(chunk(consumer, 0, 10))
    assert committable(consumer) == {ONE: 10}
    assert committable(consumer) == {}, "once"


async def test_chunks_commit_up_to_the_first_that_is_not_acknowledged(consumer: ChunkConsumer) -> None:
    a, b, c, d = (chunk(consumer, first, 10) for first in (0, 10, 20, 30))
    for message in (b, d):
        consumer.ack(message)
    assert committable(consumer) == {}, "the head is missing"
    consumer.ack(a)
    assert committable(consumer) == {ONE: 20}
    consumer.ack(c)
    assert committable(consumer) == {ONE: 40}


async def test_acknowledgements_in_any_order_never_commit_past_a_hole(consumer: ChunkConsumer) -> None:
    for order in ([3, 1, 0, 2], [2, 3, 1, 0], [0, 3, 2, 1]):
        consumer._in_flight.clear()
        consumer._committed_offset.clear()
        flight = [chunk(consumer, 5 * i, 5) for i in range(4)]
        done: set[int] = set()
        reached = 0
        for place in order:
            consumer.ack(flight[place])
            done.add(place)
            reached = max(reached, committable(consumer).get(ONE, 0))
            held = next((i for i in range(4) if i not in done), 4)
            assert reached == 5 * held


async def test_offsets_that_compaction_or_a_transaction_took_away_are_no_holes(consumer: ChunkConsumer) -> None:
    consumer.ack(chunk(consumer, 0, 5))
    await consumer._add_gap(ONE, 5, 99)
    consumer.ack(chunk(consumer, 100, 5))
    assert committable(consumer) == {ONE: 105}


async def test_partitions_are_accounted_for_apart(consumer: ChunkConsumer) -> None:
    first, other = chunk(consumer, 0, 10), chunk(consumer, 7, 2, TWO)
    consumer.ack(other)
    assert committable(consumer) == {TWO: 9}
    consumer.ack(first)
    assert committable(consumer) == {ONE: 10}


async def test_an_acknowledgement_from_before_a_seek_commits_nothing(consumer: ChunkConsumer) -> None:
    old = chunk(consumer, 100, 50)
    await consumer.perform_seek()
    new = chunk(consumer, 100, 20)  # the same records again, cut otherwise
    consumer.ack(old)
    assert committable(consumer) == {}
    consumer.ack(new)
    assert committable(consumer) == {ONE: 120}


async def test_an_acknowledgement_from_before_a_seek_with_nothing_in_flight_commits_nothing(
    consumer: ChunkConsumer,
) -> None:
    old = chunk(consumer, 100, 50)
    await consumer.perform_seek()
    consumer.ack(old)
    assert committable(consumer) == {}


async def test_the_first_chunk_after_a_seek_counts_though_its_offset_is_the_committed_one(
    consumer: ChunkConsumer,
) -> None:
    await consumer.perform_seek()
    consumer.ack(chunk(consumer, 100, 1))
    assert committable(consumer) == {ONE: 101}


async def test_a_revoked_partition_is_forgotten_and_the_others_are_kept(consumer: ChunkConsumer) -> None:
    gone, kept = chunk(consumer, 0, 10), chunk(consumer, 0, 10, TWO)
    await consumer.on_partitions_revoked({ONE})
    assert set(consumer._in_flight) == {TWO}
    for message in (gone, kept):
        consumer.ack(message)
    assert committable(consumer) == {TWO: 10}
    # when it comes back, only what was fetched since counts
    back = chunk(consumer, 10, 5)
    assert committable(consumer) == {}
    consumer.ack(back)
    assert committable(consumer) == {ONE: 15}


# --- what is handed on


async def fetched(
    consumer: ChunkConsumer, batches: dict[TP, list[Any]], active: set[TP] | None
) -> list[tuple[TP, Any]]:
    """What getmany yields of batches that the broker gave."""

    async def given(timeout: float) -> tuple[Any, Any]:
        return batches, active

    consumer._wait_next_records = given
    return [pair async for pair in consumer.getmany(1.0)]


async def test_each_fetch_gives_one_chunk_a_partition(consumer: ChunkConsumer) -> None:
    found = await fetched(consumer, {ONE: records(0, 500), TWO: records(3, 2)}, {ONE, TWO})
    assert [(tp, message.offset, len(message.value)) for tp, message in found] == [(ONE, 0, 500), (TWO, 3, 2)]
    assert {tp: [end for _, end in flight] for tp, flight in consumer._in_flight.items()} == {ONE: [500], TWO: [5]}


async def test_partitions_that_are_not_active_give_nothing_and_hold_up_nothing(consumer: ChunkConsumer) -> None:
    found = await fetched(consumer, {ONE: records(0, 5), TWO: []}, {TWO})
    assert found == []
    assert not any(consumer._in_flight.values())


async def test_a_fetch_that_comes_while_the_flow_is_stopped_is_dropped_and_sought_again(
    consumer: ChunkConsumer,
) -> None:
    chunk(consumer, 0, 5)
    consumer.flow_active = False
    assert await fetched(consumer, {ONE: records(5, 5)}, {ONE}) == []
    assert consumer._in_flight == {}
    assert consumer._committed_offset[ONE] == 100, "it stands where the group has committed"


async def test_a_seek_that_a_rebalance_refuses_does_not_end_the_consumer(consumer: ChunkConsumer) -> None:
    async def gone() -> dict[TP, int]:
        raise IllegalStateError(f"No current assignment for partition {ONE}")

    consumer.seek_to_committed = gone
    consumer.flow_active = False
    assert await fetched(consumer, {ONE: records(5, 5)}, {ONE}) == []


@pytest.mark.parametrize(
    ("reason", "told"), [(OSError("disk"), OSError), (asyncio.CancelledError(), RuntimeError)], ids=["bug", "cancelled"]
)
async def test_what_ends_a_part_of_faust_in_any_thread_is_told_to_the_worker(
    reason: BaseException, told: type[BaseException]
) -> None:
    heard: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def nothing(*_: object) -> None: ...

    idle = Judged(nothing, nothing, nothing)
    settings = load_settings(prefix="t.", group="g", control_key="k" * 32)
    app = make_app(settings, Calls(idle, idle, nothing, heard.set_result, lambda: None))
    app.finalize()
    thread = app.consumer._thread
    await asyncio.to_thread(asyncio.run, Service.crash(thread, reason))
    assert isinstance(await asyncio.wait_for(heard, 5), told)
    thread.thread_loop.close()


async def test_a_rebalance_in_the_middle_of_a_fetch_ends_it(consumer: ChunkConsumer) -> None:
    async def given(timeout: float) -> tuple[Any, Any]:
        return {ONE: records(0, 5), TWO: records(0, 5)}, {ONE, TWO}

    consumer._wait_next_records = given
    found = []
    async for tp, _ in consumer.getmany(1.0):
        found.append(tp)
        consumer.app.consumer_generation_id += 1
    assert found == [ONE]
    assert set(consumer._in_flight) == {ONE}
