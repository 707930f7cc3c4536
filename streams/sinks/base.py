"""The interface that every store of results has."""

from __future__ import annotations

from typing import Protocol

from streams.results import Results


class Sink(Protocol):
    """A store of results. The same tests run over every sink."""

    async def open(self) -> None:
        """Connect and check. Raises Retry while the store is away, Misconfigured where a person must act."""

    async def write(self, results: Results) -> None:
        """Store one chunk's results; on return they are durable. Repeats are harmless: every point is idempotent.

        Raises Retry for a transient fault, with nothing acknowledged.
        """

    async def ready(self) -> str | None:
        """None when the store can take results, else one line that says why not."""

    async def close(self) -> None:
        """Release connections and files."""
