"""A consumer that Kafka takes a right from: what it leans on in Faust is there, and nothing breaks down."""

from __future__ import annotations

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    KafkaTimeoutError,
    TopicAuthorizationFailedError,
)
from faust.transport.drivers import aiokafka as driver
from structlog.testing import capture_logs

from schemas.errors import Misconfigured
from streams import refusals
from streams.refusals import PatientThread

REFUSALS = [GroupAuthorizationFailedError("g"), TopicAuthorizationFailedError("t")]


class Thread(PatientThread):
    """The thread without a thread: only what the two methods use."""

    def __init__(self) -> None:
        self._said = {}
        self.faults: list[BaseException] = []
        self.parent_loop = asyncio.get_running_loop()
        self.transport = SimpleNamespace(on_fault=self.faults.append)


def give(monkeypatch: pytest.MonkeyPatch, name: str, result: Any) -> None:
    async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(result, BaseException):
            raise result
        return result

    monkeypatch.setattr(driver.AIOKafkaConsumerThread, name, method)
    monkeypatch.setattr(refusals, "_PAUSE_S", 0.0)


def test_the_methods_that_are_replaced_are_there_and_used() -> None:
    thread = driver.AIOKafkaConsumerThread
    assert "self._fetch_records" in inspect.getsource(thread.getmany)
    assert "await consumer.commit(" in inspect.getsource(thread._commit)
    assert 'if "already rebalanced" in str(exc):\n                return False' in inspect.getsource(thread._commit)
    assert "_create_worker_consumer(" in inspect.getsource(thread._create_consumer)
    assert list(inspect.signature(AIOKafkaConsumer.commit).parameters) == ["self", "offsets"]


@pytest.mark.parametrize("error", REFUSALS, ids=["group", "topic"])
async def test_a_refused_fetch_finds_nothing_and_says_why_once(
    error: KafkaError, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, "_fetch_records", error)
    thread = Thread()
    with capture_logs() as logs:
        assert [await thread._fetch_records() for _ in range(3)] == [{}, {}, {}]
        await asyncio.sleep(0)
    said = [entry["event"] for entry in logs] + [str(fault) for fault in thread.faults]
    what = "group g" if isinstance(error, GroupAuthorizationFailedError) else "topic t"
    assert said == [f"Kafka: the right to READ {what} was taken away; what a worker needs: millstream topics --acl"]


async def test_only_the_group_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    for error, faults in zip(REFUSALS, ([Misconfigured], []), strict=True):
        give(monkeypatch, "_fetch_records", error)
        thread = Thread()
        await thread._fetch_records()
        await asyncio.sleep(0)
        assert [type(fault) for fault in thread.faults] == faults


async def test_other_errors_are_raised_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, "_fetch_records", KafkaTimeoutError())
    with pytest.raises(KafkaTimeoutError):
        await Thread()._fetch_records()


async def test_records_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, "_fetch_records", {"tp": ["record"]})
    assert await Thread()._fetch_records() == {"tp": ["record"]}


@pytest.mark.parametrize("error", REFUSALS, ids=["group", "topic"])
async def test_a_refused_commit_is_tried_again_and_ends_no_thread(
    error: KafkaError, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def commit(offsets: Any) -> None:
        raise error

    consumer = SimpleNamespace(commit=commit)
    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_create_worker_consumer", lambda self, transport: consumer)
    thread = Thread()
    made = thread._create_worker_consumer(None)
    with pytest.raises(CommitFailedError, match="already rebalanced"):
        await made.commit({})
    # what Faust makes of it
    thread._consumer, thread.tp_last_committed_at = made, {}
    thread.assignment = set  # type: ignore[method-assign]
    thread.crash = pytest.fail  # type: ignore[method-assign,assignment]
    assert await driver.AIOKafkaConsumerThread._commit(thread, {}) is False
