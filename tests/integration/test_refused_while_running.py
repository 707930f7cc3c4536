"""What Kafka refuses while a worker runs: readiness is red and says why, or the worker ends with one line."""

from __future__ import annotations

import asyncio
import json

import pytest

from schemas.errors import Misconfigured
from streams import access
from streams.worker import Worker
from tests.integration.support.secure import WRONG, Installation
from tests.integration.support.secure_traffic import SITE, put, read
from tests.integration.support.waiting import until
from tests.integration.support.workers import counted, get, running


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "EVERY_S", 0.3)


async def red(worker: Worker, said: str) -> None:
    async def so() -> bool:
        status, text = await get(worker, "/readyz")
        return status == 503 and said in text

    await until(so, 20, f"/readyz is red and says: {said}")
    assert (await get(worker, "/healthz"))[0] == 200, "a restart would not help"


async def green(worker: Worker) -> None:
    async def so() -> bool:
        return await get(worker, "/readyz") == (200, "ok\n")

    await until(so, 30, "/readyz is green")


@pytest.mark.parametrize(
    ("name", "operation"),
    [("reading.v1", "READ"), ("command.v1", "READ"), ("anomaly.v1", "WRITE"), ("state.v1", "WRITE")],
)
@pytest.mark.usefixtures("often")
async def test_a_right_that_is_taken_away_turns_readiness_red_and_comes_back(
    plant: Installation, name: str, operation: str
) -> None:
    plant.allow("worker", "gateway")
    full = plant.prefix + name
    async with running(plant.settings("worker"), SITE) as worker:
        await green(worker)
        await asyncio.to_thread(plant.forbid, "worker", "topic", full, operation)
        await red(worker, f"user worker may not {operation} topic {full}")
        await put(plant.settings("gateway"), 90.0)
        await asyncio.to_thread(plant.restore, "worker", "topic", full, operation)
        await until(lambda: counted(worker) == 1, 30, "the reading of meanwhile is judged")
        await green(worker)
        assert not worker.failed.done()
    (event,) = await read(plant.settings("admin"), "anomaly.v1", 1)
    assert json.loads(event.value)["phase"] == "opened"


async def test_a_group_that_is_taken_away_ends_the_worker_with_one_line(plant: Installation) -> None:
    plant.allow("worker")
    async with running(plant.settings("worker"), SITE) as worker:
        await asyncio.to_thread(plant.forbid, "worker", "group", f"{plant.prefix}workers", "READ")
        await until(worker.failed.done, 20, "the worker gives up")
        with pytest.raises(Misconfigured, match=f"READ group {plant.prefix}workers was taken away"):
            worker.failed.result()


@pytest.mark.usefixtures("often")
async def test_a_password_that_is_changed_turns_readiness_red(plant: Installation) -> None:
    plant.allow("worker")
    async with running(plant.settings("worker"), SITE) as worker:
        await green(worker)
        await asyncio.to_thread(plant.kafka.set_password, "worker", WRONG)
        try:
            await red(worker, "user worker is not let in (SCRAM-SHA-512)")
        finally:
            await asyncio.to_thread(plant.kafka.set_password, "worker", plant.kafka.passwords["worker"])
        await green(worker)
