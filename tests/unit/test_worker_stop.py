"""A worker that stops ends its tasks, whatever they make of a cancellation."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest

from streams.worker import cancelled


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
    await cancelled([task])
    assert task.cancelled()
    assert seen == ["cancelled", "cancelled"]
    assert time.monotonic() - began < 5


async def test_nothing_to_end_takes_no_time() -> None:
    began = time.monotonic()
    await cancelled([])
    assert time.monotonic() - began < 0.5


DEAF = """
import asyncio
from streams.run import _end_the_rest

async def deaf():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

async def main():
    tasks = [asyncio.create_task(deaf())]
    await asyncio.sleep(0)
    await _end_the_rest(failed={failed})

asyncio.run(main())
"""


@pytest.mark.parametrize(("failed", "status"), [(False, 0), (True, 1)])
def test_a_process_ends_though_a_task_never_does_and_says_whether_it_had_failed(failed: bool, status: int) -> None:
    """Seen twice with a broker that had been gone for a minute: asyncio cancels each task once, and waits for ever."""
    done = subprocess.run(
        [sys.executable, "-c", DEAF.format(failed=failed)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == status
    assert "tasks that do not end are left behind" in done.stdout + done.stderr
