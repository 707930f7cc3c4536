"""Loopback ports, and waiting for an API instead of for a time."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing uses, below the range the kernel takes for outgoing connections.

    A port out of that range could be taken by any client while the server is down, even by a client that
    tries to reach the server: TCP lets it connect to itself, and the server could not come back.
    """
    low = 32768
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if limits.exists():
        low = int(limits.read_text().split()[0])
    first = 20000 if low > 21000 else 1024
    for _ in range(200):
        port = random.SystemRandom().randrange(first, max(low, first + 1000))
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {first} and {low} on {LOOPBACK}")


def port_open(port: int, host: str = LOOPBACK) -> bool:
    """Whether something accepts connections there now."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(ready: Callable[[], bool], deadline_s: float, alive: Callable[[], bool] = lambda: True) -> bool:
    """Whether `ready` became true before the deadline, and before `alive` became false.

    >>> wait_until(lambda: True, 1.0)
    True
    >>> wait_until(lambda: False, 60.0, alive=lambda: False)
    False
    """
    end = time.monotonic() + deadline_s
    while not ready():
        if not alive() or time.monotonic() > end:
            return False
        time.sleep(0.03)
    return True
