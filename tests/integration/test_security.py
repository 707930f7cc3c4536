"""TLS, SASL and rights end to end: what the printed list grants is enough and no more; a refusal is one clear line."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from kafka.admin import KafkaAdminClient

from schemas.control import Control
from schemas.control import encode as encode_control
from schemas.encode import encode_single
from schemas.errors import Misconfigured, Retry
from schemas.partition import key_of, partition_of
from streams import access
from streams.access import check_access, lacking_rights
from streams.acl import ROLES, Role
from streams.command_client import new_command, records_for
from streams.command_client import send as send_command
from streams.grow import grow
from streams.security import kafka_python_options
from streams.settings import Settings, load_settings
from streams.topics import check_topics, ensure_topics
from streams.worker import Worker
from tests.integration.support.process import arguments_of, process
from tests.integration.support.secure import PARTITIONS, USER_OF, USERS, Installation, client
from tests.integration.support.waiting import until
from tests.integration.support.workers import counted, get, running, site_from
from tests.servers import kafka_native
from tests.servers.authority import Authority
from tests.servers.choose import Way, first_open, in_ci
from tests.servers.kafka_secure import SecureKafka
from tests.servers.lend import lend
from tests.servers.net import free_port

SECOND = 1_000_000_000
ASSET, NEXT = "penang/smt/line1/oven3", "penang/smt/line1/oven4"
HOME = partition_of(key_of(ASSET), PARTITIONS)
SITE = site_from('[site]\nstore = "all"\n[[watch]]\nname = "hot"\nseries = "*"\n'
                 'detector = { kind = "limits", high = 80 }\n')  # fmt: skip
WRONG = "a-wrong-password-that-must-not-be-shown"


@pytest.fixture(scope="module")
def secure() -> Iterator[SecureKafka]:
    way = Way("native", lambda: SecureKafka(kafka_native.prepare(), USERS))
    server = lend(lambda: first_open([way]), in_ci()).server
    yield server
    server.close()


@pytest.fixture
def plant(secure: SecureKafka) -> Installation:
    """Topics that nobody but the broker's own user has a right on yet."""
    made = Installation(secure)
    made.make_topics()
    return made


@asynccontextmanager
async def producing(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**client(settings))
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def put(settings: Settings, *values: float, asset: str = ASSET) -> None:
    """Send readings a second apart, up to now."""
    now = time.time_ns()
    async with producing(settings) as producer:
        for i, value in enumerate(values):
            body, headers = encode_single(asset, "temp", now - (len(values) - 1 - i) * SECOND, value)
            await producer.send_and_wait(settings.topic("reading.v1"), body, key_of(asset), headers=list(headers))


async def write(settings: Settings, name: str) -> None:
    """Write something to a topic. Raises what Kafka says."""
    async with producing(settings) as producer:
        await producer.send_and_wait(settings.topic(name), b"{}", partition=0)


async def read(settings: Settings, name: str, count: int, group: str | None = None) -> list[Any]:
    """The first records of a topic, by partition alone or in a group. Raises what Kafka says."""
    topic = settings.topic(name)
    consumer = AIOKafkaConsumer(
        **client(settings), group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        if group is None:
            consumer.assign([TopicPartition(topic, p) for p in range(PARTITIONS)])
        else:
            consumer.subscribe([topic])
        found: list[Any] = []
        end = time.monotonic() + 15
        while len(found) < count:
            assert time.monotonic() < end, f"{len(found)} of {count} records of {topic}"
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()


def token_of(user: str) -> str:
    """An unsigned token, as the test broker takes them."""

    def part(of: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(of).encode()).decode().rstrip("=")

    now = int(time.time())
    return f"{part({'alg': 'none'})}.{part({'sub': user, 'iat': now, 'exp': now + 600})}."


# --- every way in

WAYS = ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER", "client certificate", "SASL_PLAINTEXT"]


def by(way: str, plant: Installation, folder: Path) -> Settings:
    """The worker's settings for a way to connect."""
    match way:
        case "OAUTHBEARER":
            token = folder / "token"
            token.write_text(token_of("worker"))
            return plant.settings(
                "worker", kafka_mechanism=way, kafka_user="", kafka_password="", kafka_token_file=token
            )
        case "client certificate":
            cert, key = plant.kafka.authority.issue("worker")
            files = {"kafka_cert": cert, "kafka_key": key, "kafka_ca": plant.kafka.authority.file}
            base = plant.settings("worker").model_dump(exclude={"kafka_user", "kafka_password", "kafka_mechanism"})
            return load_settings(**base | files | {"kafka": plant.kafka.mutual, "kafka_security": "SSL"})
        case "SASL_PLAINTEXT":
            base = plant.settings("worker").model_dump(exclude={"kafka_ca"})
            return load_settings(**base | {"kafka": plant.kafka.clear, "kafka_security": way})
        case _:
            return plant.settings("worker", kafka_mechanism=way)


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_in_is_open_to_all_clients(plant: Installation, tmp_path: Path, way: str) -> None:
    plant.allow("worker", "gateway")
    settings = by(way, plant, tmp_path)
    await asyncio.to_thread(check_access, settings, "worker")
    assert await asyncio.to_thread(_topics_seen, settings)
    async with running(settings, SITE) as worker:
        await put(plant.settings("gateway"), 20.0)
        await until(lambda: counted(worker) == 1, 20, "the reading is judged")


def _topics_seen(settings: Settings) -> list[str]:
    with closing(KafkaAdminClient(bootstrap_servers=settings.kafka, **kafka_python_options(settings))) as admin:
        return [name for name in admin.list_topics() if name.startswith(settings.prefix)]


# --- what the list grants is enough


async def test_each_role_does_its_work_with_the_rights_of_the_list_alone(secure: SecureKafka) -> None:
    plant = Installation(secure)
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
    "reader": ["reading.v1", "command.v1", "anomaly.v1", "state.v1"],
    "keeper": ["reading.v1", "command.v1", "anomaly.v1", "audit.v1"],
    "worker": ["kpi.v1"],
}
NOT_READ: dict[str, list[str]] = {
    "gateway": ["reading.v1", "command.v1", "anomaly.v1", "state.v1"],
    "operator": ["reading.v1", "command.v1", "state.v1"],
    "reader": ["reading.v1", "command.v1", "state.v1"],
    "worker": ["audit.v1", "rejected.v1"],
}


async def test_no_role_can_do_what_the_list_does_not_say(plant: Installation) -> None:
    plant.allow(*ROLES)
    for user, names in NOT_WRITTEN.items():
        for name in names:
            with pytest.raises(TopicAuthorizationFailedError):
                await write(plant.settings(user), name)
    for user, names in NOT_READ.items():
        for name in names:
            with pytest.raises(TopicAuthorizationFailedError):
                await read(plant.settings(user), name, 1)
    for user in ("gateway", "operator", "reader", "keeper"):
        settings = plant.settings(user)
        with pytest.raises(GroupAuthorizationFailedError):
            await read(settings, "anomaly.v1" if user == "reader" else "reading.v1", 1, group=settings.group)
    for role in ("gateway", "operator", "reader"):
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


# --- what is said where something is wrong


async def refused(settings: Settings, role: Role | None = None) -> str:
    """Why the pre-check refuses, within seconds, without a secret."""
    started = time.monotonic()
    with pytest.raises((Misconfigured, Retry)) as caught:
        await asyncio.to_thread(check_access, settings, role)
    assert time.monotonic() - started < 8
    said = str(caught.value)
    assert "\n" not in said
    assert WRONG not in said
    return said


async def test_each_wrong_way_to_connect_is_named(plant: Installation, tmp_path: Path) -> None:
    kafka, at = plant.kafka, f"Kafka at {plant.kafka.bootstrap}: "
    stranger = Authority(tmp_path, "stranger").file
    for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        said = await refused(plant.settings("worker", kafka_mechanism=mechanism, kafka_password=WRONG))
        assert said.startswith(f"{at}user worker is not let in ({mechanism}); correct MILLSTREAM_KAFKA_USER or")
    token = {"kafka_mechanism": "OAUTHBEARER", "kafka_user": "", "kafka_password": "", "kafka_token": WRONG}
    assert f"{at}the token is not let in" in await refused(plant.settings("worker", **token))
    assert "MILLSTREAM_KAFKA_CA must name" in await refused(plant.settings("worker", kafka_ca=stranger))
    away = await refused(plant.settings("worker", kafka=kafka.elsewhere))
    assert "its certificate is for another host" in away
    assert "MILLSTREAM_KAFKA_CHECK_HOSTNAME" in away
    await asyncio.to_thread(check_access, plant.settings("worker", kafka=kafka.elsewhere, kafka_check_hostname=False))
    clear = load_settings(kafka=kafka.bootstrap)
    assert "is MILLSTREAM_KAFKA_SECURITY=PLAINTEXT right for it" in await refused(clear)
    assert "is MILLSTREAM_KAFKA_SECURITY=SASL_SSL right for it" in await refused(
        plant.settings("worker", kafka=kafka.clear)
    )
    bare = load_settings(kafka=kafka.mutual, kafka_security="SSL", kafka_ca=kafka.authority.file)
    assert "does it ask for a certificate (MILLSTREAM_KAFKA_CERT)" in await refused(bare)
    assert "Connection refused" in await refused(plant.settings("worker", kafka=f"127.0.0.1:{free_port()}"))


async def test_one_broker_of_several_is_enough(plant: Installation) -> None:
    both = f"127.0.0.1:{free_port()},{plant.kafka.bootstrap}"
    await asyncio.to_thread(check_access, plant.settings("worker", kafka=both))
    # the one that answers is believed, not the one that is away
    said = await refused(plant.settings("worker", kafka=both, kafka_password=WRONG))
    assert "is not let in" in said


@pytest.mark.parametrize(
    ("kind", "name", "operation"),
    [
        ("topic", "reading.v1", "READ"),
        ("topic", "reading.v1", "WRITE"),
        ("topic", "state.v1", "WRITE"),
        ("topic", "anomaly.v1", "WRITE"),
        ("topic", "kpi.v1", "DESCRIBE"),
        ("topic", "state.v1", "DESCRIBE_CONFIGS"),
        ("group", "workers", "READ"),
    ],
)
async def test_a_right_that_is_missing_at_the_start_is_named(
    plant: Installation, kind: str, name: str, operation: str
) -> None:
    plant.allow("worker")
    full = plant.prefix + name
    plant.forbid("worker", kind, full, operation)
    said = await refused(plant.settings("worker"), "worker")
    # who may not even see a topic has no right on it
    wanted = f"{operation}+DESCRIBE_CONFIGS" if operation == "DESCRIBE" else operation
    assert said == (
        f"Kafka: user worker may not {wanted} {kind} {full}; what a worker needs is printed by: millstream topics --acl"
    )


@pytest.mark.parametrize("fault", ["password", "authority", "topic", "group"])
def test_the_worker_ends_with_one_line(plant: Installation, tmp_path: Path, fault: str) -> None:
    plant.allow("worker")
    given: dict[str, Any] = {}
    match fault:
        case "password":
            given = {"kafka_password": WRONG}
        case "authority":
            given = {"kafka_ca": Authority(tmp_path, "stranger").file}
        case "topic":
            plant.forbid("worker", "topic", f"{plant.prefix}reading.v1", "READ")
        case "group":
            plant.forbid("worker", "group", f"{plant.prefix}workers", "READ")
    with process(plant.environment("worker", **given)) as child:
        said, _ = child.communicate(timeout=30)
    (line,) = said.splitlines()
    assert line.startswith("millstream: Kafka")
    assert child.returncode == 2
    assert WRONG not in said
    assert plant.kafka.passwords["worker"] not in said


# --- while it runs


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


# --- the worker as a process


async def test_the_process_shows_no_secret_and_serves_https_to_the_bearer_of_its_token(
    plant: Installation, tmp_path: Path
) -> None:
    plant.allow("worker")
    cert, key = plant.kafka.authority.issue("metrics", "127.0.0.1")
    token, password, port = "a-token-of-this-test-0123", plant.kafka.passwords["worker"], free_port()
    secrets = {"KAFKA_PASSWORD": password, "METRICS_TOKEN": token, "CONTROL_KEY": "k" * 40}
    environment = plant.environment("worker", port=port, metrics_cert=cert, metrics_cert_key=key)
    for name, secret in secrets.items():
        file = tmp_path / name
        file.touch(mode=0o600)
        file.write_text(f"{secret}\n")
        environment.pop(f"MILLSTREAM_{name}", None)
        environment[f"MILLSTREAM_{name}_FILE"] = str(file)
    trusted = ssl.create_default_context(cafile=plant.kafka.authority.file)
    with process(environment | {"MILLSTREAM_LOG_LEVEL": "debug"}) as child:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted)) as session:

            async def asked(path: str, **headers: str) -> int:
                try:
                    async with session.get(f"https://127.0.0.1:{port}{path}", headers=headers) as answer:
                        return answer.status
                except aiohttp.ClientConnectionError:
                    assert child.poll() is None
                    return 0

            async def is_ready() -> bool:
                return await asked("/readyz") == 200

            await until(is_ready, 30, "the worker is ready")
            assert await asked("/metrics") == 401
            assert await asked("/metrics", Authorization=f"Bearer {token}") == 200
        shown = arguments_of(child.pid)
        child.terminate()
        said, _ = await asyncio.to_thread(child.communicate, timeout=30)
    assert child.returncode == 0
    assert f"https://127.0.0.1:{port}/metrics" in said
    assert not [secret for secret in secrets.values() if secret in said + shown]
