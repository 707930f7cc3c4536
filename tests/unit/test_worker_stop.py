"""A worker that stops ends its tasks, whatever they make of a cancellation."""

from __future__ import annotations

import asyncio
import time

from streams.worker import _cancelled


async def test_a_task_that_takes_its_cancellation_for_an_error_of_the_broker_ends_all_the_same() -> None:
    seen: list[str] = []

    async def deaf_once() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                seen.append("cancelled")
                if len(seen) > 1:
                    raise

    task = asyncio.create_task(deaf_once())
    await asyncio.sleep(0)
    began = time.monotonic()
    await _cancelled([task])
    assert task.cancelled()
    assert seen == ["cancelled", "cancelled"]
    assert time.monotonic() - began < 5


async def test_nothing_to_end_takes_no_time() -> None:
    began = time.monotonic()
    await _cancelled([])
    assert time.monotonic() - began < 0.5
