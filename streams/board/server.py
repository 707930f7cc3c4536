"""The board's own small server."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import web

from schemas.errors import Misconfigured
from streams.board.acts import Acts
from streams.board.asking import Asking
from streams.board.crew import Crew
from streams.board.door import Door
from streams.board.guard import guard
from streams.board.page import HERE, SILENT_NS, Condition, Pages
from streams.board.people import People
from streams.board.standing import Standing
from streams.board.tail import Tail
from streams.board.views import Views
from streams.security import board_context
from streams.settings import Settings

_FORM_BYTES = 64 * 1024
_STOP_S = 5.0


class Board:
    """Reads the topics, serves the pages, sends commands. `failed` is done when a bug has ended it."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.standing = settings, Standing()
        self.tail, self.crew, self.asking = Tail(settings, self.standing), Crew(settings), Asking(settings)
        self._tls = board_context(settings)
        self._runner: web.AppRunner | None = None
        self.port = settings.board_port

    async def start(self) -> None:
        """Listen, connect and begin to read. Raises Misconfigured where the port is taken, KafkaError, Retry."""
        await self._listen()
        self.crew.start()
        await self.tail.start()

    async def stop(self) -> None:
        """Stop; what does not end by itself is left behind: a broker that is away holds up nobody."""
        parts = [self.crew.stop(), self.tail.stop(), self.asking.stop()]
        if self._runner is not None:
            parts.append(self._runner.cleanup())
        ending = [asyncio.create_task(part) for part in parts]
        await asyncio.wait(ending, timeout=_STOP_S)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    @property
    def failed(self) -> asyncio.Task[None] | None:
        """The task that a bug has ended, if one did."""
        return self.tail.failed or self.crew.failed

    @property
    def url(self) -> str:
        """Where it listens."""
        host = f"[{self.settings.board_host}]" if ":" in self.settings.board_host else self.settings.board_host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def application(self) -> web.Application:
        """The pages and forms, behind the guard."""
        people = People(self.settings.board_password)
        pages = Pages(people, self.standing, self._condition)
        views = Views(pages, self.standing, self.asking, self.settings.grafana_url)
        acts = Acts(pages, views, self.standing, self.asking, people)
        door = Door(pages, people)
        app = web.Application(middlewares=[guard(people, door.logged_out)], client_max_size=_FORM_BYTES)
        app.add_routes([*views.routes(), *acts.routes(), *door.routes()])
        app.add_routes([web.get("/healthz", self._healthz), web.get("/readyz", self._readyz)])
        app.router.add_static("/static", HERE / "static")
        return app

    async def _listen(self) -> None:
        self._runner = web.AppRunner(self.application(), access_log=None)
        await self._runner.setup()
        host, port = self.settings.board_host, self.settings.board_port
        try:
            await web.TCPSite(self._runner, host, port, ssl_context=self._tls).start()
        except OSError as error:
            await self._runner.cleanup()
            said = f"cannot listen on {host}:{port} ({error.strerror})"
            raise Misconfigured(f"{said}; set MILLSTREAM_BOARD_PORT to a free port, or 0") from error
        self.port = self._runner.addresses[0][1]

    def _condition(self) -> Condition:
        tail = self.tail
        return Condition(tail.share, tail.behind, tail.heard, tail.unreadable, self.crew.seen())

    async def _healthz(self, request: web.Request) -> web.Response:
        return _said(["what happens is no longer read"] if self.failed else [])

    async def _readyz(self, request: web.Request) -> web.Response:
        condition = self._condition()
        silent = time.time_ns() - condition.heard > SILENT_NS
        faults = ["Kafka does not answer"] if silent or not condition.seen.kafka else []
        if condition.share < 1:
            faults.append(f"reading what has happened so far: {condition.share:.0%}")
        return _said(faults)


def _said(faults: list[Any]) -> web.Response:
    return web.Response(text="\n".join(faults or ["ok"]) + "\n", status=503 if faults else 200)
