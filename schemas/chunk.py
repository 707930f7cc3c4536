"""A chunk: the decoded messages of one partition as arrays (struct of arrays), the engine's only input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.control import Control

GOOD, UNCERTAIN, BAD = 0, 1, 2
"""Quality codes, in the order of OPC UA's severity (Part 8, 5.3.3): good, uncertain, bad."""

READING, CONTROL, REJECTED = 0, 1, 2
"""What a message turned out to be."""


class Record(NamedTuple):
    """One message of a partition's log, as the broker hands it over.

    `timestamp` is the record's timestamp in nanoseconds since the epoch (Kafka's milliseconds x 10**6).
    """

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class SeriesKey(NamedTuple):
    """What a reading is of: an asset's path, the series' name and the unit it was sent in (UCUM, or None)."""

    asset: str
    series: str
    unit: str | None


class Place(NamedTuple):
    """Why one message, or some of its cells, could not be used. `cells` is 0 when the whole message is lost."""

    message: int
    reason: str
    place: str
    source: str | None
    cells: int


class Waveform(NamedTuple):
    """One block of samples: `values` (n,) float64 in `key.unit`, taken at `rate_hz` from `time` (ns) on."""

    message: int
    key: SeriesKey
    time: int
    rate_hz: float
    values: NDArray[np.float64]
    speed_rpm: float
    quality: int


class Origin(NamedTuple):
    """Where a forwarded reading was first written: its partition and the offset there."""

    partition: int
    offset: int


class Chunk(NamedTuple):
    """Decoded messages of one partition, in log order. m messages, r readings (cells), k distinct series keys.

    Readings are ordered by message, then by row of a frame (time), then by the frame's column order.
    """

    records: Sequence[Record]  # m raw messages; empty offline, where there is nothing to forward or set aside
    offset: NDArray[np.int64]  # (m,)
    received: NDArray[np.int64]  # (m,) record timestamps in ns, not yet made monotone
    kind: NDArray[np.uint8]  # (m,) READING, CONTROL or REJECTED
    asset: Sequence[str | None]  # m: the asset a reading message is about
    origin: dict[int, Origin]  # message -> verified origin of a forwarded reading
    message: NDArray[np.int32]  # (r,) index of the reading's message, ascending
    code: NDArray[np.int32]  # (r,) index into keys
    keys: Sequence[SeriesKey]  # k
    time: NDArray[np.int64]  # (r,) event time, ns since the epoch
    value: NDArray[np.float64]  # (r,) NaN where the value is text or absent
    text: dict[int, str]  # reading -> text value
    quality: NDArray[np.uint8]  # (r,)
    waveforms: Sequence[Waveform]
    controls: Sequence[tuple[int, Control]]  # (message, verified control record)
    rejects: Sequence[Place]
    notes: dict[str, int]  # counts beside the outcomes: unknown_fields, nan_cells

    @property
    def messages(self) -> int:
        """Number of messages."""
        return len(self.offset)

    @property
    def readings(self) -> int:
        """Number of readings (cells), rejected ones left out."""
        return len(self.time)


def columns(
    received: NDArray[np.int64],
    message: NDArray[np.int32],
    keys: Sequence[SeriesKey],
    code: NDArray[np.int32],
    time: NDArray[np.int64],
    value: NDArray[np.float64],
    text: dict[int, str] | None = None,
    quality: NDArray[np.uint8] | None = None,
    first_offset: int = 0,
    waveforms: Sequence[Waveform] = (),
) -> Chunk:
    """Make a chunk from arrays, as files and tests do: message i has offset `first_offset + i`.

    >>> t = np.array([10, 20], dtype=np.int64)
    >>> key = SeriesKey("a", "temp", "Cel")
    >>> two = np.arange(2, dtype=np.int32)
    >>> columns(t, two, [key], two * 0, t, np.array([1.0, 2.0])).readings
    2
    """
    count = len(received)
    asset: list[str | None] = [None] * count
    for i, c in zip(message.tolist(), code.tolist(), strict=True):
        asset[i] = keys[c].asset
    for wave in waveforms:
        asset[wave.message] = wave.key.asset
    return Chunk(
        records=(),
        offset=np.arange(first_offset, first_offset + count, dtype=np.int64),
        received=received,
        kind=np.full(count, READING, dtype=np.uint8),
        asset=asset,
        origin={},
        message=message,
        code=code,
        keys=keys,
        time=time,
        value=value,
        text=text or {},
        quality=np.zeros(len(time), dtype=np.uint8) if quality is None else quality,
        waveforms=waveforms,
        controls=(),
        rejects=(),
        notes={},
    )
