"""What becomes of a running consumer that Kafka takes a right from: it waits or ends, and never breaks down.

Faust's fetcher and committer end their thread on any such answer, and leave a process that only looks alive. It leans
on private parts of faust-streaming 0.15.3; tests/unit/test_refusals.py fails when they move.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog
from aiokafka.errors import CommitFailedError, GroupAuthorizationFailedError, TopicAuthorizationFailedError
from faust.transport.drivers import aiokafka as driver

from schemas.errors import Misconfigured

log = structlog.get_logger("millstream.refusals")

_PAUSE_S = 1.0
_SAY_EVERY_S = 300.0
_NOT_NOW = "already rebalanced"
"""The text by which Faust knows a commit that is only to be tried again."""


class PatientThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread. A topic that may not be read any more is asked for again until it may be.

    A member whose group is closed to it is lost for aiokafka, so that ends the worker: `transport.on_fault` gets
    Misconfigured, on the worker's own loop.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._said: dict[str, float] = {}  # line -> when it was last logged

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        commit = consumer.commit

        async def patient(*args: Any) -> None:
            try:
                await commit(*args)
            except (GroupAuthorizationFailedError, TopicAuthorizationFailedError) as error:
                self._note(error)
                raise CommitFailedError(_NOT_NOW) from None

        consumer.commit = patient
        return consumer

    async def _fetch_records(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._fetch_records(*args, **kwargs)
        except (GroupAuthorizationFailedError, TopicAuthorizationFailedError) as error:
            self._note(error)
            await asyncio.sleep(_PAUSE_S)
            return {}

    def _note(self, error: GroupAuthorizationFailedError | TopicAuthorizationFailedError) -> None:
        names = error.args[0] if error.args else ""
        what = "group" if isinstance(error, GroupAuthorizationFailedError) else "topic"
        said = f"Kafka: the right to READ {what} {names} was taken away; what a worker needs: millstream topics --acl"
        if self._said.get(said, float("-inf")) + _SAY_EVERY_S > time.monotonic():
            return
        self._said[said] = time.monotonic()
        if what == "group":
            self.parent_loop.call_soon_threadsafe(self.transport.on_fault, Misconfigured(said))
        else:
            log.error(said)
