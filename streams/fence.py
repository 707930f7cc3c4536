"""The fence: a worker that the group has not heard for a session sends nothing, as another may own its partitions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_LOOK_S = 0.05


class Fence:
    """Open while the last acknowledged heartbeat is younger than the session time-out.

    After a pause of the process (SIGSTOP, a frozen virtual machine) it is shut until the group has answered: either
    the partitions are still ours, or the rebalance that took them has been noticed.
    """

    def __init__(self, session_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._session_s, self._clock = session_s, clock
        self._heard = clock()

    def heard(self) -> None:
        """The group has just acknowledged that we are one of its members. Called from the consumer's thread."""
        self._heard = self._clock()

    @property
    def silent_s(self) -> float:
        """Seconds since the group was last heard."""
        return self._clock() - self._heard

    @property
    def open(self) -> bool:
        """Whether we may send."""
        return self.silent_s <= self._session_s

    async def wait(self) -> None:
        """Return once it is open."""
        while not self.open:
            await asyncio.sleep(_LOOK_S)
