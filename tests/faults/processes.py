"""`millstream worker` as a process that is watched, paused and killed by its id."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.servers import reaper
from tests.servers.net import LOOPBACK, free_port
from tests.servers.process import tail

PLAIN = (str(Path(sys.executable).with_name("millstream")), "worker")
"""The command itself."""
_WAIT_S = 60.0


class Gone(AssertionError):
    """The worker ended by itself; the text ends with the tail of its log."""


class WorkerProcess:
    """One worker. `settings` are names without MILLSTREAM_; its output goes to a file of its own."""

    def __init__(
        self,
        settings: Mapping[str, str],
        folder: Path,
        config: Path,
        command: Sequence[str] = PLAIN,
        file_bytes: int | None = None,
    ) -> None:
        self.port = free_port()
        self.log = folder / f"worker-{self.port}.log"
        self.peak_mb = 0.0
        clean = {k: v for k, v in os.environ.items() if not k.startswith("MILLSTREAM_")}
        own = {f"MILLSTREAM_{k.upper()}": v for k, v in {**settings, "port": str(self.port)}.items()}
        with self.log.open("ab") as out:
            self.child = subprocess.Popen(
                [*command, "--config", str(config)], env=clean | own, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, cwd=Path.cwd(),
            )  # fmt: skip
        if file_bytes is not None:
            resource.prlimit(self.child.pid, resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))
        reaper.watch("group", self.child.pid)
        self.started = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.child.poll() is None

    def get(self, path: str, timeout_s: float = 5.0) -> tuple[int, str]:
        """Status and text; status 0 where nothing answers in time."""
        try:
            # the address is ours and no proxy's
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"http://{LOOPBACK}:{self.port}{path}", timeout=timeout_s) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metrics(self, timeout_s: float = 5.0) -> dict[str, float]:
        """Samples by their text in front of the value; empty where it does not answer."""
        status, text = self.get("/metrics", timeout_s)
        lines = text.splitlines() if status == 200 else []
        return {name: float(value) for name, _, value in (x.rpartition(" ") for x in lines if x and x[0] != "#")}

    def counted(self, timeout_s: float = 5.0) -> int | None:
        """Readings it has counted; None where it does not answer."""
        found = self.metrics(timeout_s)
        self.note_memory()
        return int(sum_of(found, "millstream_readings_total")) if found else None

    def until(self, condition: Callable[[], object], what: str, timeout_s: float = _WAIT_S) -> None:
        """Wait for a condition. Raises Gone where the worker ends before, AssertionError where time runs out."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if not self.alive:
                raise Gone(f"the worker ended with {self.child.returncode} before: {what}\n{tail(self.log)}")
            assert time.monotonic() < deadline, f"expected within {timeout_s:g} s: {what}\n{tail(self.log)}"
            time.sleep(0.05)

    def until_ready(self, partitions: int | None = None, timeout_s: float = _WAIT_S) -> None:
        """Wait until it owns partitions (so many, where told) and has restored them."""

        def ready() -> bool:
            own = self.metrics().get("millstream_partitions_assigned", 0)
            return own > 0 if partitions is None else own == partitions

        self.until(ready, f"partitions assigned: {partitions or 'some'}", timeout_s)

    def note_memory(self) -> None:
        """Remember the highest resident set so far (VmHWM)."""
        try:
            status = Path(f"/proc/{self.child.pid}/status").read_text()
        except OSError:
            return
        found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
        self.peak_mb = max(self.peak_mb, *(int(kb) / 1024 for kb in found)) if found else self.peak_mb

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this one process."""
        self.note_memory()
        if self.alive:
            os.kill(self.child.pid, number)

    def kill(self) -> None:
        """SIGKILL; returns once it is gone."""
        self.signal(signal.SIGKILL)
        self.wait(10)

    def stop(self, timeout_s: float = 40.0) -> int:
        """SIGTERM; its exit status. Raises AssertionError where it does not end in time."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float) -> int:
        """Its exit status, once it has ended."""
        try:
            status = self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the worker did not end within {timeout_s:g} s\n{tail(self.log)}") from None
        reaper.forget("group", self.child.pid)
        return status

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self.alive:
            os.kill(self.child.pid, signal.SIGKILL)
            self.child.wait(10)
        reaper.forget("group", self.child.pid)


def sum_of(metrics: Mapping[str, float], name: str) -> float:
    """Sum over all labels of a metric."""
    return sum(value for sample, value in metrics.items() if sample == name or sample.startswith(name + "{"))
