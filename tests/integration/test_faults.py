"""Nothing lost, nothing told twice: the short version of `make faults` (tests/faults), a kill, a freeze, an outage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.encode import encode_single
from schemas.errors import Retry
from schemas.partition import key_of
from streams import health
from streams.results import Results
from streams.settings import Settings
from streams.state.store import StateStore
from streams.worker import Worker
from tests.faults import kill, outages, owners
from tests.faults.servers import SESSION_S, Broker, Proxied, broker, proxies
from tests.faults.stand import stand
from tests.integration.support.produce import Outgoing, send
from tests.integration.support.waiting import until
from tests.integration.support.workers import MemorySink, get, running, settings_of, site_from, topics_for
from tests.servers import InfluxServer, KafkaServer

__all__ = ["broker", "proxies"]

STALLED_S = 1.0
"""What stands for the minute after which a worker that does not move is not alive."""
NOTICED_S = 10.0
SITE = site_from('[site]\nstore = "all"\n')


def test_kills_and_a_frozen_owner_lose_nothing_and_change_nothing(broker: Broker, influx: InfluxServer) -> None:
    with stand(broker.bootstrap, influx, SESSION_S) as s:
        rounds = kill.kill_rounds(s, rounds=3, readings=60_000, whole=False)
        print(f"  {rounds}")
        assert max(life.replayed for life in rounds.lives) <= rounds.bound
        owners.frozen_owner(s, s.workers[-1])
        s.compare()


def test_a_store_that_is_away_and_a_stop_meanwhile_lose_nothing(broker: Broker, proxies: Proxied) -> None:
    with stand(broker.bootstrap, proxies.store, SESSION_S, influx_url=proxies.influx_url) as s:
        worker = s.worker()
        outages.outage(s, worker, proxies.influx, outages.RATE_LIMIT, 1.0, heal_s=30.0)
        outages.outage(s, worker, proxies.influx, outages.REFUSING, 5.0, heal_s=30.0)
        proxies.influx.refuse()
        outages.flow(s, 1.0)
        began = time.monotonic()
        worker.stop()
        print(f"  SIGTERM during an outage took {time.monotonic() - began:.1f} s")
        proxies.influx.heal()
        s.worker().until_ready()
        s.settle()
        s.compare()


# --- liveness


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings on topics of this test alone; a minute of stand-still is a second."""
    monkeypatch.setattr(health, "STALLED_S", STALLED_S)
    made = settings_of(real_kafka, topic_prefix)
    topics_for(made)
    return made


async def put(settings: Settings) -> None:
    """A reading."""
    message = encode_single("penang/smt/line1/oven3", "temp", time.time_ns(), 20.0)
    outgoing = Outgoing(*message, key_of("penang/smt/line1/oven3"))
    await send("aiokafka", settings.kafka, settings.topic("reading.v1"), [outgoing])


async def red(worker: Worker, path: str, words: str) -> None:
    """Wait until a probe fails, and says why in these words."""

    async def said() -> bool:
        status, text = await get(worker, path)
        return status == 503 and words in text

    await until(said, NOTICED_S, f"{path} is red: {words}")


async def test_an_agent_that_hangs_turns_healthz_red(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(settings, SITE) as worker:
        await until(lambda: len(worker.assigned) == settings.partitions, 20, "all partitions")
        assert (await get(worker, "/healthz"))[0] == 200

        go = asyncio.Event()

        async def hang(results: Results) -> None:
            await go.wait()

        monkeypatch.setattr(worker.readings.kind._publisher, "publish", hang)
        await put(settings)
        await red(worker, "/healthz", "wait")  # the chunk in hand, or records behind it
        await red(worker, "/readyz", "wait")
        go.set()


class HangingSink(MemorySink):
    """A store whose writes do not end."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def write(self, batch: Sequence[Results]) -> None:
        await self.go.wait()


async def test_a_sink_that_hangs_turns_healthz_red(settings: Settings) -> None:
    sink = HangingSink()
    async with running(settings, SITE, sink) as worker:
        await put(settings)
        await red(worker, "/healthz", "store")
        sink.go.set()


async def test_a_slow_start_is_alive_and_not_ready(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    newest, go = StateStore.newest, asyncio.Event()

    async def slowly(self: StateStore, *arguments: Any) -> Any:
        await go.wait()
        return await newest(self, *arguments)

    monkeypatch.setattr(StateStore, "newest", slowly)
    await put(settings)
    worker = Worker(settings, SITE, MemorySink())
    try:
        await worker.start()
        await until(lambda: worker.owned, 20, "partitions")
        began = time.monotonic()
        # the lag is measured every two seconds: it is seen, and long enough for any clock that runs
        while time.monotonic() - began < 4 * STALLED_S:
            assert (await get(worker, "/healthz"))[0] == 200
            status, text = await get(worker, "/readyz")
            assert status == 503
            assert "restored" in text
            await asyncio.sleep(0.1)
        go.set()
        await until(lambda: len(worker.assigned) == settings.partitions, 20, "restored")

        async def ready() -> bool:
            return (await get(worker, "/readyz"))[0] == 200

        await until(ready, 20, "/readyz is green")
    finally:
        await worker.stop()


async def test_a_store_that_is_away_at_the_start_leaves_the_worker_alive(settings: Settings) -> None:
    class Away(MemorySink):
        async def open(self) -> None:
            raise Retry("the store is away")

    worker = Worker(settings, SITE, Away())
    starting = asyncio.create_task(worker.start())
    try:
        await until(lambda: worker.web.port, 5, "the worker's own server listens")
        assert (await get(worker, "/healthz"))[0] == 200
        await red(worker, "/readyz", "the store is away")
    finally:
        starting.cancel()
        await worker.stop()
