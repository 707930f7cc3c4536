"""The demo: a broker in memory, a worker with the embedded sink, a plant or a file, and a live view."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr
from rich.console import Console
from rich.live import Live

from schemas.anomaly import AnomalyEvent, band_of
from schemas.errors import Misconfigured
from streams.demo.broker import EmbeddedBroker
from streams.demo.feed import SECOND, Sender, file_rows, live_plant, play_plant, play_rows
from streams.demo.view import EpisodeRow, FaultRow, MachineRow, PlantView, Rates, View
from streams.files.options import FileOptions
from streams.plant import Fault, Plant, default_faults
from streams.plant.site import SITE
from streams.resolve import ResolvedSite, resolve
from streams.results import OUTCOMES, Results
from streams.settings import Settings, load_settings
from streams.sinks.sqlite import SqliteSink
from streams.site import Site, load_site
from streams.topics import ensure_topics
from streams.worker import Worker

PARTITIONS = 4
WARM_S = 600
"""Seconds of the plant's past that are played first."""
DEFAULT_SECONDS = 300.0
_DRAIN_S = 20.0
_SEED = 20260105


@dataclass(frozen=True)
class Options:
    """What the person asked for."""

    seconds: float | None = None
    ui: bool = True
    input: Path | None = None
    speed: float = 60.0
    summary: Path | None = None
    config: Path | None = None
    file: FileOptions = field(default_factory=FileOptions)


@dataclass
class Seen:
    """What came out of the worker so far."""

    counts: Counter[str] = field(default_factory=Counter)
    verdicts: int = 0
    opened: list[AnomalyEvent] = field(default_factory=list)
    state: dict[str, str] = field(default_factory=dict)
    series: Counter[str] = field(default_factory=Counter)
    known: dict[int, int] = field(default_factory=dict)

    def take(self, results: Results) -> None:
        """Take in one chunk's results."""
        self.counts.update(results.counts)
        self.verdicts += int(np.isfinite(results.verdicts.score).sum())
        self.opened += [e for e in results.events if e.phase == "opened"]
        for ref in results.series[self.known.get(results.partition, 0) :]:
            self.series[ref.path] += 1
        self.known[results.partition] = len(results.series)
        for i, word in results.points.text.items():
            ref = results.series[int(results.points.series[i])]
            if ref.series in ("state", "execution", "mode"):
                self.state[ref.path] = word


def run_demo(options: Options) -> dict[str, Any]:
    """Run the demo to its end and give its summary. Raises Misconfigured."""
    with tempfile.TemporaryDirectory(prefix="millstream-demo-") as folder, _broker() as (bootstrap, embedded):
        return asyncio.run(_Demo(options, bootstrap, embedded, Path(folder)).run())


@contextlib.contextmanager
def _broker() -> Iterator[tuple[str, bool]]:
    address = os.environ.get("MILLSTREAM_KAFKA")
    if address:
        yield address, False
        return
    with EmbeddedBroker() as broker:
        yield broker.bootstrap, True


class _Demo:
    def __init__(self, options: Options, bootstrap: str, embedded: bool, folder: Path) -> None:
        self.options, self.bootstrap, self.embedded, self.folder = options, bootstrap, embedded, folder
        self.seen = Seen()
        self.live_ns = 0
        self.faults: list[Fault] = []
        self.started = time.monotonic()
        self.phase = "starting"
        self.interrupted = False
        self._last_rate = (time.monotonic(), 0)

    async def run(self) -> dict[str, Any]:
        site, settings = self._site(), self._settings()
        await asyncio.to_thread(ensure_topics, self.bootstrap, settings.prefix, settings.partitions)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        worker = Worker(settings, site, SqliteSink(settings.sqlite_path), watch_results=self.seen.take)
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", linger_ms=2)
        await producer.start()
        try:
            await worker.start()
            await self._until(lambda: bool(worker.assigned), 60, "the worker got no partitions")
            sender = Sender(producer, settings.topic("reading.v1"), settings.partitions)
            with self._view(worker):
                await self._feed(sender, worker)
            return self._summary(worker)
        finally:
            await producer.stop()
            await worker.stop()

    def _interrupt(self) -> None:
        self.interrupted = True

    def _site(self) -> ResolvedSite:
        if self.options.config:
            return resolve(load_site(self.options.config))
        return resolve(Site() if self.options.input else load_site(SITE))

    def _settings(self) -> Settings:
        return load_settings(
            kafka=self.bootstrap,
            prefix=f"demo{secrets.token_hex(3)}." if not self.embedded else None,
            group=f"millstream-demo-{secrets.token_hex(3)}",
            partitions=PARTITIONS,
            control_key=SecretStr(secrets.token_hex(32)),
            sink="sqlite",
            sqlite_path=self.folder / "demo.sqlite",
            port=0,
            tick_interval="1s",
            session_timeout="6s",
        )

    async def _feed(self, sender: Sender, worker: Worker) -> None:
        if self.options.input:
            rows, notes = await asyncio.to_thread(file_rows, self.options.input, self.options.file)
            if not rows:
                raise Misconfigured(f"{self.options.input}: holds no readings")
            self._say(
                *notes, f"times are shifted so that the last of {len(rows)} rows is now; pace {self.options.speed:g}x"
            )
            self._go_live()
            await play_rows(rows, sender, self.options.speed, self._over(worker, self.options.seconds))
        else:
            seconds = self.options.seconds or DEFAULT_SECONDS
            now = time.time_ns() // SECOND * SECOND
            # the past ends a little ahead, so that playing it does not eat into the live part
            live_ns = now + 2 * SECOND
            self.faults = default_faults(seconds)
            plant = Plant(_SEED, live_ns - WARM_S * SECOND, faults=self.faults, live_ns=live_ns)
            self.phase = "warming up"
            self._say(f"playing {WARM_S} s of the plant's past, so that the detectors know it")
            await play_plant(plant, sender, WARM_S)
            self._go_live(live_ns)
            late = max((time.time_ns() - live_ns) / SECOND, 0.0)
            forget = asyncio.create_task(self._forget_past(worker, sender))
            # live rows follow at once: a pause here would be a silence like any other
            await live_plant(plant, sender, self._over(worker, seconds + late))
            forget.cancel()
        self.phase = "ending"
        await self._drained(sender, worker)

    async def _forget_past(self, worker: Worker, sender: Sender) -> None:
        """Latency is that of the live part: forget what it was until the worker had caught up with the past."""
        await self._until(lambda: self.seen.counts["readings_in"] >= sender.readings, 3600, "the past was not taken in")
        worker.latency_ms.clear()

    def _go_live(self, live_ns: int | None = None) -> None:
        self.phase = "live"
        self.live_ns = time.time_ns() if live_ns is None else live_ns
        self.started = time.monotonic()

    def _over(self, worker: Worker, seconds: float | None) -> Callable[[], bool]:
        def over() -> bool:
            if worker.failed.done():
                worker.failed.result()
            return self.interrupted or (seconds is not None and time.monotonic() - self.started >= seconds)

        return over

    async def _drained(self, sender: Sender, worker: Worker) -> None:
        await self._until(
            lambda: self.interrupted or worker.failed.done() or self.seen.counts["readings_in"] >= sender.readings,
            _DRAIN_S + sender.readings / 20_000,
            "the worker has not caught up",
        )

    async def _until(self, done: Callable[[], bool], seconds: float, otherwise: str) -> None:
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                raise TimeoutError(f"{otherwise} within {seconds:.0f} s")
            await asyncio.sleep(0.02)

    def _say(self, *lines: str) -> None:
        for line in lines:
            print(line, file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def _view(self, worker: Worker) -> Iterator[None]:
        if not self.options.ui:
            yield
            return
        console = Console()
        with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:

            async def refresh() -> None:
                while True:
                    await asyncio.sleep(0.25)
                    live.update(View(console.width, console.height).render(self._picture(worker)), refresh=True)

            task = asyncio.create_task(refresh())
            try:
                yield
            finally:
                task.cancel()

    def _picture(self, worker: Worker) -> PlantView:
        episodes = worker.episodes.open()
        worst: Counter[str] = Counter()
        many: Counter[str] = Counter(e.asset for e in episodes)
        for event in episodes:
            worst[event.asset] = max(worst[event.asset], event.severity)
        machines = [
            MachineRow(asset, self.seen.state.get(asset, "-"), n, worst[asset], many[asset])
            for asset, n in sorted(self.seen.series.items())
        ]
        rows = [
            EpisodeRow(
                datetime.fromtimestamp(e.started / SECOND).strftime("%H:%M:%S"), e.asset, e.series, e.watch, e.severity,
                band_of(e.severity), e.score or e.peak, e.message["en"],
            )
            for e in episodes
        ]  # fmt: skip
        found = self._found()
        since = (time.time_ns() - self.live_ns) / SECOND if self.live_ns else 0.0
        faults = [
            FaultRow(f.kind, f.asset, f.series, f.start_s - since, *(found.get(i) or (None, None)))
            for i, f in enumerate(self.faults)
        ]
        elapsed = time.monotonic() - self.started
        p50, p99 = self._latency(worker)
        rates = Rates(
            self.seen.counts["readings_in"], self._rate(), p50, p99,
            {name: self.seen.counts[name] for name in OUTCOMES}, 0,
        )  # fmt: skip
        return PlantView(machines, rows, rates, faults, elapsed, self.phase, self.embedded)

    def _rate(self) -> float:
        """Readings a second over the last picture's interval."""
        now, readings = time.monotonic(), self.seen.counts["readings_in"]
        at, before = self._last_rate
        self._last_rate = (now, readings)
        return (readings - before) / max(now - at, 1e-9)

    def _latency(self, worker: Worker) -> tuple[float | None, float | None]:
        if not worker.latency_ms:
            return None, None
        p50, p99 = np.percentile(worker.latency_ms, (50, 99)).tolist()
        return round(p50, 1), round(p99, 1)

    def _found(self) -> dict[int, tuple[float, str]]:
        """Of each fault that was found: how long after its start, in event time, and by which watch."""
        found: dict[int, tuple[float, str]] = {}
        for i, fault in enumerate(self.faults):
            start = self.live_ns + int(fault.start_s * SECOND)
            end = start + int((fault.duration_s + 60) * SECOND)
            mine = [e for e in self.seen.opened if (e.asset, e.series) == (fault.asset, fault.series)]
            inside = [e for e in mine if start <= e.time <= end]
            if inside:
                first = min(inside, key=lambda e: e.time)
                found[i] = ((first.time - start) / SECOND, first.watch)
        return found

    def _summary(self, worker: Worker) -> dict[str, Any]:
        p50, p99 = self._latency(worker)
        found = self._found()
        summary: dict[str, Any] = {
            "readings_in": self.seen.counts["readings_in"],
            **{name: self.seen.counts[name] for name in OUTCOMES},
            "misrouted": self.seen.counts["misrouted"],
            "reforwarded": self.seen.counts["reforwarded"],
            "verdicts": self.seen.verdicts,
            "episodes": len({e.episode_id for e in self.seen.opened}),
            "latency_ms": {"p50": p50, "p99": p99},
            "episodes_by_watch": dict(Counter(e.watch for e in self.seen.opened)),
            "faults": [
                {
                    "asset": f.asset, "series": f.series, "kind": f.kind,
                    "start": self.live_ns + int(f.start_s * SECOND), "found": i in found,
                    "delay_s": found[i][0] if i in found else None, "watch": found[i][1] if i in found else None,
                }
                for i, f in enumerate(self.faults)
            ],
        }  # fmt: skip
        if self.options.summary:
            try:
                self.options.summary.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2) + b"\n")
            except OSError as error:
                raise Misconfigured(f"--summary {self.options.summary}: {error.strerror}") from error
        return summary
