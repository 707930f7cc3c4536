"""The log reader gives a consumer up that has failed: the next question is asked by a new one."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError

from streams.state import log as module
from streams.state.log import Log


class Consumer:
    """Stands for aiokafka's after its broker was killed: the first that is made never answers again."""

    made: ClassVar[list[Consumer]] = []

    def __init__(self, **options: Any) -> None:
        self.dead = not Consumer.made
        self.away = len(Consumer.made) == 1
        self.stopped = False
        Consumer.made.append(self)

    async def start(self) -> None:
        if self.away:
            raise KafkaConnectionError("the broker is away")

    async def stop(self) -> None:
        self.stopped = True

    async def beginning_offsets(self, tps: list[Any]) -> dict[Any, int]:
        if self.dead:
            raise KafkaTimeoutError("Failed to get offsets by times in 10000 ms")
        return dict.fromkeys(tps, 3)

    async def end_offsets(self, tps: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, 7)


async def test_after_a_failure_the_next_question_is_asked_by_a_new_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AIOKafkaConsumer", Consumer)
    monkeypatch.setattr(Consumer, "made", [])

    async def committed(topic: str, partition: int) -> int | None:
        return None

    log = Log("127.0.0.1:1", committed, {})
    await log.start()
    with pytest.raises(KafkaTimeoutError):
        await log.bounds("t", 0)
    with pytest.raises(KafkaConnectionError):
        await log.bounds("t", 0)
    assert await log.bounds("t", 0) == (3, 7)
    assert await log.bounds("t", 0) == (3, 7)
    assert [c.stopped for c in Consumer.made] == [True, True, False], "none is leaked, and the good one is kept"
    await log.stop()
    assert Consumer.made[-1].stopped
