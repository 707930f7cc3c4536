"""The worker's own server: who may read what, over HTTP and HTTPS."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from schemas.errors import Misconfigured
from streams.metrics import Metrics
from streams.open_episodes import OpenEpisodes
from streams.security import web_context
from streams.settings import load_settings
from streams.web import Web
from tests.servers.authority import Authority

TOKEN = "a-token-of-this-test-0123"
CLOSED = ("/metrics", "/episodes/one", "/warmup")
OPEN = ("/healthz", "/readyz")


@asynccontextmanager
async def serving(**more: Any) -> AsyncIterator[Web]:
    async def well() -> list[str]:
        return []

    async def refresh() -> None:
        return None

    web = Web("127.0.0.1", 0, Metrics(), OpenEpisodes(0), well, well, refresh, **more)
    await web.start()
    try:
        yield web
    finally:
        await web.stop()


async def ask(web: Web, path: str, given: str | None = None, tls: ssl.SSLContext | bool = True) -> tuple[int, str, str]:
    headers = {} if given is None else {"Authorization": given}
    async with aiohttp.ClientSession() as session, session.get(web.url + path, headers=headers, ssl=tls) as answer:
        return answer.status, await answer.text(), answer.headers.get("WWW-Authenticate", "")


async def test_without_a_token_everything_is_open() -> None:
    async with serving() as web:
        assert [(await ask(web, path))[0] for path in (*CLOSED, *OPEN)] == [200, 404, 200, 200, 200]


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer \udcff\udcfe",
    ],
)
async def test_without_the_token_metrics_and_episodes_are_closed(given: str | None) -> None:
    async with serving(token=SecretStr(TOKEN)) as web:
        for path in CLOSED:
            status, text, how = await ask(web, path, given)
            assert (status, how) == (401, 'Bearer realm="millstream"')
            assert TOKEN not in text
            assert "millstream_" not in text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_with_the_token_they_are_open(scheme: str) -> None:
    async with serving(token=SecretStr(TOKEN)) as web:
        status, text, _ = await ask(web, "/metrics", f"{scheme} {TOKEN}")
        assert status == 200
        assert "millstream_" in text
        assert (await ask(web, "/episodes/one", f"{scheme} {TOKEN}"))[0] == 404


async def test_what_is_warming_up_is_told() -> None:
    async with serving(warming=lambda: {"warming": 1, "series": [{"asset": "m1", "done": 0.4}]}) as web:
        status, text, _ = await ask(web, "/warmup")
        assert (status, json.loads(text)["series"][0]["done"]) == (200, 0.4)


async def test_probes_need_no_token() -> None:
    async with serving(token=SecretStr(TOKEN)) as web:
        assert [(await ask(web, path))[0] for path in OPEN] == [200, 200]


async def test_with_a_certificate_it_speaks_tls_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("worker", "127.0.0.1")
    settings = load_settings(metrics_cert=cert, metrics_cert_key=key)
    trusted = ssl.create_default_context(cafile=authority.file)
    async with serving(tls=web_context(settings), token=SecretStr(TOKEN)) as web:
        assert web.url.startswith("https://127.0.0.1:")
        assert (await ask(web, "/metrics", f"Bearer {TOKEN}", trusted))[0] == 200
        assert (await ask(web, "/metrics", None, trusted))[0] == 401
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask(web, "/metrics", f"Bearer {TOKEN}")
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(web.url.replace("https", "http") + "/metrics")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_tls_below_1_2_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("worker", "127.0.0.1")
    old = ssl.create_default_context(cafile=authority.file)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serving(tls=web_context(load_settings(metrics_cert=cert, metrics_cert_key=key))) as web:
        with pytest.raises(aiohttp.ClientConnectorError):
            await ask(web, "/healthz", tls=old)


async def test_a_port_that_is_taken_is_named() -> None:
    async with serving() as web:
        other = Web("127.0.0.1", web.port, Metrics(), OpenEpisodes(0), web.alive, web.ready, web.refresh)
        with pytest.raises(Misconfigured, match="set MILLSTREAM_PORT to a free port"):
            await other.start()
