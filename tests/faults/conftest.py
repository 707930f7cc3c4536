"""Fixtures of the fault tests, shared with tests/integration/test_faults.py."""

from __future__ import annotations

from tests.faults.servers import broker, influx, proxies

__all__ = ["broker", "influx", "proxies"]
