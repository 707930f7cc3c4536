"""The servers of the fault tests: a broker of their own, which may be killed, and proxies in front of everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.servers import InfluxServer, kafka_native
from tests.servers.base import StartFailed, Unavailable
from tests.servers.choose import in_ci
from tests.servers.fleet import Fleet
from tests.servers.kafka_native import NativeKafka
from tests.servers.lend import lend
from tests.servers.net import free_port
from tests.servers.proxy import Proxy

SESSION_S = 2.0
"""Session time-out of the workers: how long a killed one's partitions stay with it."""


class Proxied(NamedTuple):
    """Proxies in front of both servers, and the addresses that workers are told."""

    kafka: Proxy
    influx: Proxy
    kafka_address: str
    influx_url: str
    store: InfluxServer  # past the proxy


class Broker(NamedTuple):
    """A broker that nobody else uses, and the port of the proxy that clients of its second listener go through."""

    server: NativeKafka
    proxy_port: int

    @property
    def bootstrap(self) -> str:
        """Past the proxy."""
        return self.server.bootstrap


def _own_broker() -> Broker:
    port = free_port()
    server = NativeKafka(
        kafka_native.prepare(),
        advertised=port,
        properties={"group.min.session.timeout.ms": "1000", "log.retention.check.interval.ms": "300000"},
    )
    try:
        server.start()
    except BaseException:
        server.close()
        raise
    return Broker(server, port)


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """Apache Kafka as a process of ours: it is killed, cut off and restarted."""
    try:
        made = _own_broker()
    except Unavailable as why:
        (pytest.fail if in_ci() else pytest.skip)(f"needs Kafka as a process of its own: {why}")
    except StartFailed as why:
        pytest.fail(str(why), pytrace=False)
    yield made
    made.server.close()


@pytest.fixture(scope="session")
def influx(fleet: Fleet) -> InfluxServer:
    """The InfluxDB of this run."""
    return lend(fleet.influx.get, in_ci())


@pytest.fixture
def proxies(broker: Broker, influx: InfluxServer) -> Iterator[Proxied]:
    """Proxies that pass everything on until told."""
    assert broker.server.behind is not None
    port = int(influx.url.rpartition(":")[2].strip("/"))
    with Proxy(broker.server.behind, broker.proxy_port) as kafka, Proxy(port) as store:
        yield Proxied(kafka, store, f"127.0.0.1:{kafka.port}", f"http://127.0.0.1:{store.port}", influx)
