"""The worker: engines for the partitions it owns, fed by Faust; results go to the topics, then to the store."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import numpy as np
import structlog
from aiokafka.errors import KafkaError
from faust.types import TP
from numpy.typing import NDArray

from detectors.base import Detector
from detectors.durations import SECOND
from schemas.chunk import READING, Chunk, Record
from schemas.control import Control, encode
from schemas.errors import Misconfigured, Retry
from schemas.partition import Level
from streams import upkeep, warming
from streams.access import watch_access
from streams.accounting import Dropped, account
from streams.app import Calls, make_app
from streams.assignment import Assignment
from streams.certificates import expiries
from streams.commanding import Commanding
from streams.engine import Engine
from streams.feeding import Feeding
from streams.fence import Fence
from streams.health import Health
from streams.kpi.gauges import KpiGauges
from streams.lanes import Lanes
from streams.metrics import Metrics
from streams.model_metrics import ModelMetrics, publish_watches
from streams.open_episodes import OpenEpisodes
from streams.owned import Owned
from streams.patience import Patience
from streams.publish import Publisher
from streams.resolve import ResolvedSite
from streams.results import Results
from streams.security import aiokafka_options, web_context
from streams.settings import Settings
from streams.sinks.base import Sink
from streams.snapshots import Snapshots
from streams.state.log import Log
from streams.state.store import StateStore
from streams.transport import abandon, bites, to_records
from streams.web import Web

log = structlog.get_logger("millstream.worker")

_DRAIN_S = 8.0
"""How long a worker that is told to stop waits for the store and for its last snapshots."""


_LEAVE_S = 15.0

_STORE_S = 1.0
"""How long a worker that starts waits for the store's first answer, or refusal, before it goes on without."""

_FIRST_SCRAPE_S = 5.0
"""How long the first scrape waits for the partitions to be restored; Prometheus gives up after 10 s by default."""


async def _within(seconds: float, what: str, work: Coroutine[Any, Any, None]) -> bool:
    """Do something; False where it does not end in time. Where it does not heed its cancellation, it is left alone."""
    task = asyncio.create_task(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if done:
        task.result()
        return True
    task.cancel()
    log.warning("not done in time; going on without", what=what, seconds=seconds)
    return False


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
        self.settings, self.site, self.sink = settings, site, sink
        self.metrics = Metrics()
        self.episodes = OpenEpisodes(settings.metrics_hold)
        self.kpis = KpiGauges()
        self._models = ModelMetrics()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.latency_ms: list[float] = []
        self.behind = 0
        self._stopping = False
        self._busy = asyncio.Lock()  # held while a chunk is judged
        self._watch_results = watch_results
        self._tasks: list[asyncio.Task[None]] = []
        self._dropped = Dropped(sink)
        self.fence = Fence(settings.session_timeout / SECOND)
        self.health = Health(self)
        self.patience = Patience(self.health, self.metrics)
        self.assignment = Assignment(self)
        self.lanes = Lanes(sink, settings.max_pending, self.patience, self._fault)
        self.app = make_app(
            settings,
            Calls(
                self._handle,
                self._command,
                self._fault,
                self.assignment.on_revoked,
                self.assignment.on_assigned,
                self.fence.heard,
            ),
        )
        topic = settings.topic
        self._log = Log(settings.kafka, self._committed, aiokafka_options(settings))
        self.state = StateStore(
            self._log, self.send, topic("state.v1"), topic("reading.v1"), settings.partitions, settings.key
        )
        self.snapshots = Snapshots(
            settings,
            site,
            self.state,
            self.lanes,
            self.episodes,
            self.metrics,
            self.fence,
            self.assignment.durable,
            registry,
            "all" if watch_results is not None else "none" if sink is None else "stored",
        )
        self.feeding = Feeding(settings.key, self.state, self.metrics)
        self.publisher = Publisher(settings, self.send, self.metrics, self._level)
        self.commanding = Commanding(settings, self.send, self.control, self.patience, self._level)
        self.web = Web(
            settings.host, settings.port, self.metrics, self.episodes, self.health.alive, self.health.ready,
            self._refresh, settings.metrics_token, web_context(settings), lambda: warming.listed(self._engines()),
        )  # fmt: skip

    @property
    def owned(self) -> dict[int, Owned]:
        """What we hold of each partition that is ours."""
        return self.assignment.owned

    @property
    def assigned(self) -> set[int]:
        """Partitions that are ours and restored."""
        return self.assignment.ready

    @property
    def engines(self) -> dict[int, Engine]:
        """Engines of the partitions that are ours."""
        return self.assignment.engines

    async def start(self) -> None:
        """Listen, connect, and take partitions. Raises Misconfigured or Kafka's connection error."""
        await self.web.start()  # first: it says what the rest is waiting for
        store = asyncio.create_task(self.lanes.connect())
        self._tasks = [store]
        await self._log.start()
        if self.sink is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.lanes.asked.wait(), _STORE_S)
            await asyncio.sleep(0)
        if store.done():  # what is wrong with the settings is said at once; a store that is away holds up no episode
            store.result()
        self.app.finalize()
        await self.app.start()
        works: list[Awaitable[None]] = [store] if not store.done() else []
        works += [work(self) for work in (upkeep.tick, upkeep.measure, upkeep.prune)]
        works.append(watch_access(self.settings, "worker", self._access))
        works.append(self.snapshots.run(lambda: list(self.owned.values()), self.patience))
        self._tasks += [asyncio.create_task(self.guarded(work)) for work in works]

    async def stop(self) -> None:
        """Deliver what is judged, save it, leave the group, and close what was opened."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.owned and not self.failed.done():
            with contextlib.suppress(KafkaError, Retry, OSError):
                await _within(_DRAIN_S, "the last snapshots", self._save_all())
        self.assignment.close()
        if not await _within(_LEAVE_S, "leaving the group", self.app.stop()):
            abandon(self.app)
        with contextlib.suppress(KafkaError):
            await _within(5.0, "the state reader", self._log.stop())
        await self.web.stop()
        if self.sink is not None:
            await self.sink.close()

    async def _save_all(self) -> None:
        async with self._busy:
            await self.assignment.save(self.snapshots.take)
            # a commit under way knows nothing of the last snapshots, and would be taken for theirs
            await self.app.consumer.maybe_wait_for_commit_to_finish()
            await self.app.consumer.force_commit()

    def _access(self, wrong: str | None) -> None:
        if wrong is None:
            self.health.well("access")
        else:
            self.health.trouble("access", wrong)

    # --- what Faust calls

    async def _handle(self, partition: int, batch: list[Any]) -> None:
        """Judge one fetched chunk, in bites, publish what follows, and send it on its way to the store."""
        owned = self.owned.get(partition)
        if owned is None:
            return
        await owned.settled.wait()
        records = to_records(batch)
        if not owned.mine or not await self._no_hole(owned, records[0].offset):
            return  # what is dropped here was never committed, and comes again
        for bite in bites(records):
            async with self._busy:
                if owned.mine and not self._stopping and not self.failed.done():
                    await self._bite(owned, bite)

    async def _no_hole(self, owned: Owned, first: int) -> bool:
        """Whether nothing is missing before `first`; if so it is asked for once more before it is believed."""
        engine = owned.engine
        assert engine is not None
        want = engine.next_offset
        if first <= want or owned.hole == (want, first):
            if first > want:
                self.metrics.count("millstream_records_missing_total", first - want)
            owned.hole = None
            return True
        if owned.hole is None or owned.hole[0] != want or first < owned.hole[1]:
            owned.hole = (want, first)
            begin, _ = await self._log.bounds(self.settings.topic("reading.v1"), owned.partition)
            if begin > want:
                log.error("readings were deleted from the topic before they were taken; raise its retention",
                          partition=owned.partition, first=want, last=begin - 1)  # fmt: skip
            await self.app.consumer.seek(TP(self.settings.topic("reading.v1"), owned.partition), max(want, begin))
        return False

    async def _bite(self, owned: Owned, records: list[Record]) -> None:
        await self.lanes.room()
        assert owned.engine is not None
        assert owned.lane is not None
        lane = owned.lane
        self.health.began()
        async for chunk, results in self.feeding.feed(owned, records):
            now = time.time_ns()
            latency = self._latencies(chunk, now)
            self.metrics.histogram("millstream_scored_latency_seconds").observe(latency)
            began = time.perf_counter()
            await self.fence.wait()
            events = [event for event in results.events if event.event_id not in owned.told]
            fresh = results._replace(events=events) if len(events) < len(results.events) else results
            await self.patience("topics", partial(self.publisher.publish, fresh))
            self.metrics.count("millstream_batch_seconds_total", time.perf_counter() - began, stage="publish")
            owned.worked |= chunk.messages > sum(control.kind == "tick" for _, control in chunk.controls)
            account(self.metrics, self.episodes, self.kpis, fresh, now)
            done = latency + (time.time_ns() - now) / 1e9
            self.metrics.histogram("millstream_published_latency_seconds").observe(done)
            self.latency_ms += (done * 1e3).tolist()
            del self.latency_ms[:-200_000]
            self.lanes.put(lane, results)
            owned.last_record = time.monotonic()
            self.health.moved()
            if self._watch_results is not None:
                self._watch_results(results)
        self.health.ended()

    async def _command(self, partition: int, batch: list[Any]) -> None:
        """Carry commands into the logs of those they concern."""
        await self.commanding.take(partition, to_records(batch))

    async def reload(self, site: ResolvedSite) -> None:
        """Have all partitions, ours or not, take up another site; engines decide, and audit.v1 says how."""
        self.site = self.snapshots.site = site
        await self.commanding.configure(site)

    def _fault(self, error: BaseException) -> None:
        if not self.failed.done() and not self._stopping:
            traced = None if isinstance(error, Misconfigured) else error  # where a person must act, one line says how
            log.error("worker failed", error=repr(error), exc_info=traced)
            self.failed.set_exception(error)

    async def control(self, control: Control) -> None:
        """Append a signed control record to its partition."""
        value, headers = encode(control, self.settings.key)
        topic = self.settings.topic("reading.v1")
        await (await self.send(topic, None, value, control.partition, None, headers))

    async def _committed(self, topic: str, partition: int) -> int | None:
        found: int | None = await self.app.consumer.committed(TP(topic, partition))
        return found

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
    ) -> Awaitable[Any]:
        """Hand a record to the producer; the future it gives is done when the broker has the record."""
        future: Awaitable[Any] = await self.app.producer.send(topic, key, value, partition, timestamp, list(headers))
        return future

    async def guarded(self, work: Awaitable[None]) -> None:
        """Do something beside the readings; a bug in it ends the worker."""
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._fault(error)

    # --- what is said of it all

    def _level(self) -> Level:
        return self.site.site.site.partition_level

    def _latencies(self, chunk: Chunk, now: int) -> NDArray[np.float64]:
        received = chunk.received[chunk.kind == READING]
        return np.asarray(np.maximum(now - received, 0) / 1e9)

    def _engines(self) -> list[Engine]:
        return [owned.engine for owned in self.owned.values() if owned.engine is not None]

    async def _refresh(self) -> None:
        # open episodes must not be missing from the first scrape after a restart: alerts would end and come again
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.assignment.restored.wait(), _FIRST_SCRAPE_S)
        self.episodes.publish(self.metrics, time.time_ns())
        self.kpis.publish(self.metrics)
        self._dropped.account(self.metrics)
        self.snapshots.refresh(list(self.owned.values()))
        self.metrics.set("millstream_partitions_assigned", len(self.assigned))
        self.metrics.set("millstream_pending_readings", self.lanes.pending)
        await self._models.publish(self.metrics, self._engines())
        self.metrics.set("millstream_clock_timestamp_seconds", time.time())
        self.metrics.replace("millstream_certificate_expiry_timestamp_seconds", expiries(self.settings))
        sites = [engine.site for engine in self._engines()] or [self.site]
        hashes: dict[tuple[str, ...], float] = {(site.hash,): 1.0 for site in sites}
        self.metrics.replace("millstream_config_info", hashes)
        publish_watches(self.metrics, sites)
