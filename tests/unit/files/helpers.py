"""Reading test files in one line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from streams.files.block import FileBlock
from streams.files.options import FileOptions
from streams.files.read import read


class Reading(NamedTuple):
    """One reading as plain Python, with the row it is from counted over all blocks."""

    row: int
    asset: str
    series: str
    time: int
    value: float | str | None
    quality: int


def blocks_of(*paths: Path, **options: Any) -> list[FileBlock]:
    return list(read(paths, FileOptions(**options)))


def readings_of(blocks: list[FileBlock]) -> list[Reading]:
    """Every reading; None stands for a reading without a value."""
    out, first = [], 0
    for block in blocks:
        for at, (message, code, time, value, quality) in enumerate(
            zip(
                block.message.tolist(),
                block.code.tolist(),
                block.time.tolist(),
                block.value.tolist(),
                block.quality.tolist(),
                strict=True,
            )
        ):
            key = block.keys[code]
            held = block.text.get(at, None if value != value else value)
            out.append(Reading(first + message, key.asset, key.series, time, held, quality))
        first += block.rows
    return out


def values_of(*paths: Path, **options: Any) -> list[tuple[str, str, float | str | None]]:
    """(time as ISO in UTC, series, value) of every reading."""
    return [(iso(r.time), r.series, r.value) for r in readings_of(blocks_of(*paths, **options))]


def reasons_of(blocks: list[FileBlock]) -> list[tuple[str, str, int]]:
    return [(place.reason, place.place, place.cells) for block in blocks for place in block.rejects]


def notes_of(blocks: list[FileBlock]) -> str:
    return "\n".join(note for block in blocks for note in block.notes)


def iso(ns: int) -> str:
    return datetime.fromtimestamp(ns // 10**9, UTC).replace(tzinfo=None).isoformat(" ") + (
        f".{ns % 10**9:09d}".rstrip("0") if ns % 10**9 else ""
    )


def write(folder: Path, text: str | bytes, name: str = "m1.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
