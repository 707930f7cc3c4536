"""The interface that every store of results has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from streams.results import Results


class Sink(Protocol):
    """A store of results. The same tests run over every sink."""

    async def open(self) -> None:
        """Connect and check. Raises Retry while the store is away, Misconfigured where a person must act."""

    async def write(self, batch: Sequence[Results]) -> None:
        """Store consecutive results of one partition, in order; on return they are durable.

        Called concurrently for different partitions. Repeats are harmless: every point is idempotent. Raises Retry
        for a transient fault; a repeat with the same `batch` object goes on with what the tries before have not stored.
        """

    def forget(self, partition: int) -> None:
        """Let go of what a failed `write` of this partition remembers: it will not be repeated."""

    async def ready(self) -> str | None:
        """None when the store can take results, else one line that says why not."""

    async def close(self) -> None:
        """Release connections and files."""
