"""What is built once on a machine and used by every run: `$MILLSTREAM_CACHE/servers/<name>-<version>/`."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers.base import Unavailable
from tests.servers.process import Process, tail

SAY_EVERY_S = 15.0


def cache_root(environ: Mapping[str, str] = os.environ) -> Path:
    """Where builds are kept: outside the checkout, so that a fresh clone starts warm."""
    base = environ.get("MILLSTREAM_CACHE") or "~/.cache/millstream"
    return Path(base).expanduser().resolve() / "servers"


def say(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a file lock; while another run holds it, say so. A dead holder's lock is released by the kernel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        started = said = time.monotonic()
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                now = time.monotonic()
                if now - said >= SAY_EVERY_S or said == started:
                    say(f"{what}: another run is building it, waiting {now - started:.0f} s")
                    said = now
                time.sleep(0.2)
        yield


class Build:
    """One build in a folder of its own: runs commands, their output to a log, progress to stderr."""

    def __init__(self, what: str, folder: Path, log: Path) -> None:
        self.what = what
        self.folder = folder
        self.log = log
        self.started = time.monotonic()

    def run(self, step: str, argv: list[str], env: Mapping[str, str] | None = None) -> None:
        """Run one command in the folder; raises Unavailable with the end of the log if it fails."""
        say(f"{self.what}: {step}, {self._elapsed()} (log: {self.log})")
        process = Process(argv, self.log, self.folder, {**os.environ, **(env or {})})
        try:
            while (status := process.wait(SAY_EVERY_S)) is None:
                say(f"{self.what}: {step}, {self._elapsed()}")
        except BaseException:
            process.end(signal.SIGKILL)
            raise
        if status:
            raise Unavailable(
                f"{self.what}: {step} failed with {status} after {self._elapsed()}; log: {self.log}\n{tail(self.log)}"
            )

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self.started:.0f} s"


def build_once(what: str, build: Callable[[Build], None], root: Path | None = None) -> Path:
    """The folder `what` (name-version), built on the first call. All or nothing: made aside, then renamed.

    Raises what `build` raises; then nothing is kept but the log, and the next call builds anew.
    """
    root = root or cache_root()
    done = root / what
    if done.exists():
        return done
    with locked(root / f"{what}.lock", what):
        if done.exists():
            return done
        aside = root / f".{what}.building"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        log = root / f"{what}.log"
        log.unlink(missing_ok=True)
        job = Build(what, aside, log)
        try:
            build(job)
            aside.rename(done)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        say(f"{what}: built in {time.monotonic() - job.started:.0f} s: {done}")
        return done
