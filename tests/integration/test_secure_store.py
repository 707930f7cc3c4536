"""InfluxDB over TLS, with tokens that may do what the printed list says and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from influxdb_client import InfluxDBClient
from influxdb_client.domain.permission import Permission
from influxdb_client.domain.permission_resource import PermissionResource

from schemas.errors import Misconfigured, Retry
from streams.acl import INFLUX
from streams.run import make_sink
from streams.settings import load_settings
from streams.sinks.influx import InfluxSink
from streams.sinks.store_init import init_store
from tests.servers import influx_native
from tests.servers.authority import Authority
from tests.servers.choose import Way, first_open, in_ci
from tests.servers.influx_secure import SecureInflux
from tests.servers.lend import lend
from tests.unit.sinks import make

NOW = time.time_ns() // 10**9 * 10**9 - 3600 * 10**9
PREFIX = "plant_"


@pytest.fixture(scope="module")
def influx() -> Iterator[SecureInflux]:
    way = Way("native", lambda: SecureInflux(influx_native.prepare()))
    server = lend(lambda: first_open([way]), in_ci()).server
    init_store(server.url, server.token, server.org, PREFIX, str(server.authority.file))
    yield server
    server.close()


def token_for(influx: SecureInflux, who: str) -> str:
    """A token with the rights of the list."""
    ca = str(influx.authority.file)
    with InfluxDBClient(influx.url, influx.token, org=influx.org, ssl_ca_cert=ca) as client:
        buckets = {bucket.name: bucket for bucket in client.buckets_api().find_buckets_iter()}
        rights = [
            Permission(action, PermissionResource(type="buckets", id=bucket.id, org_id=bucket.org_id))
            for action, name in INFLUX[who]
            for bucket in [buckets[PREFIX + name]]
        ]
        return str(client.authorizations_api().create_authorization(rights[0].resource.org_id, rights).token)


def sink_of(influx: SecureInflux, who: str, ca: Path | None) -> InfluxSink:
    """The sink as the settings of a worker make it."""
    made = make_sink(
        load_settings(
            influx_url=influx.url, influx_token=token_for(influx, who), influx_org=influx.org, influx_prefix=PREFIX,
            influx_ca=ca,
        )
    )  # fmt: skip
    assert isinstance(made, InfluxSink)
    return made


async def test_a_worker_writes_and_a_board_reads_with_the_rights_of_the_list_alone(influx: SecureInflux) -> None:
    worker, board = (sink_of(influx, who, influx.authority.file) for who in ("worker", "grafana"))
    try:
        await worker.open()
        assert await worker.ready() is None
        await worker.write([make.results(make.points([NOW], [1.5]), (), [make.event(NOW)])])
        assert await board.count("reading") == 1
        assert await board.count("anomaly") == 1
        with pytest.raises(Misconfigured, match="lacks rights to bucket"):
            await board.open()
        with pytest.raises((Retry, Misconfigured)):
            await worker.count("reading")
    finally:
        await worker.close()
        await board.close()


async def test_a_server_that_is_not_trusted_gets_no_token(influx: SecureInflux, tmp_path: Path) -> None:
    for ca in (None, Authority(tmp_path, "stranger").file):
        sink = sink_of(influx, "worker", ca)
        try:
            said = await sink.ready()
        finally:
            await sink.close()
        assert said is not None
        assert "certificate verify failed" in said
        assert "\n" not in said


def test_a_file_that_holds_no_certificates_is_named(influx: SecureInflux, tmp_path: Path) -> None:
    file = tmp_path / "text.pem"
    file.write_text("none")
    with pytest.raises(Misconfigured, match=str(file)):
        sink_of(influx, "worker", file)
