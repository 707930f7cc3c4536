"""Arrivals: the readings that a segment's messages bring, and those that are judged in it, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.chunk import Chunk
from streams.segment import Floats, Ints


class Let(NamedTuple):
    """n readings that are let go to be judged, and the steps in which they are; fields as in `Segment`."""

    received: Ints  # (steps,)
    messages: Ints  # (steps,)
    place: Ints
    step: Ints
    row: Ints
    time: Ints
    value: Floats
    text: dict[int, str]
    quality: NDArray[np.uint8]
    units: Sequence[str | None]
    code: Ints


class Came(NamedTuple):
    """Readings `at` (n,) of a chunk that come with its messages [first, last)."""

    chunk: Chunk
    at: Ints
    row: Ints  # (n,) roster row
    asset: Ints  # (n,) number of the row's asset
    received: Ints  # the clock at each message of the whole chunk
    first: int
    last: int

    @property
    def time(self) -> Ints:
        """(n,) event times."""
        return self.chunk.time[self.at]

    @property
    def message(self) -> Ints:
        """(n,) the message of each, counted from `first`."""
        return self.chunk.message[self.at].astype(np.int64) - self.first

    @property
    def clock(self) -> Ints:
        """(last - first,) the clock at each message."""
        return self.received[self.first : self.last]

    @property
    def text(self) -> dict[int, str]:
        """Position -> text."""
        texts = self.chunk.text
        return {i: texts[j] for i, j in enumerate(self.at.tolist()) if j in texts} if texts else {}

    def as_they_are(self) -> Let:
        """All of them, as they come: each message is a step."""
        chunk, at = self.chunk, self.at
        return Let(
            self.clock,
            np.arange(self.first, self.last),
            at,
            self.message,
            self.row,
            self.time,
            chunk.value[at],
            self.text,
            chunk.quality[at],
            [key.unit for key in chunk.keys],
            chunk.code[at].astype(np.int64),
        )
