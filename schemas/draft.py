"""The draft of a chunk: what the decoders of singles, frames and waveforms add their findings to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from schemas.cells import Cells, KeyTable
from schemas.chunk import READING, REJECTED, Place, Waveform
from schemas.errors import Reject
from schemas.names import name_fault
from schemas.quality import QualityTable

MAX_PLACES = 16
"""Places of unusable cells that are told of one message."""


class Draft:
    """Findings about `count` messages, in any order; `Decoder` makes a chunk of them. `keys` may outlive it."""

    def __init__(self, count: int, keys: KeyTable) -> None:
        self.kind = np.full(count, READING, dtype=np.uint8)
        self.asset: list[str | None] = [None] * count
        self.parts: list[Cells] = []
        self.waveforms: list[Waveform] = []
        self.rejects: list[Place] = []
        self.keys = keys
        self.qualities = QualityTable()
        self.unknown_fields = 0
        self.nan_cells = 0

    def reject(self, message: int, error: Reject, fields: object = None) -> None:
        """Set the whole message aside; its source is told where `fields` holds a usable one."""
        source = fields.get("source") if isinstance(fields, dict) else None
        if type(source) is not str or name_fault(source):
            source = None
        self.kind[message] = REJECTED
        place = f"{error.place}: {error.message}" if error.place and error.message else error.place or error.message
        self.rejects.append(Place(message, error.reason, place, source, 0))

    def reject_cells(self, message: int, reason: str, places: Sequence[str], source: str | None, cells: int) -> None:
        """Set some cells of a message aside, the rest is served; at most MAX_PLACES places."""
        self.rejects.append(Place(message, reason, "; ".join(places), source, cells))
