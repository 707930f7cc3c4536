"""What an engine gives for a chunk: points, verdicts, events, rejections and counts, as arrays where there are many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.anomaly import AnomalyEvent
from schemas.audit import Audit
from schemas.chunk import Place, Record
from schemas.kpi import KpiRow

OUTCOMES = ("scored", "warming", "withheld", "late", "duplicate", "muted", "unwatched", "rejected")
"""Every reading is counted in exactly one of these; their sum is `readings_in`."""

OK, ANOMALOUS, WARMING, NO_OPINION = 0, 1, 2, 3
"""Status of a verdict (field `status` of measurement `verdict`)."""


class SeriesRef(NamedTuple):
    """A series as results name it: the asset's path cut into levels, `-` where a level is missing."""

    path: str  # the whole asset path, as in events
    site: str
    area: str
    line: str
    asset: str  # the machine: the path's last level
    series: str


class WatchRef(NamedTuple):
    """A watch as results name it."""

    name: str
    kind: str  # the detector's kind
    alone: bool = False  # its verdicts are of whole messages (instants, waveforms, bins), not of readings


class Points(NamedTuple):
    """Readings to store, thinned by `store`; n rows."""

    series: NDArray[np.int32]  # (n,) index into Results.series
    time: NDArray[np.int64]  # (n,) ns
    value: NDArray[np.float64]  # (n,) NaN where text
    text: dict[int, str]  # row -> text
    quality: NDArray[np.uint8]  # (n,)
    late: NDArray[np.bool_]  # (n,)


class Verdicts(NamedTuple):
    """Verdicts in input order (message, cell, watch); n rows. `store` marks those the thinning keeps."""

    reading: NDArray[np.int64]  # (n,) the reading's index in its chunk; of instants, waveforms and bins, the message's
    series: NDArray[np.int32]  # (n,) index into Results.series (a joint watch has a series ref of its own)
    watch: NDArray[np.int32]  # (n,) index into Results.watches
    time: NDArray[np.int64]  # (n,) ns
    value: NDArray[np.float64]
    score: NDArray[np.float64]  # calibrated: >= 1 is anomalous; NaN is no opinion
    expected: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    status: NDArray[np.uint8]
    store: NDArray[np.bool_]
    contribution: dict[int, dict[str, float]]  # row -> share per input, joint watches only


class Rejection(NamedTuple):
    """One message, or cells of one, that could not be used, with the raw record where there is one."""

    place: Place
    record: Record | None
    received: int


class Forward(NamedTuple):
    """A reading that was written to the wrong partition and goes on to `partition`, with a signed origin."""

    record: Record
    partition: int


class Results(NamedTuple):
    """Everything that follows from one chunk. `series` and `watches` are the engine's tables, append-only."""

    partition: int
    next_offset: int
    received: int  # the partition's clock after this chunk, ns
    counts: dict[str, int]  # readings_in, OUTCOMES, misrouted, reforwarded, corrections, notes
    series: Sequence[SeriesRef]
    watches: Sequence[WatchRef]
    points: Points
    verdicts: Verdicts
    events: Sequence[AnomalyEvent]
    rejections: Sequence[Rejection]
    forwards: Sequence[Forward]
    warnings: Sequence[str]
    event_shift: Sequence[int] = ()  # ns to add to each event's time in a store: two events at one time stay two
    audits: Sequence[Audit] = ()  # commands and configurations decided, in the log's order
    kpis: Sequence[KpiRow] = ()  # in the order in which they were told
