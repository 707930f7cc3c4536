"""What the demo sends: the simulated plant in real time, or a file's rows at a chosen pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from aiokafka import AIOKafkaProducer
from numpy.typing import NDArray

from schemas.chunk import BAD, Chunk
from schemas.decode import Decoder
from schemas.partition import key_of, partition_of
from streams.files.block import to_chunk
from streams.files.options import FileOptions
from streams.files.read import read
from streams.plant import Frame, Plant, message_of
from streams.plant.described import DescribedPlant

SECOND = 1_000_000_000
HISTORY_ROWS = 50
"""Rows in one message of the plant's past."""


class Sender:
    """Sends frames to the reading topic, keyed and partitioned as contracts.md says."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: int) -> None:
        self.producer, self.topic, self.partitions = producer, topic, partitions
        self.readings = 0

    async def send(self, frames: Sequence[Frame]) -> None:
        """Send frames and wait until the broker has them."""
        acks = []
        for frame in frames:
            key = key_of(frame.asset)
            partition = partition_of(key, self.partitions)
            acks.append(await self.producer.send(self.topic, message_of(frame), key, partition))
            self.readings += _readings(frame)
        await asyncio.gather(*acks)


def _readings(frame: Frame) -> int:
    """Cells that are not absent."""
    return sum(
        len(column) if isinstance(column, list) else int(np.isfinite(column).sum()) for column in frame.series.values()
    )


async def play_plant(plant: Plant, sender: Sender, rows: int, only: str | None = None) -> None:
    """Send the next `rows` rows of the plant's past, as fast as they are taken; `only` of one asset, where named."""
    while rows > 0:
        now = min(rows, HISTORY_ROWS)
        await sender.send([frame for frame in plant.block(now) if only in (None, frame.asset)])
        rows -= now
        await asyncio.sleep(0)


async def live_plant(plant: Plant, sender: Sender, until: Callable[[], bool]) -> None:
    """Send the plant row by row as its time comes, until told to end."""
    while not until():
        wait = plant.next_ns - time.time_ns()
        if wait > 0:
            await asyncio.sleep(min(wait / SECOND, 0.2))
            continue
        await sender.send(plant.step())


class Row(NamedTuple):
    """Readings of one asset at one instant."""

    asset: str
    time: int
    cells: dict[str, float | str]
    unit: dict[str, str]


def file_rows(path: Path, options: FileOptions) -> tuple[list[Row], list[str]]:
    """All rows of a file, its assets under demo/, and notes for a person. Raises Misconfigured."""
    rows: list[Row] = []
    notes: list[str] = []
    for block in read([path], options):
        notes += block.notes
        chunk = to_chunk(block) if block.records is None else Decoder().decode(block.records, 0)
        rows += _rows(chunk)
    rows.sort(key=lambda row: row.time)
    return rows, notes


def _rows(chunk: Chunk) -> list[Row]:
    rows: dict[tuple[str, int], Row] = {}
    columns = (chunk.code.tolist(), chunk.time.tolist(), chunk.value.tolist(), chunk.quality.tolist())
    for i, (code, at, value, quality) in enumerate(zip(*columns, strict=True)):
        key = chunk.keys[code]
        if quality == BAD:
            continue
        asset = key.asset if "/" in key.asset else f"demo/{key.asset}"
        row = rows.setdefault((asset, at), Row(asset, at, {}, {}))
        row.cells[key.series] = chunk.text.get(i, value)
        if key.unit:
            row.unit[key.series] = key.unit
    return list(rows.values())


def described_rows(plant: DescribedPlant, start_ns: int) -> list[Row]:
    """All rows of a described plant, by time; what is absent is left out."""
    rows: list[Row] = []
    for frame in plant.frames(start_ns):
        columns = {
            name: column if isinstance(column, list) else column.tolist() for name, column in frame.series.items()
        }
        for i, at in enumerate(frame.time.tolist()):
            cells = {name: column[i] for name, column in columns.items() if column[i] == column[i]}
            rows.append(Row(frame.asset, at, cells, frame.unit))
    rows.sort(key=lambda row: row.time)
    return rows


async def play_rows(rows: Sequence[Row], sender: Sender, speed: float, until: Callable[[], bool]) -> int:
    """Send rows at `speed` times their own pace, their times shifted so that the last is now; returns how many."""
    shift = time.time_ns() - rows[-1].time
    started, first = time.monotonic_ns(), rows[0].time
    sent = 0
    while sent < len(rows) and not until():
        reached = first + int((time.monotonic_ns() - started) * speed)
        due = sent
        while due < len(rows) and rows[due].time <= reached and due - sent < 2000:
            due += 1
        if due == sent:
            await asyncio.sleep(0.05)
            continue
        await sender.send([frame async for frame in _frames(rows[sent:due], shift)])
        sent = due
    return sent


async def _frames(rows: Sequence[Row], shift: int) -> AsyncIterator[Frame]:
    """Rows of one asset and the same columns in a row make one frame."""
    start = 0
    for end in range(1, len(rows) + 1):
        a = rows[start]
        if end < len(rows) and rows[end].asset == a.asset and _shape(rows[end]) == _shape(a):
            continue
        group = rows[start:end]
        series: dict[str, NDArray[np.float64] | list[str]] = {
            name: [str(row.cells[name]) for row in group]
            if isinstance(cell, str)
            else np.array([row.cells[name] for row in group], dtype=np.float64)
            for name, cell in a.cells.items()
        }
        yield Frame(a.asset, np.array([row.time + shift for row in group]), series, a.unit)
        start = end


def _shape(row: Row) -> list[tuple[str, bool]]:
    return [(name, isinstance(cell, str)) for name, cell in row.cells.items()]
