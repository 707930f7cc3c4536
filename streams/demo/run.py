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
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr
from rich.console import Console, RenderableType
from rich.live import Live

from schemas.errors import Misconfigured
from streams.access import knock
from streams.board.server import Board
from streams.demo.broker import EmbeddedBroker
from streams.demo.feed import SECOND, Sender, described_rows, file_rows, live_plant, play_plant, play_rows
from streams.demo.picture import Picture, latency
from streams.demo.seen import METER, Seen, summary
from streams.demo.view import View
from streams.files.options import FileOptions
from streams.plant import Fault, Plant, default_faults
from streams.plant.described import FILE, DescribedPlant, load_plant
from streams.plant.site import SITE
from streams.process import compile_kernels
from streams.resolve import ResolvedSite, resolve
from streams.security import aiokafka_options, kafka_python_options
from streams.settings import Settings, load_settings
from streams.sinks.sqlite import SqliteSink
from streams.site import Site, load_site
from streams.topics import ensure_topics
from streams.worker import Worker

PARTITIONS = 4
WARM_S = 600
"""Seconds of the plant's past that are played first."""
DEMAND_S = 1800
"""Length of the windows of maximum demand of the plant's tariff, which begin at full and half hours."""
DEFAULT_SECONDS = 300.0
DESCRIBED_SECONDS = 60.0
_DRAIN_S = 20.0
_SEED = 20260105


@dataclass(frozen=True)
class Options:
    """What the person asked for."""

    seconds: float | None = None
    ui: bool = True
    board: bool = True
    input: Path | None = None
    speed: float = 60.0
    summary: Path | None = None
    config: Path | None = None
    file: FileOptions = field(default_factory=FileOptions)


def run_demo(options: Options) -> dict[str, Any]:
    """Run the demo to its end and give its summary. Raises Misconfigured."""
    print("getting the detectors ready (half a minute the first time)", file=sys.stderr, flush=True)
    compile_kernels()  # feed and worker share a process: what holds up the one is a silence of all machines
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


def _described(options: Options) -> DescribedPlant | None:
    """The plant that is described beside the site file, if there is one and no file is to be played."""
    if options.input is not None or options.config is None:
        return None
    beside = options.config.parent / FILE
    return load_plant(beside) if beside.exists() else None


class _Demo:
    def __init__(self, options: Options, bootstrap: str, embedded: bool, folder: Path) -> None:
        self.options, self.bootstrap, self.embedded, self.folder = options, bootstrap, embedded, folder
        self.described = _described(options)
        self.seen = Seen()
        self.live_ns = 0
        self.faults: list[Fault] = []
        self.started = time.monotonic()
        self.phase = "starting"
        self.interrupted = False
        self.address: str | None = None

    async def run(self) -> dict[str, Any]:
        site, settings = self._site(), self._settings()
        options = kafka_python_options(settings)
        await knock(settings)
        await asyncio.to_thread(
            ensure_topics, self.bootstrap, settings.prefix, settings.partitions, client_options=options
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        worker = Worker(settings, site, SqliteSink(settings.sqlite_path), watch_results=self.seen.take)
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", linger_ms=2, **aiokafka_options(settings)
        )
        await producer.start()
        try:
            await worker.start()
            await self._until(lambda: bool(worker.assigned), 60, "the worker got no partitions")
            sender = Sender(producer, settings.topic("reading.v1"), settings.partitions)
            async with self._web_board(settings) as self.address:
                with self._view(worker):
                    await self._feed(sender, worker)
            made = summary(self.seen, self.faults, self.live_ns, latency(worker), time.time_ns())
            self._write(made)
            return made
        finally:
            await producer.stop()
            await worker.stop()

    def _interrupt(self) -> None:
        self.interrupted = True

    def _site(self) -> ResolvedSite:
        if self.options.config:
            return resolve(load_site(self.options.config), self.options.config.parent)
        return resolve(Site() if self.options.input else load_site(SITE))

    def _settings(self) -> Settings:
        return load_settings(
            kafka=self.bootstrap,
            kafka_security="PLAINTEXT" if self.embedded else None,
            prefix=f"demo{secrets.token_hex(3)}." if not self.embedded else None,
            group=f"millstream-demo-{secrets.token_hex(3)}",
            partitions=PARTITIONS,
            control_key=SecretStr(secrets.token_hex(32)),
            sink="sqlite",
            sqlite_path=self.folder / "demo.sqlite",
            port=0,
            tick_interval="1s",
            session_timeout="6s",
            **({"fetch_wait": "20ms"} if self.embedded else {}),  # the embedded broker always waits that long
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
        elif self.described is not None:
            await self._play_described(self.described, sender, worker)
        else:
            seconds = self.options.seconds or DEFAULT_SECONDS
            now = time.time_ns() // SECOND * SECOND
            # the past ends a little ahead, so that playing it does not eat into the live part
            live_ns = now + 2 * SECOND
            self.faults = default_faults(seconds)
            # the meter's past goes back to where its demand window begins, which is not forecast without it
            before_s = max(live_ns // SECOND % DEMAND_S - WARM_S, 0)
            plant = Plant(_SEED, live_ns - (WARM_S + before_s) * SECOND, faults=self.faults, live_ns=live_ns)
            self.phase = "warming up"
            self._say(f"playing {WARM_S} s of the plant's past, so that the detectors know it")
            await play_plant(plant, sender, before_s, only=METER)
            await play_plant(plant, sender, WARM_S)
            self._go_live(live_ns)
            late = max((time.time_ns() - live_ns) / SECOND, 0.0)
            forget = asyncio.create_task(self._forget_past(worker, sender))
            # live rows follow at once: a pause here would be a silence like any other
            await live_plant(plant, sender, self._over(worker, seconds + late))
            forget.cancel()
        self.phase = "ending"
        await self._drained(sender, worker)

    async def _play_described(self, plant: DescribedPlant, sender: Sender, worker: Worker) -> None:
        """All its days in the seconds asked for; the last row is now, as of a file."""
        rows = await asyncio.to_thread(described_rows, plant, 0)
        self.faults = plant.faults()
        lasts_ns, seconds = rows[-1].time - rows[0].time, self.options.seconds or DESCRIBED_SECONDS
        self._say(
            f"{plant.days:g} days of the plant that {FILE} describes, in {seconds:g} s",
            *(f"fault: {fault.story['en']}" for fault in plant.fault),
        )
        self._go_live(time.time_ns() - lasts_ns)
        await play_rows(rows, sender, lasts_ns / SECOND / seconds, self._over(worker, None))

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

    @contextlib.asynccontextmanager
    async def _web_board(self, settings: Settings) -> AsyncIterator[str | None]:
        """The web board beside it, on its usual port or, where that is taken, a free one; its address."""
        if not self.options.board:
            yield None
            return
        board = Board(settings)
        try:
            try:
                await board.start()
            except Misconfigured:
                board = Board(settings.model_copy(update={"board_port": 0}))
                await board.start()
            self._say(f"the web board is at {board.url}")
            yield board.url
        finally:
            await board.stop()

    @contextlib.contextmanager
    def _view(self, worker: Worker) -> Iterator[None]:
        if not self.options.ui:
            yield
            return
        console = Console()
        picture = Picture(worker, self.seen, self.embedded, self.address)
        with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:

            async def refresh() -> None:
                while True:
                    await asyncio.sleep(0.25)
                    live.update(self._draw(console, picture), refresh=True)

            task = asyncio.create_task(refresh())
            try:
                yield
            finally:
                task.cancel()

    def _draw(self, console: Console, picture: Picture) -> RenderableType:
        elapsed = time.monotonic() - self.started
        data = picture.take(self.faults, self.live_ns, elapsed, self.phase)
        return View(console.width, console.height).render(data)

    def _write(self, made: dict[str, Any]) -> None:
        if self.options.summary:
            try:
                self.options.summary.write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2) + b"\n")
            except OSError as error:
                raise Misconfigured(f"--summary {self.options.summary}: {error.strerror}") from error
