"""The fence: shut as soon as the group has been silent for a session, open again when it answers."""

from __future__ import annotations

import asyncio

from streams.fence import Fence


async def test_it_is_shut_after_a_session_of_silence_and_opens_when_the_group_answers() -> None:
    now = 100.0
    fence = Fence(10.0, lambda: now)
    await asyncio.wait_for(fence.wait(), 1)
    now = 110.5  # the process was stopped, and woke up
    assert not fence.open
    waiting = asyncio.create_task(fence.wait())
    await asyncio.sleep(0.12)
    assert not waiting.done()
    fence.heard()
    await asyncio.wait_for(waiting, 1)
    assert fence.silent_s == 0.0
