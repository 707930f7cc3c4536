"""A segment: the readings of a chunk that one configuration judges, as the watches are given them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.chunk import Waveform
from streams.admission import NEW, Admitted

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Segment(NamedTuple):
    """n readings in log order, admitted and placed; plus its messages' clock."""

    received: Ints  # (messages,) the partition's clock at each message of the segment, monotone
    first_message: int  # index in the chunk of the segment's first message
    ours: Bools  # (messages,) reading messages that are judged here
    place: Ints  # (n,) index of each reading in the chunk
    message: Ints  # (n,) message in the chunk
    row: Ints  # (n,) roster row
    time: Ints
    value: Floats
    text: dict[int, str]  # position in the segment -> text
    quality: NDArray[np.uint8]
    numeric: Bools  # the reading's series takes numbers and this is one, or an absent one
    admitted: Admitted
    week_s: NDArray[np.int32]
    units: list[str | None]  # by code: the unit that readings were sent in
    code: Ints  # (n,) index into units
    waveforms: list[Waveform]

    @property
    def arrived(self) -> Ints:
        """(n,) the partition's clock when each reading came."""
        return self.received[self.message - self.first_message]

    @property
    def new(self) -> Bools:
        """(n,) readings that are newer than all before them of their series."""
        return np.asarray(self.admitted.kind == NEW)

    def message_at(self, clock: int) -> int:
        """First message (index in the chunk) at which the clock has reached `clock`."""
        return self.first_message + int(np.searchsorted(self.received, clock))
