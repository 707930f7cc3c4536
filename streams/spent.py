"""What judging costs: seconds by watch, for the metrics; an engine has no clock, so who runs it brings this one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Spent:
    """Seconds by watch since they were taken last.

    >>> spent = Spent()
    >>> with spent.on("level"):
    ...     pass
    >>> [name for name, seconds in spent.take().items() if seconds >= 0], spent.take()
    (['level'], {})
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._seconds: dict[str, float] = {}

    @contextmanager
    def on(self, watch: str) -> Iterator[None]:
        """Charge what is done meanwhile to a watch."""
        began = self._clock()
        try:
            yield
        finally:
            self._seconds[watch] = self._seconds.get(watch, 0.0) + self._clock() - began

    def take(self) -> dict[str, float]:
        """The seconds so far, which begin at zero again."""
        found, self._seconds = self._seconds, {}
        return found
