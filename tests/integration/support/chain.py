"""The whole chain, driven once: simulated plant, Kafka, worker processes, Prometheus, Alertmanager, a receiver."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

import aiohttp
from aiokafka import AIOKafkaProducer

from streams.demo.feed import Sender, play_plant
from streams.plant import Plant
from streams.plant.kinds import series_of
from streams.plant.site import assets_toml
from streams.settings import Settings
from tests.integration.support.alerting import PAGED, Receiver, Told, alertmanager_config, prometheus_config
from tests.integration.support.process import process
from tests.integration.support.waiting import until
from tests.integration.support.workers import CONTROL_KEY
from tests.servers.alerting import Alertmanager, Prometheus
from tests.servers.alerting_tools import Tools
from tests.servers.net import free_port

SECOND = 1_000_000_000
GRAFANA = "https://grafana.example.org"
PARTITIONS = 4
PAST_ROWS = 120
SIGMAS = 25.0
LONG = {
    "alertname": "MillstreamAnomalyMajor", "site": "penang", "area": "smt", "line": "line1", "asset": "oven-1",
    "watch": "level",
}  # fmt: skip
SHORT = LONG | {"area": "utilities", "line": "cooling", "asset": "chiller-2"}
_PLACE = {
    "LONG": ("penang/smt/line1/oven-1", "conveyor_speed"),
    "SHORT": ("penang/utilities/cooling/chiller-2", "water_flow"),
}
SHORT_ROWS = 3

PACE = {"for": 1 / 10, "keep_firing_for": 1 / 15}
"""A worker that starts anew is away for seconds: what five minutes cover as shipped, twenty seconds cover here."""

SITE = f"""
[site]
name = "penang"

[[watch]]
name = "level"
series = ["*/oven-*/conveyor_speed", "*/chiller-*/water_flow"]
detector = {{ kind = "robust_zscore", warmup = 60 }}
severity = 700
off_delay = "1s"

{assets_toml()}"""


class Run(NamedTuple):
    """What came of it."""

    told: list[Told]
    texts: dict[str, list[str]]
    first: dict[str, float]
    """Seconds from the first faulty reading to the message, of each episode."""
    open_s: float
    """How long the long episode was open."""
    moved: list[set[str]]
    """At which workers Prometheus saw the long episode, at each stage of the story."""


class _Feed:
    """The plant in real time; series in `lifted` are that many sigmas above what they should be."""

    def __init__(self, sender: Sender) -> None:
        start = time.time_ns() // SECOND * SECOND
        self.plant = Plant(20260105, start - PAST_ROWS * SECOND)
        self.lifted: dict[tuple[str, str], int] = {}
        self._sender = sender

    async def run(self) -> None:
        """Play the past, then row by row as time passes."""
        await play_plant(self.plant, self._sender, PAST_ROWS)
        while True:
            await asyncio.sleep(max((self.plant.next_ns - time.time_ns()) / SECOND, 0))
            frames = self.plant.step()
            for frame in frames:
                for (asset, name), left in list(self.lifted.items()):
                    column = frame.series.get(name)
                    if asset == frame.asset and left and not isinstance(column, list) and column is not None:
                        column += SIGMAS * series_of(asset, name).sigma
                        self.lifted[asset, name] = left - 1
            await self._sender.send(frames)

    def fault(self, episode: str, rows: int) -> float:
        """A fault for so many rows from now on; when it began, on the monotonic clock."""
        self.lifted[_PLACE[episode]] = rows
        return time.monotonic()


class _Worker:
    """`millstream worker` on a port of its own, started and stopped like a service."""

    def __init__(self, environment: dict[str, str], site: Path) -> None:
        self.port = free_port()
        self._environment = environment | {"MILLSTREAM_PORT": str(self.port)}
        self._site = site
        self._stack = ExitStack()
        self._child: Popen[str] | None = None

    async def start(self) -> None:
        """Returns once it says that it is ready."""
        child = self._child = self._stack.enter_context(process(self._environment, "--config", str(self._site)))

        async def ready() -> bool:
            assert child.poll() is None, child.communicate()[0]
            try:
                async with aiohttp.ClientSession() as session, session.get(f"{self.url}/readyz") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await until(ready, 60, f"the worker on port {self.port} is ready")

    async def stop(self) -> None:
        """SIGTERM, as a supervisor does."""
        if self._child is not None:
            self._child.terminate()
            await asyncio.to_thread(self._child.wait, 30)
            self._child = None
        await asyncio.to_thread(self._stack.close)

    @property
    def address(self) -> str:
        """host:port, as Prometheus names it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}"


async def play(settings: Settings, tools: Tools, folder: Path) -> Run:
    """An episode during which workers come and go, and one of three seconds; until both are told to be over."""
    site = folder / "site.toml"
    site.write_text(SITE, encoding="utf-8")
    environment = {
        "MILLSTREAM_KAFKA": settings.kafka, "MILLSTREAM_PREFIX": settings.prefix, "MILLSTREAM_GROUP": settings.group,
        "MILLSTREAM_PARTITIONS": str(PARTITIONS), "MILLSTREAM_CONTROL_KEY": CONTROL_KEY, "MILLSTREAM_SINK": "none",
        "MILLSTREAM_METRICS_HOLD": "6s", "MILLSTREAM_SESSION_TIMEOUT": "6s", "MILLSTREAM_SNAPSHOT_INTERVAL": "1s",
        "MILLSTREAM_LOG_LEVEL": "warning",
    }  # fmt: skip
    a, b = _Worker(environment, site), _Worker(environment, site)
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        alertmanager = stack.enter_context(Alertmanager(tools, alertmanager_config(folder, receiver.address)))
        config = prometheus_config(
            folder, [a.address, b.address], alertmanager.url.removeprefix("http://"), GRAFANA, PACE
        )
        prometheus = stack.enter_context(Prometheus(tools, config))
        try:
            await a.start()
            async with _feeding(settings) as feed:
                return await _story(feed, a, b, prometheus, receiver)
        finally:
            await a.stop()
            await b.stop()


@asynccontextmanager
async def _feeding(settings: Settings) -> AsyncIterator[_Feed]:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, acks="all", linger_ms=2)
    await producer.start()
    feed = _Feed(Sender(producer, settings.topic("reading.v1"), PARTITIONS))
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await producer.stop()


async def _story(feed: _Feed, a: _Worker, b: _Worker, prometheus: Prometheus, receiver: Receiver) -> Run:
    first: dict[str, float] = {}
    moved: list[set[str]] = []

    async def told(episode: str, labels: dict[str, str], since: float) -> None:
        found = await until(lambda: receiver.messages(PAGED, "firing", **labels), 30, f"a page for {episode}")
        first[episode] = found[0].at - since

    async def seen_at(*workers: _Worker) -> None:
        """Wait until the partitions are these workers', each has some, and Prometheus sees the episode at one."""
        wanted = {worker.address for worker in workers}

        async def settled() -> bool:
            shares = await asyncio.to_thread(prometheus.query, "millstream_partitions_assigned > 0")
            return {s["instance"] for s, _ in shares} == wanted and sum(n for _, n in shares) == PARTITIONS

        await until(settled, 30, f"the partitions are shared by {sorted(wanted)}")
        asked = 'millstream_episode_severity{asset="oven-1"}'
        shown = await until(lambda: asyncio.to_thread(prometheus.query, asked), 30, "the episode is in the metrics")
        moved.append({labels["instance"] for labels, _ in shown})

    warm = 'millstream_warmup_ratio{watch="level"} == 1'
    await until(lambda: asyncio.to_thread(prometheus.query, warm), 30, "the detectors are warm")
    began = feed.fault("LONG", 10_000)
    await told("LONG", LONG, began)
    await told("SHORT", SHORT, feed.fault("SHORT", SHORT_ROWS))
    await seen_at(a)
    await b.start()  # a rebalance
    await seen_at(a, b)
    await a.stop()  # and what was a's moves
    await seen_at(b)
    await a.start()
    await seen_at(a, b)
    await b.stop()
    await seen_at(a)
    await a.stop()  # nobody works for a moment
    await a.start()
    await seen_at(a)
    feed.fault("LONG", 0)
    open_s = time.monotonic() - began
    for episode, labels in (("SHORT", SHORT), ("LONG", LONG)):
        await until(
            lambda labels=labels: receiver.messages(PAGED, "resolved", **labels), 60, f"{episode} is told to be over"
        )
    # each minute, which is longer than all of this takes on a quick machine
    await until(lambda: len(receiver.messages("heartbeat", "firing")) > 1, 90, "the heartbeat is told once more")
    texts = {language: receiver.texts(language) for language in ("en", "ms", "zh_TW")}
    return Run(list(receiver.told), texts, first, open_s, moved)
