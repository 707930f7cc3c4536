"""Gathering: the inputs of each row of a joint or peers watch, and the clocks at which their instants are due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from streams import instants
from streams.instants import Inputs, Instant

K = TypeVar("K", str, tuple[str, str, str])
"""What a row is of: an asset, or a group of machines."""


class Gathering(Generic[K]):
    """The inputs of the rows of one watch, by what each row is of."""

    def __init__(self) -> None:
        self.inputs: dict[K, Inputs] = {}
        self._deadline: dict[K, int] = {}  # of the rows that have one

    def put(self, key: K, name: str, time: int, value: float | None, received: int, good: bool = True) -> bool:
        """Take a value in, as `Inputs.put` does."""
        fresh = self.inputs[key].put(name, time, value, received, good)
        self._note(key)
        return fresh

    def _note(self, key: K) -> None:
        deadline = self.inputs[key].deadline()
        if deadline is None:
            self._deadline.pop(key, None)
        else:
            self._deadline[key] = deadline

    def passed(self, received: int) -> tuple[int, K] | None:
        """The earliest deadline (its clock, its row) at or before a clock; None where there is none."""
        if not self._deadline or min(self._deadline.values()) > received:
            return None
        return min((deadline, key) for key, deadline in self._deadline.items())

    def ready(self, key: K, received: int) -> Iterator[Instant]:
        """The instants of a row that are to be judged at this clock, in order."""
        while (instant := self.inputs[key].ready(received)) is not None:
            self._note(key)
            yield instant

    def hush(self, muted: Callable[[K, str], bool]) -> None:
        """Let go of what is held of inputs, (row, name), that are muted; where all are, gathering starts over."""
        for key, inputs in self.inputs.items():
            quiet = [name for name in inputs.names if muted(key, name)]
            if quiet:
                inputs.drop(quiet)
                self._note(key)

    def snapshot(self) -> list[tuple[K, dict[str, Any]]]:
        """What is gathered, by row."""
        return [(key, inputs.snapshot()) for key, inputs in self.inputs.items()]

    def restore(self, saved: Iterable[tuple[K, dict[str, Any]]]) -> None:
        """Take up what `snapshot` gave."""
        self.inputs = {key: instants.restore(inputs) for key, inputs in saved}
        self._deadline = {}
        for key in self.inputs:
            self._note(key)
