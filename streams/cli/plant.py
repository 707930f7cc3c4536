"""`millstream plant`: the simulated plant's readings on Kafka, to try a stack before there are machines."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Annotated

import typer
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from detectors.durations import SECOND
from schemas.errors import Retry
from streams.access import knock
from streams.cli.common import clear_errors, fail
from streams.demo.feed import Sender, live_plant, play_plant
from streams.plant import Plant, default_faults
from streams.security import aiokafka_options
from streams.settings import Settings, load_settings

_SEED = 20260105


def plant(
    seconds: Annotated[float, typer.Option(min=1, help="End after so many seconds; a day by default.")] = 86_400.0,
    past: Annotated[
        int, typer.Option(min=0, help="Seconds of its past to send first, so that detectors know it.")
    ] = 600,
    kafka: Annotated[str | None, typer.Option(help="Bootstrap servers; default: MILLSTREAM_KAFKA.")] = None,
) -> None:
    """Send a simulated plant's readings to reading.v1.

    Twenty machines, a row a second, and a fault of each kind every five minutes. For trying a stack before there are
    machines; its site file is streams/plant/site.toml. Not beside a real plant: its assets are under penang/.

      MILLSTREAM_KAFKA=broker:9092 millstream plant
    """
    with clear_errors():
        settings = load_settings(kafka=kafka)
        try:
            asyncio.run(_run(settings, seconds, past))
        except (Retry, KafkaError) as error:
            fail(str(error) or f"Kafka at {settings.kafka}: {error!r}", 1)


async def _run(settings: Settings, seconds: float, past: int) -> None:
    await knock(settings)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka, acks="all", linger_ms=2, **aiokafka_options(settings)
    )  # fmt: skip
    await producer.start()
    try:
        live_ns = (time.time_ns() // SECOND + 2) * SECOND
        simulated = Plant(_SEED, live_ns - past * SECOND, faults=default_faults(seconds), live_ns=live_ns)
        sender = Sender(producer, settings.topic("reading.v1"), settings.partitions)
        print(f"{len(simulated.assets)} machines, {simulated.series} series, to {sender.topic} on {settings.kafka}")
        await play_plant(simulated, sender, past)
        end_ns = live_ns + int(seconds * SECOND)
        await live_plant(simulated, sender, lambda: stop.is_set() or simulated.next_ns >= end_ns)
        print(f"sent {sender.readings} readings", flush=True)
    finally:
        await producer.stop()
