"""A server as a process of ours: own session, own data directory, own log, cleaned up whatever happens."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from abc import abstractmethod
from pathlib import Path

from tests.servers import reaper
from tests.servers.base import Server, StartFailed
from tests.servers.net import wait_until

READY_S = 60.0
STOP_S = 20.0


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log, indented; for an error message."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or "    (empty log)"


class Process:
    """One child in a session of its own, so that Ctrl-C reaches the tests and not the server under them."""

    def __init__(self, argv: list[str], log: Path, cwd: Path, env: dict[str, str] | None = None) -> None:
        with log.open("ab") as out:
            self._child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, env=env, start_new_session=True
            )
        reaper.watch("group", self._child.pid)

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._child.poll() is None

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Its exit status, or None if it still runs after that time."""
        try:
            status = self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        reaper.forget("group", self._child.pid)
        return status

    def end(self, sig: signal.Signals) -> None:
        """Send the signal to the group; after `STOP_S` seconds SIGKILL. Returns once it is gone."""
        for each in (sig, signal.SIGKILL):
            if self._child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._child.pid, each)
            if self.wait(STOP_S) is not None:
                return


class ProcessServer(Server):
    """Start, stop, kill and clean-up for a server that is a process; subclasses say how to run and to probe it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"millstream-{self.product.lower()}-"))
        self.log = self.folder / "server.log"
        self._process: Process | None = None
        reaper.watch("folder", str(self.folder))
        atexit.register(self.close)

    @abstractmethod
    def argv(self) -> list[str]:
        """The command line; no secrets in it."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether the API answers now."""

    def env(self) -> dict[str, str]:
        """The environment of the process."""
        return dict(os.environ)

    def start(self) -> None:
        if self._process is not None and self._process.alive():
            return
        self._process = process = Process(self.argv(), self.log, self.folder, self.env())
        if not wait_until(self.ready, READY_S, process.alive):
            state = f"not ready after {READY_S:.0f} s" if process.alive() else f"ended with {process.wait()}"
            self.kill()
            raise StartFailed(f"{self}: {state}; the end of its log:\n{tail(self.log)}")

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, sig: signal.Signals) -> None:
        if self._process is not None:
            self._process.end(sig)
            self._process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        reaper.forget("folder", str(self.folder))
        atexit.unregister(self.close)
