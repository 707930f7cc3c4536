"""What InfluxDB takes at most: lines that are ready, posted by the sink's own client, two requests at a time."""

from __future__ import annotations

import asyncio
import time
import uuid

from aiokafka import AIOKafkaConsumer

from schemas.decode import Decoder
from streams.engine import Engine
from streams.run import make_sink
from streams.settings import load_settings
from streams.sinks.influx import InfluxSink
from streams.sinks.pieces import Piece, pieces
from tests.bench.load import LIGHT, PARTITIONS, to_records

IN_FLIGHT = 2


async def measure_limit(bootstrap: str, prefix: str, readings: int) -> tuple[int, float]:
    """Points of the load's first readings, and the seconds that storing them takes."""
    settings = load_settings(kafka=bootstrap, prefix=prefix, control_key="k" * 32, sink="influx", port=0)
    sink = make_sink(settings)
    assert isinstance(sink, InfluxSink)
    ready = iter(await _ready(bootstrap, prefix, readings))
    points = 0

    async def post() -> None:
        nonlocal points
        for piece in ready:
            answer = await sink._post(piece)
            assert answer.status == 204, answer
            points += len(piece.lines)

    await sink.open()
    began = time.perf_counter()
    await asyncio.gather(*(post() for _ in range(IN_FLIGHT)))
    took = time.perf_counter() - began
    await sink.close()
    return points, took


async def _ready(bootstrap: str, prefix: str, readings: int) -> list[Piece]:
    """The pieces that a worker would make of the load's first readings."""
    consumer = AIOKafkaConsumer(
        f"{prefix}reading.v1", bootstrap_servers=bootstrap, group_id=uuid.uuid4().hex, auto_offset_reset="earliest",
        max_partition_fetch_bytes=16_777_216,
    )  # fmt: skip
    decoder, site = Decoder(b""), LIGHT
    engines = {p: Engine(p, PARTITIONS, site, rows="stored") for p in range(PARTITIONS)}
    made: list[Piece] = []
    await consumer.start()
    try:
        while readings > 0:
            for tp, batch in (await consumer.getmany(timeout_ms=1000, max_records=100)).items():
                results = engines[tp.partition].feed(decoder.decode(to_records(batch), tp.partition))
                readings -= results.counts["readings_in"]
                made += pieces([results])
    finally:
        await consumer.stop()
    return made
