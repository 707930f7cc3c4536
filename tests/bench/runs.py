"""Runs: each contender in a process of its own, and what it says of itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.load import Load, forget_state
from tests.bench.peers import environment

ROOT = Path(__file__).resolve().parents[2]
PEERS = ("quix", "wax")
PATIENCE_S = 400


class Took(NamedTuple):
    """What one run took."""

    readings: int
    wall_s: float
    cpu_s: float
    points: int = 0


def run(name: str, bootstrap: str, load: Load, env: Mapping[str, str], peers: Path | str) -> Took:
    """Run one contender over a load."""
    readings = load.readings
    if name in PEERS:
        assert isinstance(peers, Path)
        topic, out = f"{load.prefix}reading.v1", f"{load.prefix}peer.v1"
        command = environment.command(peers, name, bootstrap, topic, out, str(readings))
    else:
        command = [sys.executable, "-m", "tests.bench.contender", name, bootstrap, load.prefix, str(readings)]
        if name not in ("plain", "limit"):
            forget_state(bootstrap, load.prefix)
    done = subprocess.run(
        command, cwd=ROOT, env=dict(env), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    if done.returncode or not done.stdout:
        raise SystemExit(f"{' '.join(command[1:])} failed:\n{done.stderr[-2000:]}")
    return Took(**json.loads(done.stdout.splitlines()[-1]))


class Served:
    """A worker process that serves until it is let go (tests.bench.serve)."""

    def __init__(self, bootstrap: str, prefix: str, group: str, core: int) -> None:
        command = [sys.executable, "-m", "tests.bench.serve", bootstrap, prefix, group, str(core)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )

    def ask(self) -> dict[str, Any]:
        """readings judged, cpu_s used and partitions assigned so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("?\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a worker of the bench has ended; see above")
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        """Let it stop."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def wait_for(what: str, reached: Any, seconds: float = 120.0) -> None:
    """Ask until it is so."""
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            raise SystemExit(f"the bench waited {seconds:g} s in vain: {what}")
        time.sleep(0.02)
