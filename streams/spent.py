"""What judging costs: seconds of the processor by watch, for the metrics; no part of any state."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Spent:
    """Seconds by watch since they were taken last.

    >>> spent = Spent()
    >>> with spent.on("level"):
    ...     pass
    >>> [name for name, seconds in spent.take().items() if seconds >= 0], spent.take()
    (['level'], {})
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def on(self, watch: str) -> Iterator[None]:
        """Charge what is done meanwhile to a watch."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[watch] = self._seconds.get(watch, 0.0) + time.perf_counter() - began

    def take(self) -> dict[str, float]:
        """The seconds so far, which begin at zero again."""
        found, self._seconds = self._seconds, {}
        return found
