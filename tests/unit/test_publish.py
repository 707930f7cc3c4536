"""What is told of rejected messages: capped by source, reason and second, whatever the order in which chunks come."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

import orjson
import pytest
from aiokafka.errors import KafkaConnectionError

from schemas.audit import Audit
from schemas.chunk import Place, Record
from schemas.command import Target
from streams.collect import Collector
from streams.metrics import Metrics
from streams.publish import REJECTED_PER_S, Publisher
from streams.results import Rejection, Results
from streams.settings import load_settings

SECOND = 1_000_000_000


class Broker:
    """Keeps what is sent; while `away`, nothing is acknowledged."""

    def __init__(self) -> None:
        self.away = False
        self.told: list[dict[str, Any]] = []
        self.metrics = Metrics()
        settings = load_settings(prefix="t.", control_key="k" * 32)
        self.publisher = Publisher(settings, self.send, self.metrics, lambda: "line")

    async def send(self, topic: str, key: bytes | None, value: bytes, *rest: object) -> Awaitable[None]:
        """A producer's send."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.away:
            done.set_exception(KafkaConnectionError("away"))
        else:
            self.told.append(orjson.loads(value))
            done.set_result(None)
        return done


def rejecting(partition: int, second: int, count: int, first: int = 0) -> Results:
    """A chunk's results: `count` messages of one source rejected for one reason within a second."""
    out = Collector()
    for i in range(first, first + count):
        record = Record(i, second * SECOND, None, b"{")
        out.reject(Rejection(Place(i, "malformed", "", "gw-1", 0), record, second * SECOND), 1)
    return out.results(partition, first + count, second * SECOND, [], [])


async def test_a_second_has_one_cap_however_partitions_take_turns() -> None:
    broker = Broker()
    for first in (0, 8):
        for second in (100, 101):
            for partition in (0, 1):
                await broker.publisher.publish(rejecting(partition, second, 8, first))
    told = Counter(record["received"] // SECOND for record in broker.told)
    assert told == {100: REJECTED_PER_S, 101: REJECTED_PER_S}
    unlisted = broker.metrics.value("millstream_rejected_unlisted_total", reason="malformed")
    assert unlisted == 8 * 8 - 2 * REJECTED_PER_S


async def test_what_could_not_be_published_is_told_when_it_is_tried_again() -> None:
    broker = Broker()
    results = rejecting(0, 100, REJECTED_PER_S + 5)
    broker.away = True
    for _ in range(3):
        with pytest.raises(KafkaConnectionError):
            await broker.publisher.publish(results)
    broker.away = False
    await broker.publisher.publish(results)
    assert [record["offset"] for record in broker.told] == list(range(REJECTED_PER_S))
    assert broker.metrics.value("millstream_rejected_unlisted_total", reason="malformed") == 5, "counted once"


def decided(asset: str | None) -> Audit:
    """A row about an asset, a glob of them, or none."""
    target = Target(asset=asset)
    return Audit(
        audit_id="a", command_id="c", kind="mute", target=target, outcome="accepted", log="reading.v1", partition=3,
        offset=5, received=7,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asset", "key"),
    [("penang/smt/line1/oven3", b"penang/smt/line1"), ("penang/smt/*", None), (None, None)],
)
async def test_decisions_go_to_the_audit_topic_on_the_engines_partition(asset: str | None, key: bytes | None) -> None:
    broker, sent = Broker(), []

    async def send(*record: Any) -> Awaitable[None]:
        sent.append(record)
        return await Broker.send(broker, *record[:3])

    broker.publisher.send = send
    audit = decided(asset)
    await broker.publisher.publish(rejecting(3, 100, 0)._replace(audits=[audit]))
    [(topic, found, value, partition, timestamp, headers)] = sent
    assert (topic, found, partition, timestamp) == ("t.audit.v1", key, 3, None)
    assert headers == [("content-type", b"application/json")]
    assert Audit.model_validate_json(value) == audit
