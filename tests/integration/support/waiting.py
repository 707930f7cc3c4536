"""Waiting for a condition, with a deadline; never for a time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Ask `condition` (a function, async or not) until it says something true, and return that; fails after `seconds`.

    A `what` that is a sentence makes the failure readable: "within 5 s: 10 readings were counted".
    """
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < end, f"expected within {seconds:g} s: {what}"
        await asyncio.sleep(0.02)
