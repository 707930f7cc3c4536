"""Patience: the world's faults are waited out, with back-off and jitter, and said meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiokafka.errors import KafkaError

from schemas.errors import Retry
from streams.backoff import Backoff
from streams.health import Health
from streams.metrics import Metrics

log = structlog.get_logger("millstream.worker")


class Patience:
    """Does something until it works. Anything but a fault of the world (Retry, Kafka's errors, time-outs) is raised."""

    def __init__(self, health: Health, metrics: Metrics) -> None:
        self._health, self._metrics = health, metrics

    async def __call__(self, what: str, act: Callable[[], Awaitable[None]]) -> None:
        """Do `act` until it returns; `what` names it in readiness, metrics and log."""
        backoff = Backoff()
        while True:
            try:
                await act()
                self._health.well(what)
                return
            except (Retry, KafkaError, TimeoutError) as error:
                delay = backoff.delay(error if isinstance(error, Retry) else None)
                said = str(error) or repr(error)
                self._metrics.count("millstream_sink_retries_total", sink=what)
                self._health.trouble(what, f"{what}: trying again ({backoff.tries}): {said}")
                if backoff.tries in (1, 5) or backoff.tries % 20 == 0:
                    log.warning("trying again", what=what, tries=backoff.tries, error=said)
                await asyncio.sleep(delay)
