"""Publishing results to topics: events, decisions, what was rejected, and readings that belong elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson

from schemas.audit import Audit
from schemas.control import ORIGIN, encode_origin
from schemas.partition import Level, key_of
from schemas.rejected import rejected_from
from streams.metrics import Metrics
from streams.results import Forward, Rejection, Results
from streams.settings import Settings

Send = Callable[..., Awaitable[Awaitable[Any]]]
"""A producer's send: (topic, key, value, partition, timestamp, headers) -> a future of the acknowledgement."""

REJECTED_PER_S = 10
"""Records a second and (source, reason) on the rejected topic; the rest is counted only."""


_REMEMBERED = 10_000
"""Seconds, sources and reasons that the cap keeps in mind."""


class Publisher:
    """Sends one chunk's results and waits until the broker has acknowledged them all."""

    def __init__(
        self, settings: Settings, send: Send, metrics: Metrics, level: Callable[[], Any], figures: str = "kpi.v1"
    ) -> None:
        self.settings, self.send, self.metrics, self.level = settings, send, metrics, level
        self.figures = figures  # the topic of key figures
        self._told: dict[tuple[int, str | None, str], int] = {}  # (second, source, reason) -> how many
        self._chosen: dict[int, tuple[Results, list[Rejection]]] = {}  # partition -> what is being published

    async def publish(self, results: Results) -> None:
        """Send everything; on return all of it is acknowledged. Raises Kafka's errors, to be tried again."""
        topic = self.settings.topic
        pending = []
        detected = time.time_ns()
        for event in results.events:
            body = event.model_copy(update={"detected": detected}).model_dump_json().encode()
            key = key_of(event.asset, self.level())
            pending.append(await self.send(topic("anomaly.v1"), key, body, results.partition, None, _JSON))
        for audit in results.audits:
            about, body = audit_record(audit, self.level())
            pending.append(await self.send(topic("audit.v1"), about, body, results.partition, None, _JSON))
        for row in results.kpis:
            body = row.model_dump_json().encode()
            pending.append(await self.send(topic(self.figures), key_of(row.asset, "site"), body, None, None, _JSON))
        pending += [await self._reject(rejection, results.partition) for rejection in self._listed(results)]
        pending += [await self._forward(forward, results.partition) for forward in results.forwards]
        if pending:
            await asyncio.gather(*pending)
        self._chosen.pop(results.partition, None)

    def _listed(self, results: Results) -> list[Rejection]:
        """The rejections that the cap lets through; the same ones when publishing a chunk is tried again."""
        known, listed = self._chosen.get(results.partition, (None, []))
        if known is not results:
            listed = [r for r in results.rejections if r.record is not None and self._within_cap(r)]
            self._chosen[results.partition] = (results, listed)
        return listed

    async def _reject(self, rejection: Rejection, partition: int) -> Awaitable[Any]:
        assert rejection.record is not None
        name = self.settings.topic("reading.v1")
        model = rejected_from(rejection.place, rejection.record, name, partition, rejection.received)
        key = (rejection.place.source or "").encode() or None
        body = orjson.dumps(model.model_dump(mode="json"))
        return await self.send(self.settings.topic("rejected.v1"), key, body, None, None, _JSON)

    async def _forward(self, forward: Forward, partition: int) -> Awaitable[Any]:
        record = forward.record
        value = record.value or b""
        headers = [h for h in record.headers if h[0] != ORIGIN]
        headers.append(encode_origin(partition, record.offset, value, self.settings.key))
        topic = self.settings.topic("reading.v1")
        return await self.send(topic, record.key, value, forward.partition, None, headers)

    def _within_cap(self, rejection: Rejection) -> bool:
        """At most so many a second of the log's clock, for each source and reason."""
        key = (rejection.received // 1_000_000_000, rejection.place.source, rejection.place.reason)
        self._told[key] = self._told.get(key, 0) + 1
        while len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]  # the oldest: partitions may be seconds apart
        if self._told[key] <= REJECTED_PER_S:
            return True
        self.metrics.count("millstream_rejected_unlisted_total", reason=rejection.place.reason)
        return False


def audit_record(audit: Audit, level: Level) -> tuple[bytes | None, bytes]:
    """Key and value of a row on audit.v1; a row about no single asset has no key."""
    asset = audit.target.exact_asset if audit.target else None
    return (None if asset is None else key_of(asset, level)), audit.to_bytes()


_JSON: Sequence[tuple[str, bytes]] = [("content-type", b"application/json")]
