"""A proxy that does what networks do to connections: delay, cut, half-open, garbage, refusal, answers of its own.

It listens on a loopback port of its own in front of one server. A Kafka client reconnects to the address that the
broker advertises, so a broker behind a proxy must advertise the proxy's port (`NativeKafka(home, advertised=...)`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Literal, Self

from tests.servers.net import LOOPBACK, free_port

Way = Literal["up", "down"]
"""up: from the client to the server."""

_CHUNK = 65_536
_CALL_S = 10.0


@dataclass(frozen=True)
class Conduct:
    """What happens to the bytes of one direction.

    `swallow`: they vanish, and the connection stays open; a connection that has lost bytes carries nothing ever
    again, as its peer is gone. `garbage`: so many random bytes go before what comes next, once on a connection.
    """

    delay_s: float = 0.0
    swallow: bool = False
    garbage: int = 0


@dataclass(frozen=True)
class Answer:
    """An HTTP answer that the proxy gives itself, to every request, in the server's place."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b'{"code":"test","message":"an answer of the proxy"}'

    def encode(self) -> bytes:
        """The bytes on the wire; the connection closes behind them."""
        lines = [f"HTTP/1.1 {self.status} Test", *(f"{name}: {value}" for name, value in self.headers)]
        lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}", "Connection: close", "", ""]
        return "\r\n".join(lines).encode() + self.body


@dataclass(eq=False)
class _Link:
    """One client's connection, and how many bytes have passed."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    lost: set[Way] = field(default_factory=set)
    soiled: set[Way] = field(default_factory=set)

    def cut(self) -> None:
        """Reset both ends: the peers see an error, not a close in good order."""
        for writer in (self.client, self.server):
            if writer is not None and not writer.transport.is_closing():
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()


class Proxy:
    """Forwards to `target` (a port of the loopback address). Everything may be changed while it runs.

    >>> with Proxy(9) as proxy:  # nothing listens there: the proxy closes what it accepts
    ...     proxy.connections
    0
    """

    def __init__(self, target: int, port: int | None = None, seed: int = 7) -> None:
        self.target = target
        self.port = free_port() if port is None else port
        self.accepted = 0
        self.passed: dict[Way, int] = {"up": 0, "down": 0}
        self._conduct: dict[Way, Conduct] = {"up": Conduct(), "down": Conduct()}
        self._answer: Answer | None = None
        self._random = random.Random(seed)
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"proxy-{self.port}", daemon=True)

    # --- from any thread

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._call(self._listen())

    def close(self) -> None:
        """Cut everything and stop listening."""
        self._call(self._refuse())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._links)

    def heal(self) -> None:
        """Pass everything on again, and accept. What is half-open stays so: its other end is gone."""
        self._conduct = {"up": Conduct(), "down": Conduct()}
        self._answer = None
        self._call(self._listen())

    def delay(self, seconds: float, *ways: Way) -> None:
        """Bytes arrive later by so much, at least (both directions where none is named)."""
        self._set(lambda conduct: replace(conduct, delay_s=seconds), ways)

    def swallow(self, *ways: Way) -> None:
        """Half-open: connections stay, new ones are accepted, and bytes vanish."""
        self._set(lambda conduct: replace(conduct, swallow=True), ways)

    def garbage(self, size: int, *ways: Way) -> None:
        """Random bytes before what comes next, once on each connection."""
        self._set(lambda conduct: replace(conduct, garbage=size), ways)

    def cut(self) -> None:
        """Reset every connection; new ones are accepted."""
        self._call(self._cut())

    def refuse(self) -> None:
        """Reset every connection, and refuse new ones."""
        self._call(self._refuse())

    def answer(self, answer: Answer | None) -> None:
        """Answer every HTTP request like this, in the server's place; None: let the server answer again."""
        self._answer = answer
        self.cut()

    # --- in the proxy's own thread

    def _set(self, change: Callable[[Conduct], Conduct], ways: tuple[Way, ...]) -> None:
        both: tuple[Way, ...] = ("up", "down")
        for way in ways or both:
            self._conduct[way] = change(self._conduct[way])

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port)

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._cut()

    async def _cut(self) -> None:
        for link in list(self._links):
            link.cut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        link = _Link(writer)
        self._links.add(link)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                if self._answer is not None:
                    await self._reply(reader, writer)
                else:
                    await self._forward(link, reader)
        finally:
            link.client.close()
            if link.server is not None:
                link.server.close()
            self._links.discard(link)

    async def _reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one whole request, then give the answer set."""
        head = await reader.readuntil(b"\r\n\r\n")
        sizes = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if sizes:
            await reader.readexactly(int(sizes[0]))
        answer = self._answer
        if answer is not None:
            writer.write(answer.encode())
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    async def _forward(self, link: _Link, reader: asyncio.StreamReader) -> None:
        back, link.server = await asyncio.open_connection(LOOPBACK, self.target)
        both = (self._pump(link, "up", reader, link.server), self._pump(link, "down", back, link.client))
        tasks = [asyncio.ensure_future(pump) for pump in both]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self, link: _Link, way: Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(_CHUNK):
            conduct = self._conduct[way]
            if conduct.delay_s:
                await asyncio.sleep(conduct.delay_s)
                conduct = self._conduct[way]
            if conduct.swallow or link.lost:
                # in both directions from now on: half of a conversation is no use to anyone
                link.lost |= {"up", "down"} if conduct.swallow else set()
                continue
            if conduct.garbage and way not in link.soiled:
                link.soiled.add(way)
                sink.write(self._random.randbytes(conduct.garbage))
            self.passed[way] += len(chunk)
            sink.write(chunk)
            await sink.drain()
        if link.lost and way == "down":
            await asyncio.Event().wait()  # the server is gone and cannot say so
