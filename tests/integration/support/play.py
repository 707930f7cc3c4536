"""One end-to-end run: everything is sent to a worker, all it did is read back, and another worker takes its place."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from schemas.codecs import MSGPACK
from schemas.encode import encode_frame
from schemas.partition import key_of
from streams.settings import Settings
from streams.worker import Worker
from tests.integration.support.influx import Point, points
from tests.integration.support.produce import CLIENTS, Client, Sent, send
from tests.integration.support.scenario import ASSETS, INSTANTS, PARTITIONS, SECOND, SERIES, SITE, Fault, step_ns
from tests.integration.support.tally import Tally, tally
from tests.integration.support.topics import Message, committed, end_offsets, whole
from tests.integration.support.traffic import Traffic, traffic
from tests.integration.support.waiting import until
from tests.integration.support.workers import counted, get, influx_sink, metrics_of, outcomes_of, running, site_from
from tests.servers import InfluxServer


class Run(NamedTuple):
    """All that one run showed."""

    sent: Traffic
    counts: Tally  # what it must come to, counted independently
    end_ns: int
    placed: dict[Client, list[Sent]]
    outcomes: dict[str, int]
    metrics: dict[tuple[str, ...], float]
    health: dict[str, tuple[int, str]]
    pages: dict[str, tuple[int, str]]
    events: list[Message]
    rejected: list[Message]
    points: dict[str, list[Point]]
    ends: dict[int, int]
    committed: dict[int, int]
    again: dict[str, int]  # outcomes that the next worker of the group counted before anything new was sent
    fresh: int  # readings sent then
    after: dict[str, int]  # its outcomes after those
    figures: dict[str, float]

    def time_of(self, fault: Fault, instant: int) -> int:
        """Event time of an instant of the asset that a fault is on."""
        return self.end_ns - (INSTANTS - 1 - instant) * step_ns(fault.asset)


async def play(settings: Settings, influx: InfluxServer, prefix: str) -> Run:
    """Send everything to a running worker, look at all it did; then let another worker take its place."""
    end_ns = time.time_ns() // SECOND * SECOND
    sent = traffic(end_ns)
    expected = len(sent.readings) + sum(sent.rejected.values())
    topic = settings.topic("reading.v1")
    async with running(settings, site_from(SITE), influx_sink(influx, prefix)) as worker:
        started = time.perf_counter()
        found = await asyncio.gather(*(send(c, settings.kafka, topic, sent.messages[c]) for c in CLIENTS))
        all_sent = time.perf_counter()
        await until(lambda: worker.failed.done() or counted(worker) >= expected, 60, f"{expected} readings counted")
        drained = time.perf_counter()
        latency = sorted(worker.latency_ms)
        ends = await _idle(worker, settings)
        events = await whole(settings.kafka, settings.topic("anomaly.v1"))
        pages = {e: await get(worker, f"/episodes/{e}") for e in {str(m.json["episode_id"]) for m in events}}
        health = {path: await get(worker, path) for path in ("/healthz", "/readyz", "/episodes/none")}
        metrics = await metrics_of(worker)
        outcomes = outcomes_of([worker])
    stored = {
        "reading": points(influx, f"{prefix}raw", "reading"),
        "verdict": points(influx, f"{prefix}raw", "verdict"),
        "anomaly": points(influx, f"{prefix}main", "anomaly"),
    }
    rejected = await whole(settings.kafka, settings.topic("rejected.v1"))
    ends = await asyncio.to_thread(end_offsets, settings.kafka, topic)
    position = await asyncio.to_thread(committed, settings.kafka, settings.group, topic)
    again, fresh, after, quick = await _second(settings, influx, prefix)
    figures = {
        "readings": expected,
        "messages": sum(map(len, sent.messages.values())),
        "sending_s": all_sent - started,
        "readings_per_s": expected / (drained - started),
        "p50_flood_ms": latency[len(latency) // 2],
        "p99_flood_ms": latency[len(latency) * 99 // 100],
        "p50_paced_ms": quick[len(quick) // 2],
        "p99_paced_ms": quick[len(quick) * 99 // 100],
    }
    return Run(
        sent, tally(sent.readings), end_ns, dict(zip(CLIENTS, found, strict=True)), outcomes, metrics, health, pages,
        events, rejected, stored, ends, position, again, fresh, after, figures,
    )  # fmt: skip


async def _idle(worker: Worker, settings: Settings) -> dict[int, int]:
    """Wait until the worker stands at the end of each partition, what it forwarded itself included."""

    async def at_end() -> dict[int, int] | None:
        ends = await asyncio.to_thread(end_offsets, settings.kafka, settings.topic("reading.v1"))
        mine = {p: engine.next_offset for p, engine in worker.engines.items()}
        return ends if all(mine.get(p, 0) >= end for p, end in ends.items()) else None

    found: dict[int, int] = await until(at_end, 20, "the worker at the end of every partition")
    return found


async def _second(
    settings: Settings, influx: InfluxServer, prefix: str
) -> tuple[dict[str, int], int, dict[str, int], list[float]]:
    """A new worker of the same group: what it counts before anything new is sent; readings at a steady pace then.

    Returns outcomes before, the number of new readings, outcomes after, and the new messages' latencies in ms.
    """
    async with running(settings, site_from(SITE), influx_sink(influx, prefix)) as worker:
        await until(lambda: len(worker.assigned) == PARTITIONS, 20, "all partitions assigned")
        await _idle(worker, settings)
        again = outcomes_of([worker])
        worker.latency_ms.clear()
        fresh = await _paced(settings, seconds=2)
        await until(lambda: counted(worker) >= fresh, 20, "the new readings counted")
        await _idle(worker, settings)
        return again, fresh, outcomes_of([worker]), sorted(worker.latency_ms)


async def _paced(settings: Settings, seconds: int) -> int:
    """A frame of ten series of each asset ten times a second, as live gateways send; the number of readings."""
    loop = asyncio.get_running_loop()
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=2)
    await producer.start()
    began, readings = loop.time(), 0
    try:
        for tick in range(10 * seconds):
            await asyncio.sleep(max(began + tick / 10 - loop.time(), 0))
            now = time.time_ns()
            for asset in ASSETS:
                table = {name: [50.0 + tick % 3] for name in SERIES}
                value, headers = encode_frame(asset, [now], table, content_type=MSGPACK)
                await producer.send(settings.topic("reading.v1"), value, key=key_of(asset), headers=headers)
                readings += len(table)
    finally:
        await producer.stop()
    return readings
