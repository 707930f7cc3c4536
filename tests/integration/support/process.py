"""`millstream worker` as a process of its own, and what the kernel says of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def process(environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`millstream worker` as a process of its own, with nothing of ours in its environment but what is given."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MILLSTREAM_")}
    command = [str(Path(sys.executable).with_name("millstream")), "worker", *arguments]
    child = subprocess.Popen(
        command, env=clean | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait(10)
        assert child.stdout is not None
        child.stdout.close()


def listening(pid: int) -> set[str]:
    """Addresses on which a process listens, as /proc has them (hexadecimal, address:port)."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(link))
        except OSError:
            continue
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.add(fields[1])
    return found


def arguments_of(pid: int) -> str:
    """The command line of a process, as everyone on the machine can read it."""
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def accepts(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
