"""Kinds of engines: what differs between the engines of one input topic and those of another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from schemas.chunk import Record
from streams.owned import E, Owned
from streams.results import Results
from streams.state.store import StateStore


class Kind(Protocol[E]):
    """All that a `Stage` asks about its engines."""

    topic: str  # that they read, without prefix
    store: StateStore
    tells_site: bool  # an engine that begins without a snapshot puts its site into the log

    def label(self, partition: int) -> str:
        """The partition as metrics name it."""

    def number(self, partition: int) -> int:
        """The partition as lanes and the store number it: those of two kinds must not meet."""

    def fresh(self, partition: int) -> E:
        """An engine that has fed nothing."""

    def wants_tick(self, engine: E) -> bool:
        """Whether a tick would bring something about while nothing comes."""

    def judged(self, owned: Owned[E], records: list[Record]) -> AsyncIterator[Results]:
        """Feed records; results once they are published and counted. Raises what an engine raises, noted."""

    def sizes(self, engine: E) -> tuple[int, int]:
        """Series and open episodes, for the manifest."""

    async def mark(self, partition: int) -> int:
        """Where what is published ends now: what is newer is read back by `take_back`."""

    def beside(self, partition: int) -> dict[str, Any]:
        """What is saved beside the engine."""

    async def take_back(self, partition: int, state: dict[str, Any], mark: int) -> set[str]:
        """Take up what `beside` gave and what was published behind the mark; ids of the latter."""

    def leave(self, partition: int) -> None:
        """Forget what is shown of a partition."""
