"""A segment: the readings of a chunk that one configuration judges, as the watches are given them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.groups import Groups
from schemas.chunk import Waveform
from streams.admission import NEW, Admitted
from streams.localtime import LocalTime

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Segment(NamedTuple):
    """n readings in the order in which they are judged, admitted and placed; plus the clock of the steps they come in.

    A step is a message; with `[site] reorder` also a deadline at which readings that were held are let go.
    """

    received: Ints  # (steps,) the partition's clock at each step, monotone
    messages: Ints  # (steps,) the message (index in the chunk) at which each step is taken, ascending
    ours: Bools  # (messages,) reading messages that are judged here, from the segment's first message on
    place: Ints  # (n,) index of each reading in the chunk; below 0 where it came with an earlier chunk
    step: Ints  # (n,) step in which each reading is judged, ascending
    row: Ints  # (n,) roster row
    time: Ints
    value: Floats
    text: dict[int, str]  # position in the segment -> text
    quality: NDArray[np.uint8]
    numeric: Bools  # the reading's series takes numbers and this is one, or an absent one
    admitted: Admitted
    local: LocalTime
    units: Sequence[str | None]  # by code: the unit that readings were sent in
    code: Ints  # (n,) index into units
    waveforms: list[Waveform]
    groups: Groups  # of row
    second: Ints  # (n,) event-time second

    @property
    def whole(self) -> bool:
        """Whether every reading is new and of a series that takes numbers."""
        return self.admitted.whole and bool(self.numeric.all())

    @property
    def message(self) -> Ints:
        """(n,) message (index in the chunk) at which each reading is judged."""
        return self.messages[self.step]

    @property
    def arrived(self) -> Ints:
        """(n,) the partition's clock when each reading came, or was let go."""
        return self.received[self.step]

    @property
    def new(self) -> Bools:
        """(n,) readings that are newer than all before them of their series."""
        return np.asarray(self.admitted.kind == NEW)

    def step_at(self, clock: int) -> int:
        """First step at which the clock has reached `clock`."""
        return int(np.searchsorted(self.received, clock))
