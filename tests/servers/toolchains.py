"""Which tools are on this machine, and what to say when one is not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from tests.servers.base import Unavailable


def find(tool: str, why: str) -> str:
    """The tool's path; raises Unavailable saying what it is needed for."""
    path = shutil.which(tool)
    if path is None:
        raise Unavailable(f"no `{tool}` on the PATH ({why})")
    return path


def _output(argv: list[str]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"`{' '.join(argv)}` does not run: {error}") from error
    return done.stdout + done.stderr


def major(version_text: str) -> int:
    """The feature number in the answer of `java -version`.

    >>> major('openjdk version "17.0.15" 2025-04-15'), major('java version "1.8.0_392"'), major("?")
    (17, 8, 0)
    """
    found = re.search(r'version "(?:1\.)?(\d+)', version_text)
    return int(found.group(1)) if found else 0


def java() -> str:
    """A Java runtime of 17 or newer, JAVA_HOME first: Kafka 4 brokers need it."""
    home = os.environ.get("JAVA_HOME")
    path = f"{home}/bin/java" if home and os.access(f"{home}/bin/java", os.X_OK) else find("java", "Kafka 4 needs 17+")
    have = major(_output([path, "-version"]))
    if have < 17:
        raise Unavailable(f"{path} is Java {have or 'of an unknown version'}; Kafka 4 needs 17 or newer")
    return path


def rust_env() -> dict[str, str]:
    """What makes cargo use a toolchain that is installed, in whatever folder it is called.

    The sources being built name a toolchain of their own; with rustup that would be downloaded, or refused.
    Without rustup there is one toolchain and nothing to say.
    """
    find("cargo", "influxd holds Rust code")
    rustup = shutil.which("rustup")
    if rustup is None:
        return {}
    active = _output([rustup, "show", "active-toolchain"]).split()
    installed = [line.split()[0] for line in _output([rustup, "toolchain", "list"]).splitlines() if line.strip()]
    wanted = [name for name in active[:1] if name in installed]
    stable = [name for name in installed if name.startswith(("stable", "1."))]
    for name in wanted + stable:
        return {"RUSTUP_TOOLCHAIN": name}
    raise Unavailable("rustup has no stable toolchain installed (influxd holds Rust code)")
