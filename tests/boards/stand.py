"""The stand: plant, Kafka, worker, InfluxDB and Prometheus, with everything in them that boards ask for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from schemas.encode import encode_frame
from schemas.partition import key_of
from streams.command_client import new_command, records_for
from streams.command_client import send as send_command
from streams.demo.feed import Sender
from streams.sinks.store_init import init_store
from streams.worker import Worker
from tests.boards.plant import LIVE, MINUTE, OVEN, frames, site
from tests.integration.support.waiting import until
from tests.integration.support.workers import counted, influx_sink, running, settings_of, site_from, topics_for
from tests.servers import InfluxServer, KafkaServer
from tests.servers.alerting import Prometheus
from tests.servers.alerting_tools import Tools

SCRAPES = 20
"""Seconds over which the last readings are spread, so that rates have something to be made of."""


WINDOW_S, YOUNG_S = 1800, 300
"""Length of the plant's demand windows, and how long one is too young to be sure of a forecast."""


class Stand(NamedTuple):
    """Where the boards' queries go."""

    influx: InfluxServer
    prefix: str
    prometheus: str
    now_s: float
    young: bool
    """Whether the running demand window has just begun, so that it has no forecast yet."""


@asynccontextmanager
async def stand(
    kafka: KafkaServer, topics: str, influx: InfluxServer, buckets: str, tools: Tools
) -> AsyncIterator[Stand]:
    """A plant that has been fed in; the worker runs on until the end."""
    settings = settings_of(kafka, topics, tick_interval="1s", snapshot_interval="5s")
    await asyncio.to_thread(topics_for, settings)
    await asyncio.to_thread(init_store, influx.url, influx.token, influx.org, buckets)
    async with running(settings, site_from(site()), influx_sink(influx, buckets)) as worker:
        with TemporaryDirectory() as folder, Prometheus(tools, _scraping(Path(folder), worker.web.port)) as prometheus:
            await _mute(settings)
            producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=5, max_request_size=4_000_000)
            await producer.start()
            try:
                sender = Sender(producer, settings.topic("reading.v1"), settings.partitions)
                await _feed(sender, producer, worker)
            finally:
                await producer.stop()
            await until(lambda: worker.failed.done() or worker.lanes.pending == 0, 120, "all is in the store")
            young = time.time() % WINDOW_S < YOUNG_S
            if not young:
                await until(lambda: _forecast(worker), 60, "the running demand window is forecast")
            yield Stand(influx, buckets, prometheus.url, time.time(), young)


def _scraping(folder: Path, port: int) -> Path:
    """The configuration of a Prometheus that scrapes a worker each second."""
    config = folder / "prometheus.yml"
    config.write_text(
        "global: { scrape_interval: 1s }\nscrape_configs:\n"
        f'  - {{ job_name: millstream, static_configs: [{{ targets: ["127.0.0.1:{port}"] }}] }}\n',
        encoding="utf-8",
    )
    return config


def _forecast(worker: Worker) -> bool:
    shown = worker.metrics.registry.collect()
    return any(metric.samples for metric in shown if metric.name == "millstream_demand_forecast_watts")


async def _mute(settings: object) -> None:
    """One machine is muted, so that mutes are seen."""
    end = time.time_ns() + 60 * MINUTE
    mute = new_command("mute", "shift lead", target={"asset": OVEN.replace("oven-1", "oven-2"), "series": "zone9_temp"},
                       payload={"until": end})  # fmt: skip
    await asyncio.to_thread(lambda: list(send_command(settings, mute, records_for(mute, 4), 20.0)))  # type: ignore[arg-type]


async def _feed(sender: Sender, producer: AIOKafkaProducer, worker: Worker) -> None:
    begun, total = None, 0
    blocks = await asyncio.to_thread(lambda: list(frames(time.time_ns())))
    for place, block in enumerate(blocks):
        if place >= len(blocks) - LIVE:  # the last minutes one by one, while Prometheus looks on
            if begun is None:
                await _counted(worker, sender)
                begun = time.monotonic()
                await _odd(producer, sender.topic, int(block[0].time[0]))
            total += 1
            await asyncio.sleep(max(begun + total * SCRAPES / LIVE - time.monotonic(), 0.0))
        await sender.send(block)
    await _counted(worker, sender)


async def _counted(worker: Worker, sender: Sender) -> None:
    """Wait for all that was sent: seconds, or minutes where the machine has much else to do."""
    what = f"{sender.readings} readings are counted"
    await until(lambda: worker.failed.done() or counted(worker) >= sender.readings, 180, what)


async def _odd(producer: AIOKafkaProducer, topic: str, now: int) -> None:
    """Late, bad, uncertain, from the future, and garbage."""
    told = [
        encode_frame(OVEN, [now - 3 * MINUTE + 1], {"conveyor_speed": [82.0]}),
        encode_frame(OVEN, [now - 1], {"oxygen": [500.0]}, quality={"oxygen": "bad"}),
        encode_frame(OVEN, [now - 1], {"cooling_temp": [50.0]}, quality={"cooling_temp": "uncertain"}),
        encode_frame(OVEN.replace("oven-1", "oven-3"), [time.time_ns() + MINUTE // 4], {"zone1_temp": [120.0]}),
        (b"no reading", []),
    ]
    for value, headers in told:
        await producer.send_and_wait(topic, value, key_of(OVEN), headers=headers)
