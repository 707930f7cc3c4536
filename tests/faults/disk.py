"""A disk that fills up under the embedded store: a small file system in memory, made larger when it was full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.outages import flow, ready
from tests.faults.stand import Stand


class NoMount(Exception):
    """This user may not mount file systems."""


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    """A tmpfs of `size` at `place`. Raises NoMount."""
    place.mkdir()
    done = _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))
    if done.returncode:
        raise NoMount(done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False, timeout=30)


def enlarge(place: Path, size: str) -> None:
    """Make room."""
    done = _mount("-o", f"remount,size={size}", str(place))
    assert done.returncode == 0, done.stderr


def full_and_enlarged(stand: Stand, disk: Path) -> None:
    """Readings flow until the disk is full; the worker says so and lives; with room again it stores everything."""
    worker = stand.worker()
    worker.until_ready()

    def full() -> bool:
        stand.feed.send()
        return ready(worker) == 503

    worker.until(full, "the full disk turns /readyz red", 60)
    status, text = worker.get("/readyz", 15)
    print(f"  full: {status} {text.strip()}", flush=True)
    assert "full" in text, text
    flow(stand, 3.0)
    assert worker.get("/healthz")[0] == 200, "a restart would not help"
    worker.kill()
    worker = stand.worker()
    enlarge(disk, "512m")
    worker.until_ready()
    flow(stand, 1.0)
    stand.settle()


def _mount(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False, timeout=30)
