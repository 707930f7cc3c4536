"""What is held: readings that wait to be booked, in blocks, so that what is due is found without touching the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.arrays import UNSEEN
from streams.segment import Bools, Floats, Ints

_SMALL = 4_096
"""Blocks below it are put together with the one behind them."""


class Block(NamedTuple):
    """Readings (n,), in the order in which they came."""

    machine: Ints
    role: Ints
    time: Ints
    value: Floats
    received: Ints

    def of(self, which: NDArray[np.int64] | Bools) -> Block:
        """Some of them."""
        return Block._make(column[which] for column in self)


class Bounds(NamedTuple):
    """Of a block: nothing in it is older, and nothing came earlier."""

    time: int
    received: int


def joined(blocks: list[Block]) -> Block:
    """Blocks as one, in their order."""
    if len(blocks) == 1:
        return blocks[0]
    if not blocks:
        none = np.zeros(0, dtype=np.int64)
        return Block(none, none, none, np.zeros(0), none)
    return Block._make(np.concatenate(columns) for columns in zip(*blocks, strict=True))


class Held:
    """Blocks in the order in which they came."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._bounds: list[Bounds] = []

    def put(self, block: Block) -> None:
        """Hold more."""
        self._append(block)
        while len(self._blocks) > 1 and len(self._blocks[-2].time) < min(_SMALL, 2 * len(self._blocks[-1].time)):
            last = [self._blocks.pop(-2), self._blocks.pop()]
            del self._bounds[-2:]
            self._append(joined(last))

    def _append(self, block: Block) -> None:
        if len(block.time):
            self._blocks.append(block)
            self._bounds.append(Bounds(int(block.time.min()), int(block.received.min())))

    def take(self, may: Callable[[Bounds], bool], due: Callable[[Block], Bools]) -> Block:
        """Let go of what is due, in its order; blocks of which `may` knows better are not looked into."""
        blocks, bounds, out = self._blocks, self._bounds, []
        self._blocks, self._bounds = [], []
        for block, bound in zip(blocks, bounds, strict=True):
            goes = due(block) if may(bound) else None
            if goes is None or not goes.any():
                self._blocks.append(block)
                self._bounds.append(bound)
                continue
            whole = bool(goes.all())
            out.append(block if whole else block.of(goes))
            if not whole:
                self._append(block.of(~goes))
        return joined(out)

    def earliest(self) -> int | None:
        """When the first came of what is held, None where nothing is."""
        return min((bound.received for bound in self._bounds), default=None)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """All of it, by column."""
        return {name: column.copy() for name, column in joined(self._blocks)._asdict().items()}

    def restore(self, saved: dict[str, NDArray[Any]]) -> None:
        """Take up what `snapshot` gave."""
        self._blocks, self._bounds = [], []
        received = saved.get("received", np.full(len(saved["time"]), UNSEEN))
        columns = {name: saved[name].copy() for name in ("machine", "role", "time", "value")}
        self._append(Block(**columns, received=received.copy()))
