"""Outages of the store and of the broker while readings flow: what the worker says meanwhile; nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from tests.faults.processes import WorkerProcess
from tests.faults.stand import Stand
from tests.servers.proxy import Answer, Proxy

NOTICED_S = 20.0
"""Readiness must have turned red after this time of an outage, and green again after its end."""


class Outage(NamedTuple):
    """A way in which a server is away, done to the proxy in front of it."""

    name: str
    begin: Callable[[Proxy], None]
    readiness: int | None  # what /readyz must say during it; None: it need not notice


def _repeatedly_cut(proxy: Proxy) -> None:
    proxy.delay(0.2)
    proxy.cut()


REFUSING = Outage("refusing connections", Proxy.refuse, 503)
RATE_LIMIT = Outage("answering 429 with Retry-After", lambda p: p.answer(Answer(429, (("Retry-After", "1"),))), 503)
STORE = (
    REFUSING,
    RATE_LIMIT,
    Outage("answering 503", lambda p: p.answer(Answer(503)), 503),
    Outage("answering 401", lambda p: p.answer(Answer(401)), 503),
    Outage("answering 500", lambda p: p.answer(Answer(500)), 503),
    Outage("hanging", Proxy.swallow, 503),
    Outage("slow and cut", _repeatedly_cut, None),
    Outage("sending garbage", lambda p: (p.garbage(100, "down"), p.cut())[-1], None),
)
BROKER = (
    REFUSING,
    Outage("slow and cut", _repeatedly_cut, None),
    Outage("sending garbage", lambda p: (p.garbage(100, "down"), p.cut())[-1], None),
    Outage("receiving garbage", lambda p: (p.garbage(100, "up"), p.cut())[-1], None),
    Outage("half-open", Proxy.swallow, None),
)


def outage(stand: Stand, worker: WorkerProcess, proxy: Proxy, how: Outage, seconds: float, heal_s: float) -> None:
    """One outage of so many seconds with readings flowing; afterwards the worker is ready within `heal_s`."""
    worker.until(lambda: ready(worker) == 200, f"ready before the store is {how.name}")
    flow(stand, 1.0)
    how.begin(proxy)
    began, red_s = time.monotonic(), None
    while (passed := time.monotonic() - began) < seconds or (red_s is None and how.readiness is not None):
        assert passed < seconds + NOTICED_S, f"{how.name}: /readyz does not say {how.readiness}"
        stand.feed.send()
        if red_s is None and ready(worker) == how.readiness:
            red_s = time.monotonic() - began
        time.sleep(0.4)
    status, text = worker.get("/healthz")
    assert status == 200, f"{how.name}: a restart would not help, but /healthz says {status} {text}"
    proxy.heal()
    healed = time.monotonic()
    worker.until(lambda: ready(worker) == 200, f"ready again after {how.name}", heal_s)
    took = time.monotonic() - healed
    red = "not red" if red_s is None else f"red after {red_s:.1f} s"
    print(f"  {how.name} for {healed - began:.0f} s: {red}, ready {took:.1f} s after its end", flush=True)


def ready(worker: WorkerProcess) -> int:
    """Status of /readyz; patient, as it asks the store."""
    return worker.get("/readyz", timeout_s=15)[0]


def flow(stand: Stand, seconds: float, pause_s: float = 0.4) -> None:
    """Let readings come for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stand.feed.send()
        time.sleep(pause_s)
