"""What the printed list of rights grants is enough for each role, and no more."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from schemas.control import Control
from schemas.control import encode as encode_control
from schemas.errors import Misconfigured
from streams.access import lacking_rights
from streams.acl import ROLES
from streams.command_client import new_command, records_for
from streams.command_client import send as send_command
from streams.grow import grow
from streams.security import kafka_python_options
from streams.topics import check_topics, ensure_topics
from streams.worker import Worker
from tests.integration.support.secure import PARTITIONS, USER_OF, Installation
from tests.integration.support.secure_traffic import HOME, NEXT, SECOND, SITE, producing, put, read, write
from tests.integration.support.waiting import until
from tests.integration.support.workers import counted, get, running
from tests.servers.kafka_secure import SecureKafka

# --- what the list grants is enough


async def test_each_role_does_its_work_with_the_rights_of_the_list_alone(secure_kafka: SecureKafka) -> None:
    plant = Installation(secure_kafka)
    plant.allow(*ROLES)
    keeper = plant.settings("keeper")
    lines = await asyncio.to_thread(ensure_topics, keeper.kafka, keeper.prefix, PARTITIONS, fix=True,
                                    client_options=kafka_python_options(keeper))  # fmt: skip
    assert all(": made, " in line for line in lines)
    for role, user in USER_OF.items():
        assert await asyncio.to_thread(lacking_rights, plant.settings(user), role) is None

    gateway, settings = plant.settings("gateway"), plant.settings("worker")
    async with running(settings, SITE) as worker:
        await put(gateway, 20.0, 90.0)
        await until(lambda: counted(worker) == 2, 20, "both readings are judged")
        command = new_command("mute", "ann", target={"asset": NEXT}, payload={"until": time.time_ns() + 600 * SECOND})
        asked = plant.settings("operator"), command, records_for(command, PARTITIONS), 20.0
        answers = await asyncio.to_thread(lambda: list(send_command(*asked)))
        assert [answer.outcome for answer in answers] == ["accepted"]
        ready = await get(worker, "/readyz")
    assert ready == (200, "ok\n")
    reader = plant.settings("reader")
    events = await read(reader, "anomaly.v1", 1, group=f"{reader.group}-reader.board")
    assert [json.loads(event.value)["phase"] for event in events][:1] == ["opened"]

    again = Worker(settings, SITE, None)
    try:
        await again.start()
        await until(lambda: len(again.assigned) == PARTITIONS, 30, "all partitions are restored")
        assert again.engines[HOME].roster.refs, "what was learned is known after a restart"
        assert again.episodes.get(json.loads(events[0].value)["episode_id"]) is not None
        await put(gateway, 20.0, asset=NEXT)
        await until(lambda: counted(again, "muted") == 1, 20, "the mute outlives the restart")
    finally:
        await again.stop()

    said: list[str] = []
    await asyncio.to_thread(grow, keeper, 2 * PARTITIONS, said.append)
    assert said[-1] == f"done; start the workers with MILLSTREAM_PARTITIONS={2 * PARTITIONS}"
    grown = await asyncio.to_thread(check_topics, keeper.kafka, keeper.prefix, 2 * PARTITIONS,
                                    client_options=kafka_python_options(settings))  # fmt: skip
    assert grown == []


# --- and no more

NOT_WRITTEN: dict[str, list[str]] = {
    "gateway": ["command.v1", "anomaly.v1", "audit.v1", "state.v1", "rejected.v1", "kpi.v1"],
    "operator": ["reading.v1", "anomaly.v1", "audit.v1", "state.v1"],
    "board": ["reading.v1", "anomaly.v1", "audit.v1", "state.v1", "kpi.v1"],
    "reader": ["reading.v1", "command.v1", "anomaly.v1", "state.v1"],
    "keeper": ["reading.v1", "command.v1", "anomaly.v1", "audit.v1"],
}
NOT_READ: dict[str, list[str]] = {
    "gateway": ["reading.v1", "command.v1", "anomaly.v1", "state.v1"],
    "operator": ["reading.v1", "command.v1", "state.v1"],
    "board": ["reading.v1", "command.v1", "state.v1", "rejected.v1"],
    "reader": ["reading.v1", "command.v1", "state.v1"],
    "worker": ["audit.v1", "rejected.v1", "kpi.site.v1"],
}


async def test_no_role_can_do_what_the_list_does_not_say(plant: Installation) -> None:
    plant.allow(*ROLES)
    for user, names in NOT_WRITTEN.items():
        for name in names:
            with pytest.raises(TopicAuthorizationFailedError):
                await write(plant.settings(user), name)
    # who may not even see a topic is told nothing by its consumer: so the broker is asked
    for user, names in NOT_READ.items():
        assert [name for name in names if await asyncio.to_thread(plant.may, user, "READ", name)] == []
    assert await asyncio.to_thread(plant.may, "reader", "READ", "anomaly.v1"), "the question is the right one"
    for user in ("gateway", "operator", "board", "reader", "keeper"):
        settings = plant.settings(user)
        with pytest.raises(GroupAuthorizationFailedError):
            await read(settings, "anomaly.v1" if user in ("reader", "board") else "reading.v1", 1, group=settings.group)
    for role in ("gateway", "operator", "board", "reader"):
        settings = plant.settings(role, prefix=f"{plant.prefix}other.")
        with pytest.raises(Misconfigured, match="give this user the right to create"):
            await asyncio.to_thread(ensure_topics, settings.kafka, settings.prefix, PARTITIONS,
                                    client_options=kafka_python_options(settings))  # fmt: skip


async def test_who_may_write_readings_cannot_forge_a_control_record(plant: Installation) -> None:
    # whatever it is made of, it is refused: tests/integration/test_bad_input.py
    plant.allow("worker", "gateway")
    gateway = plant.settings("gateway", control_key=None)
    forged, headers = encode_control(Control(kind="configure", partition=HOME, payload={}), b"k" * 32)
    async with running(plant.settings("worker"), SITE) as worker:
        async with producing(gateway) as producer:
            topic = gateway.topic("reading.v1")
            sent = await producer.send_and_wait(topic, forged, partition=HOME, headers=list(headers))
        await put(gateway, 20.0)
        await until(lambda: counted(worker) == 2, 20, "the forgery and the reading are counted")
        assert worker.metrics.value("millstream_forged_total") == 1
        assert worker.engines[HOME].site.hash == SITE.hash
    told = [json.loads(record.value) for record in await read(plant.settings("admin"), "rejected.v1", 1)]
    assert [(one["reason"], one["offset"]) for one in told] == [("forged_control", sent.offset)]
