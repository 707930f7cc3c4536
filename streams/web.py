"""/metrics, /episodes/ID, /warmup, /healthz and /readyz, on the loopback address unless told."""

from __future__ import annotations

import hmac
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import SecretStr

from schemas.errors import Misconfigured
from streams.metrics import Metrics
from streams.open_episodes import OpenEpisodes, as_json

Check = Callable[[], Awaitable[list[str]]]
"""Says what is wrong, one line each; nothing where all is well."""


class Web:
    """The worker's own small server. `token`: asked for but on /healthz and /readyz; `tls`: HTTPS instead of HTTP."""

    def __init__(
        self,
        host: str,
        port: int,
        metrics: Metrics,
        episodes: OpenEpisodes,
        alive: Check,
        ready: Check,
        refresh: Callable[[], Awaitable[None]],
        token: SecretStr | None = None,
        tls: ssl.SSLContext | None = None,
        warming: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self.host, self.port = host, port
        self._token, self._tls = token, tls
        self.metrics, self.episodes, self.alive, self.ready, self.refresh = metrics, episodes, alive, ready, refresh
        self.warming = warming
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises Misconfigured where the port is taken."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/episodes/{id}", self._episode)
        app.router.add_get("/warmup", self._warmup)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, self.host, self.port, ssl_context=self._tls)
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise Misconfigured(
                f"cannot listen on {self.host}:{self.port} ({error.strerror}); set MILLSTREAM_PORT to a free port, or 0"
            ) from error
        self.port = self._runner.addresses[0][1]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _check_token(self, request: web.Request) -> None:
        """Raises 401 for a caller without the token. /healthz and /readyz are open: probes have no secrets."""
        if self._token is None:
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        wanted = self._token.get_secret_value().encode()
        # compared as a whole, so that the time taken tells nothing of how much was right
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(errors="replace"), wanted):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Bearer realm="millstream"'})

    async def _metrics(self, request: web.Request) -> web.Response:
        self._check_token(request)
        await self.refresh()
        return web.Response(body=generate_latest(self.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _healthz(self, request: web.Request) -> web.Response:
        return await self._check(self.alive)

    async def _readyz(self, request: web.Request) -> web.Response:
        return await self._check(self.ready)

    async def _check(self, check: Check) -> web.Response:
        faults = await check()
        return web.Response(text="\n".join(faults or ["ok"]) + "\n", status=503 if faults else 200)

    async def _warmup(self, request: web.Request) -> web.Response:
        self._check_token(request)
        return web.Response(body=orjson.dumps(self.warming()), content_type="application/json")

    async def _episode(self, request: web.Request) -> web.Response:
        self._check_token(request)
        event = self.episodes.get(request.match_info["id"])
        if event is None:
            body = {"error": "no such episode among the recent ones of this worker; look in the store"}
            return web.json_response(body, status=404)
        return web.Response(body=orjson.dumps(as_json(event)), content_type="application/json")
