"""Fixtures of the integration tests: real servers, and names nobody else uses on them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.support.secure import USERS, Installation
from tests.servers import InfluxServer, KafkaServer, kafka_native
from tests.servers.alerting_tools import Tools, prepared
from tests.servers.choose import Way, first_open, in_ci
from tests.servers.fleet import Fleet
from tests.servers.kafka_secure import SecureKafka
from tests.servers.leftovers import delete_buckets, delete_topics
from tests.servers.lend import lend, lend_tools

HERE = Path(__file__).resolve().parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def kafka(fleet: Fleet) -> KafkaServer:
    """The broker of this run; `real` is False for the embedded one."""
    return lend(fleet.kafka.get, in_ci())


@pytest.fixture(scope="session")
def real_kafka(kafka: KafkaServer) -> KafkaServer:
    """Apache Kafka itself: for what the embedded broker does not do (transactions, idempotence, restart)."""
    if not kafka.real:
        pytest.skip("needs Apache Kafka; here is only the embedded broker")
    return kafka


@pytest.fixture(scope="session")
def influx(fleet: Fleet) -> InfluxServer:
    """The InfluxDB of this run."""
    return lend(fleet.influx.get, in_ci())


@pytest.fixture(scope="session")
def alerting_tools() -> Tools:
    """Prometheus and Alertmanager, as `python -m tests.servers prepare` makes them."""
    return lend_tools(prepared, in_ci())


@pytest.fixture(scope="session")
def secure_kafka() -> Iterator[SecureKafka]:
    """A broker of our own with TLS, SASL and ACLs, beside the one of this run."""
    way = Way("native", lambda: SecureKafka(kafka_native.prepare(), USERS))
    server = lend(lambda: first_open([way]), in_ci()).server
    yield server
    server.close()


@pytest.fixture
def plant(secure_kafka: SecureKafka) -> Installation:
    """Topics on it that nobody but the broker's own user has a right on yet."""
    made = Installation(secure_kafka)
    made.make_topics()
    return made


def _unique() -> str:
    return f"t{uuid.uuid4().hex[:8]}."


@pytest.fixture
def topic_prefix(kafka: KafkaServer) -> Iterator[str]:
    """A prefix for topics and groups that only this test uses; on a server that stays, its topics are deleted."""
    prefix = _unique()
    yield prefix
    if not kafka.controllable:
        delete_topics(kafka, prefix)


@pytest.fixture
def influx_prefix(influx: InfluxServer) -> Iterator[str]:
    """A prefix for buckets that only this test uses; on a server that stays, its buckets are deleted."""
    prefix = _unique()
    yield prefix
    if not influx.controllable:
        delete_buckets(influx, prefix)
