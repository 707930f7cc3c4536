"""The worker: engines for the partitions it owns, fed by Faust; results go to the topics, then to the store."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from detectors.base import Detector
from detectors.durations import SECOND
from schemas.control import Control, encode
from schemas.errors import Misconfigured, Retry
from schemas.partition import Level
from streams import upkeep, warming
from streams.access import watch_access
from streams.accounting import Dropped
from streams.app import Calls, Judged, make_app
from streams.certificates import expiries
from streams.commanding import Commanding
from streams.engine import Engine, Rows
from streams.fence import Fence
from streams.health import Health
from streams.kpi.gauges import KpiGauges
from streams.lanes import Lanes
from streams.metrics import Metrics
from streams.model_metrics import ModelMetrics, publish_watches
from streams.mute_metrics import publish_mutes
from streams.open_episodes import OpenEpisodes
from streams.owned import Owned
from streams.patience import Patience
from streams.reading_kind import ReadingKind
from streams.resolve import ResolvedSite
from streams.results import Results
from streams.rollup.kind import SiteKind
from streams.security import aiokafka_options, web_context
from streams.settings import Settings
from streams.sinks.base import Sink
from streams.spent import Spent
from streams.stage import Stage
from streams.state.log import Log
from streams.state.store import StateStore
from streams.transport import abandon
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


async def cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended; each again until it has, for a few seconds.

    Once may not do: what a task waits for may answer its cancellation with an error of its own (a call into the
    consumer's thread does), which the task then takes for the broker's and goes on.
    """
    for _ in range(5):
        left = [task for task in tasks if not task.done()]
        if not left:
            return
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=1.0)


class Worker:
    """Runs until `stop`, or until `failed` holds the bug that ended it."""

    def __init__(
        self,
        settings: Settings,
        site: ResolvedSite,
        sink: Sink | None,
        registry: dict[str, type[Detector[Any]]] | None = None,
        watch_results: Callable[[Results], None] | None = None,
        rows: Rows | None = None,  # what the store takes, by default; all for whom watches results
    ) -> None:
        self.settings, self.site, self.sink = settings, site, sink
        self.metrics = Metrics()
        self.episodes = OpenEpisodes(settings.metrics_hold)
        self.kpis = KpiGauges()
        self._models = ModelMetrics()
        self.spent = Spent()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.latency_ms: list[float] = []
        self.behind = 0
        self._stopping = False
        self.busy = asyncio.Lock()  # held while a bite is judged
        self.restoring = asyncio.Lock()  # held while a stage's partitions are restored
        self._tasks: list[asyncio.Task[None]] = []
        self._dropped = Dropped(sink)
        self.fence = Fence(settings.session_timeout / SECOND)
        self.health = Health(self)
        self.patience = Patience(self.health, self.metrics)
        self.lanes = Lanes(sink, settings.max_pending, self.patience, self._fault)
        self.log = Log(settings.kafka, self._committed, aiokafka_options(settings))
        self.state = self._store("reading.v1")
        rows = rows or ("all" if watch_results is not None else "none" if sink is None else "stored")
        self.readings = Stage(self, ReadingKind(self, self.state, registry, rows, watch_results))
        self.figures = Stage(self, SiteKind(self, self._store("kpi.v1")))
        self.stages: tuple[Stage[Any], ...] = (self.readings, self.figures)
        self.app = make_app(
            settings,
            Calls(self._part(self.readings), self._part(self.figures), self._command, self._fault, self.fence.heard),
        )
        self.commanding = Commanding(settings, self.send, self.control, self.patience, self.level)
        self.web = Web(
            settings.host, settings.port, self.metrics, self.episodes, self.health.alive, self.health.ready,
            self._refresh, settings.metrics_token, web_context(settings), lambda: warming.listed(self._engines()),
        )  # fmt: skip

    def _store(self, topic: str) -> StateStore:
        settings = self.settings
        names = settings.topic("state.v1"), settings.topic(topic)
        return StateStore(self.log, self.send, *names, settings.partitions, settings.key)

    @staticmethod
    def _part(stage: Stage[Any]) -> Judged:
        return Judged(stage.handle, stage.assignment.on_revoked, stage.assignment.on_assigned)

    @property
    def ending(self) -> bool:
        """Nothing more is judged."""
        return self._stopping or self.failed.done()

    @property
    def owned(self) -> dict[int, Owned[Engine]]:
        """What we hold of each partition of the readings that is ours."""
        return self.readings.owned

    @property
    def assigned(self) -> set[int]:
        """Partitions that are ours and restored."""
        return self.readings.assignment.ready

    @property
    def engines(self) -> dict[int, Engine]:
        """Engines of the partitions that are ours."""
        return self.readings.assignment.engines

    async def start(self) -> None:
        """Listen, connect, and take partitions. Raises Misconfigured or Kafka's connection error."""
        await self.web.start()  # first: it says what the rest is waiting for
        store = asyncio.create_task(self.lanes.connect())
        self._tasks = [store]
        await self.log.start()
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
        works += [stage.save() for stage in self.stages]
        self._tasks += [asyncio.create_task(self.guarded(work)) for work in works]

    async def stop(self) -> None:
        """Deliver what is judged, save it, leave the group, and close what was opened."""
        self._stopping = True
        await cancelled(self._tasks)
        if self.owned and not self.failed.done():
            with contextlib.suppress(KafkaError, Retry, OSError):
                await _within(_DRAIN_S, "the last snapshots", self._save_all())
        for stage in self.stages:
            stage.assignment.close()
        if not await _within(_LEAVE_S, "leaving the group", self.app.stop()):
            abandon(self.app)
        with contextlib.suppress(KafkaError):
            await _within(5.0, "the state reader", self.log.stop())
        await self.web.stop()
        if self.sink is not None:
            await self.sink.close()

    async def _save_all(self) -> None:
        async with self.busy:
            for stage in self.stages:
                await stage.assignment.save(stage.snapshots.take)
            # a commit under way knows nothing of the last snapshots, and would be taken for theirs
            await self.app.consumer.maybe_wait_for_commit_to_finish()
            await self.app.consumer.force_commit()

    def _access(self, wrong: str | None) -> None:
        if wrong is None:
            self.health.well("access")
        else:
            self.health.trouble("access", wrong)

    # --- what Faust calls

    async def _command(self, partition: int, batch: list[Any]) -> None:
        """Carry commands into the logs of those they concern."""
        await self.commanding.take(partition, batch)

    async def reload(self, site: ResolvedSite) -> None:
        """Have all partitions, ours or not, take up another site; engines decide, and audit.v1 says how."""
        self.site = site
        await self.commanding.configure(site)

    def _fault(self, error: BaseException) -> None:
        if not self.failed.done() and not self._stopping:
            traced = None if isinstance(error, Misconfigured) else error  # where a person must act, one line says how
            log.error("worker failed", error=repr(error), exc_info=traced)
            self.failed.set_exception(error)

    async def control(self, control: Control, topic: str = "reading.v1") -> None:
        """Append a signed control record to its partition."""
        value, headers = encode(control, self.settings.key)
        await (await self.send(self.settings.topic(topic), None, value, control.partition, None, headers))

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

    def level(self) -> Level:
        """The level of asset paths by which partitions are chosen."""
        return self.site.site.site.partition_level

    def _engines(self) -> list[Engine]:
        return [owned.engine for owned in self.owned.values() if owned.engine is not None]

    async def _refresh(self) -> None:
        # open episodes must not be missing from the first scrape after a restart: alerts would end and come again
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.readings.assignment.restored.wait(), _FIRST_SCRAPE_S)
        self.episodes.publish(self.metrics, time.time_ns())
        self.kpis.publish(self.metrics)
        self._dropped.account(self.metrics)
        for stage in self.stages:
            stage.snapshots.refresh(list(stage.owned.values()))
        self.metrics.set("millstream_partitions_assigned", len(self.assigned))
        self.metrics.set("millstream_pending_readings", self.lanes.pending)
        await self._models.publish(self.metrics, self._engines())
        self.metrics.set("millstream_clock_timestamp_seconds", time.time())
        self.metrics.replace("millstream_certificate_expiry_timestamp_seconds", expiries(self.settings))
        sites = [engine.site for engine in self._engines()] or [self.site]
        hashes: dict[tuple[str, ...], float] = {(site.hash,): 1.0 for site in sites}
        self.metrics.replace("millstream_config_info", hashes)
        publish_watches(self.metrics, sites)
        publish_mutes(self.metrics, (engine.mutes for engine in self._engines()))
        for watch, seconds in self.spent.take().items():
            self.metrics.count("millstream_watch_seconds_total", seconds, watch=watch)
