"""The worker: engines for the partitions it owns, fed by Faust, their results stored and published before the ack."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import structlog
from aiokafka.errors import KafkaError
from numpy.typing import NDArray

from detectors.base import Detector
from schemas.chunk import READING, Chunk, Record
from schemas.control import Control, encode
from schemas.decode import Decoder
from schemas.errors import Retry
from streams import upkeep
from streams.accounting import Dropped, account
from streams.app import make_app
from streams.backoff import Backoff
from streams.configure import configure_records
from streams.engine import Engine
from streams.metrics import Metrics
from streams.open_episodes import OpenEpisodes
from streams.publish import Publisher
from streams.resolve import ResolvedSite, to_payload
from streams.results import Results
from streams.settings import Settings
from streams.sinks.base import Sink
from streams.transport import bites, to_records
from streams.web import Web

log = structlog.get_logger("millstream.worker")

_STALLED_S = 60.0
"""Without an event for this long while there is lag, the worker is not alive."""


class Worker:
    """Runs until `stop`, or until `failed` holds the bug that ended it."""

    def __init__(
        self,
        settings: Settings,
        site: ResolvedSite,
        sink: Sink | None,
        registry: dict[str, type[Detector[Any]]] | None = None,
        watch_results: Callable[[Results], None] | None = None,
    ) -> None:
        self.settings, self.site, self.sink, self.registry = settings, site, sink, registry
        self.metrics = Metrics()
        self.episodes = OpenEpisodes(settings.metrics_hold)
        self.engines: dict[int, Engine] = {}
        self.assigned: set[int] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.latency_ms: list[float] = []
        self._watch_results = watch_results
        self._dropped = Dropped(sink)
        self._trouble: dict[str, str] = {}  # what is being tried again -> why
        self._decoder = Decoder(settings.key)
        self.last_record: dict[int, float] = {}
        self._last_batch = time.monotonic()
        self._begun: dict[int, int] = {}  # partition -> offset at which its engine began
        self.stored: dict[int, int] = {}  # partition -> offset up to which results are stored and published
        self.behind = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.app = make_app(settings, self._handle, self._fault, self._revoked, self._assigned)
        self.publisher = Publisher(settings, self._send, self.metrics, lambda: self.site.site.site.partition_level)
        self.web = Web(
            settings.host, settings.port, self.metrics, self.episodes, self._alive, self._ready, self._refresh
        )  # fmt: skip

    async def start(self) -> None:
        """Listen, connect, and take partitions. Raises Misconfigured or Kafka's connection error."""
        if self.sink is not None:
            await self._with_patience("sink", self.sink.open)
        await self.web.start()
        self.app.finalize()
        await self.app.start()
        self._tasks = [asyncio.create_task(work(self)) for work in (upkeep.tick, upkeep.measure, upkeep.prune)]

    async def stop(self) -> None:
        """Leave the group, and close what was opened."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.app.stop(), 15)
        await self.web.stop()
        if self.sink is not None:
            await self.sink.close()

    # --- what Faust calls

    async def _handle(self, partition: int, batch: list[Any]) -> None:
        """Judge, publish and store one fetched chunk, in bites; on return all of it is durable."""
        records = to_records(batch)
        engine = self._engine(partition, records[0].offset)
        for bite in bites([r for r in records if r.offset >= engine.next_offset]):
            await self._bite(partition, engine, bite)

    async def _bite(self, partition: int, engine: Engine, records: list[Record]) -> None:
        started = time.perf_counter()
        chunk = self._decoder.decode(records, partition)
        decoded = time.perf_counter()
        results = engine.feed(chunk)
        judged = time.perf_counter()
        now = time.time_ns()
        latency = self._latencies(chunk, now)
        self.metrics.histogram("millstream_scored_latency_seconds").observe(latency)
        await self._with_patience("topics", lambda: self.publisher.publish(results))
        published = time.perf_counter()
        if self.sink is not None:
            sink = self.sink
            await self._with_patience("sink", lambda: sink.write(results))
        stored = time.perf_counter()
        self.stored[partition] = results.next_offset
        account(self.metrics, self.episodes, results, now)
        done = latency + (time.time_ns() - now) / 1e9
        self.metrics.histogram("millstream_published_latency_seconds").observe(done)
        self.latency_ms += (done * 1e3).tolist()
        del self.latency_ms[:-200_000]
        steps = (("decode", decoded - started), ("judge", judged - decoded), ("publish", published - judged))
        for stage, seconds in (*steps, ("store", stored - published)):
            self.metrics.count("millstream_batch_seconds_total", seconds, stage=stage)
        self.last_record[partition] = self._last_batch = time.monotonic()
        if self._watch_results is not None:
            self._watch_results(results)

    def _engine(self, partition: int, offset: int) -> Engine:
        engine = self.engines.get(partition)
        if engine is None or offset < self._begun[partition]:
            # below where it began it has fed nothing: those records are not repeats and must not be passed over
            self._begun[partition] = offset
            engine = self.engines[partition] = Engine(
                partition, self.settings.partitions, self.site, registry=self.registry
            )  # fmt: skip
            engine.next_offset = offset
        return engine

    def _fault(self, error: BaseException) -> None:
        if not self.failed.done():
            log.error("worker failed", error=repr(error), exc_info=error)
            self.failed.set_exception(error)

    async def _revoked(self, partitions: set[int]) -> None:
        self.assigned -= partitions
        for partition in partitions:
            # what was judged but not yet stored must be judged again from the same state: start that engine afresh
            engine = self.engines.get(partition)
            if engine is not None and self.stored.get(partition) != engine.next_offset:
                del self.engines[partition]

    async def _assigned(self, partitions: set[int]) -> None:
        self.assigned |= partitions
        for partition in self.engines.keys() - self.assigned:
            # another worker goes on with it; snapshots (B) will let it take the state along
            del self.engines[partition]
        now = time.monotonic()
        for partition in partitions:
            self.last_record[partition] = now
        if partitions:
            asyncio.get_running_loop().create_task(self._introduce(sorted(partitions)))

    async def _introduce(self, partitions: list[int]) -> None:
        """Put the site into the log of partitions; engines that have it already pay no heed."""
        payload = to_payload(self.site)
        for partition in partitions:
            for control in configure_records(payload, partition):
                await self._with_patience("topics", lambda c=control: self.control(c))  # type: ignore[misc]

    async def control(self, control: Control) -> None:
        """Append a signed control record to its partition."""
        value, headers = encode(control, self.settings.key)
        topic = self.settings.topic("reading.v1")
        await (await self._send(topic, None, value, control.partition, None, headers))

    async def _send(
        self, topic: str, key: bytes | None, value: bytes, partition: int | None, timestamp: float | None, headers: Any
    ) -> Awaitable[Any]:
        future: Awaitable[Any] = await self.app.producer.send(topic, key, value, partition, timestamp, list(headers))
        return future

    async def _with_patience(self, what: str, act: Callable[[], Awaitable[None]]) -> None:
        """Do it until it works: the world's faults are waited out, with nothing acknowledged meanwhile."""
        backoff = Backoff()
        while True:
            try:
                await act()
                self._trouble.pop(what, None)
                return
            except (Retry, KafkaError) as error:
                retry = error if isinstance(error, Retry) else None
                delay = backoff.delay(retry)
                self.metrics.count("millstream_sink_retries_total", sink=what)
                self._trouble[what] = f"{what}: trying again ({backoff.tries}): {str(error) or repr(error)}"
                if backoff.tries in (1, 5) or backoff.tries % 20 == 0:
                    log.warning("trying again", what=what, tries=backoff.tries, error=str(error) or repr(error))
                await asyncio.sleep(delay)

    # --- what is said of it all

    def _latencies(self, chunk: Chunk, now: int) -> NDArray[np.float64]:
        received = chunk.received[chunk.kind == READING]
        return np.asarray(np.maximum(now - received, 0) / 1e9)

    def _refresh(self) -> None:
        self.episodes.publish(self.metrics, time.time_ns())
        self._dropped.account(self.metrics)
        self.metrics.set("millstream_partitions_assigned", len(self.assigned))
        sites = [engine.site for engine in self.engines.values()] or [self.site]
        hashes: dict[tuple[str, ...], float] = {(site.hash,): 1.0 for site in sites}
        self.metrics.replace("millstream_config_info", hashes)

    async def _alive(self) -> list[str]:
        faults = []
        if self.failed.done():
            faults.append("the worker has failed and is about to exit; see its log")
        quiet = time.monotonic() - self._last_batch
        if self.behind and quiet > _STALLED_S:
            faults.append(f"{self.behind} records wait, and none was taken for {quiet:.0f} s")
        return faults

    async def _ready(self) -> list[str]:
        faults = [*await self._alive(), *self._trouble.values()]
        if not self.assigned:
            faults.append(
                "no partition is assigned: is the reading topic there (millstream topics), and may we read it?"
            )
        if self.sink is not None and (wrong := await self.sink.ready()):
            faults.append(wrong)
        return faults
