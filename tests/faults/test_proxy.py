"""The fault proxy itself, in front of a server that gives back what it is sent."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.servers.net import LOOPBACK, port_open
from tests.servers.proxy import Answer, Proxy


class Echo(socketserver.BaseRequestHandler):
    """Gives back what it is sent."""

    def handle(self) -> None:
        while data := self.request.recv(4096):
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Server((LOOPBACK, 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Proxy(server.server_address[1]) as made:
            yield made
        server.shutdown()


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection((LOOPBACK, proxy.port), timeout=5)


def said(client: socket.socket, text: bytes, timeout_s: float = 5.0) -> bytes:
    client.settimeout(timeout_s)
    client.sendall(text)
    return client.recv(4096)


def test_until_told_it_passes_everything_on(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert said(client, b"hello") == b"hello"
        assert proxy.connections == 1
        assert proxy.passed == {"up": 5, "down": 5}


def test_a_delay_counts_for_each_direction(proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.delay(0.2)
        began = time.monotonic()
        assert said(client, b"hello") == b"hello"
        assert time.monotonic() - began >= 0.4


def test_a_cut_resets_and_lets_new_ones_in(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert said(client, b"hello") == b"hello"
        proxy.cut()
        with pytest.raises(ConnectionError):
            said(client, b"hello")
    with connect(proxy) as client:
        assert said(client, b"again") == b"again"


def test_what_was_half_open_stays_dead_and_new_ones_live_after_healing(proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.swallow("down")
        with pytest.raises(TimeoutError):
            said(client, b"hello", 0.3)
        proxy.heal()
        with pytest.raises(TimeoutError):
            said(client, b"hello", 0.3)
        with connect(proxy) as other:
            assert said(other, b"hello") == b"hello"


def test_garbage_comes_once_on_a_connection(proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.garbage(7, "down")
        client.settimeout(5)
        client.sendall(b"hello")
        found = b""
        while len(found) < 12:
            found += client.recv(4096)
        assert found[7:] == b"hello"
        assert said(client, b"again") == b"again"


def test_refusing_closes_the_port_until_healed(proxy: Proxy) -> None:
    proxy.refuse()
    assert not port_open(proxy.port)
    proxy.heal()
    with connect(proxy) as client:
        assert said(client, b"hello") == b"hello"


def test_it_answers_http_in_the_servers_place(proxy: Proxy) -> None:
    proxy.answer(Answer(429, (("Retry-After", "2"),)))
    with pytest.raises(urllib.error.HTTPError, match="429") as caught:
        urllib.request.urlopen(f"http://{LOOPBACK}:{proxy.port}/write", data=b"x" * 100_000, timeout=5)
    assert caught.value.headers["Retry-After"] == "2"
