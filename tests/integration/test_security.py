"""TLS and SASL end to end: every way in, for every client, and for the worker as a process."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from kafka.admin import KafkaAdminClient

from streams.access import check_access
from streams.security import kafka_python_options
from streams.settings import Settings, load_settings
from tests.integration.support.process import arguments_of, process
from tests.integration.support.secure import Installation
from tests.integration.support.secure_traffic import SITE, put
from tests.integration.support.waiting import until
from tests.integration.support.workers import counted, running
from tests.servers.net import free_port


def token_of(user: str) -> str:
    """An unsigned token, as the test broker takes them."""

    def part(of: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(of).encode()).decode().rstrip("=")

    now = int(time.time())
    return f"{part({'alg': 'none'})}.{part({'sub': user, 'iat': now, 'exp': now + 600})}."


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
