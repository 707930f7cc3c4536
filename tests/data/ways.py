"""The ways of the same readings: a long table, JSON lines, and messages of a log as frames, singles or both."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from schemas.codecs import JSON, MSGPACK
from schemas.encode import encode_frame, encode_single
from schemas.partition import key_of
from schemas.times import format_time
from tests.data.plant import SECOND, UNIT, Row, Value


class Sent(NamedTuple):
    """One message of the log: its key, body and headers; its timestamp is the newest time in it."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    time: int  # ns


def write_long(rows: Iterable[Row], path: Path) -> Path:
    """A table of one reading a line, states first."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["time", "asset", "series", "value", "unit"])
        for row in rows:
            for series, value in row.cells.items():
                if value is not None:
                    out.writerow([format_time(row.time), row.asset, series, value, UNIT.get(series, "")])
    return path


def write_jsonl(messages: Iterable[Sent], path: Path) -> Path:
    """Messages as lines; they must be JSON."""
    path.write_bytes(b"".join(message.value + b"\n" for message in messages))
    return path


def frames(rows: Iterable[Row], seed: int, content_types: Sequence[bytes] = (JSON,)) -> list[Sent]:
    """A frame for each one to six rows of a machine, in order of their last times."""
    rng = random.Random(seed)
    return [_frame(part, rng.choice(content_types)) for part in _cut(rows, rng)]


def singles(rows: Iterable[Row], seed: int, window_s: int = 8) -> list[Sent]:
    """A message for each reading, shuffled across series within windows of event time.

    The order within a series is kept. States come first in their window: whether a gate is open when a reading
    comes is a matter of what the log holds before it, so singles in another order rightly get another answer.
    """
    rng = random.Random(seed)
    return [_single(*reading, JSON) for window in _windows(rows, window_s) for reading in _shuffled(window, rng)]


def mixed(rows: Iterable[Row], seed: int) -> list[Sent]:
    """Frames and singles, in JSON and in MessagePack, machine by machine and turn by turn."""
    rng = random.Random(seed)
    out = []
    for part in _cut(rows, rng):
        content_type = rng.choice((JSON, MSGPACK))
        if rng.random() < 0.5:
            out.append(_frame(part, content_type))
        else:
            out += [_single(*reading, content_type) for reading in _shuffled(part, rng)]
    return out


def _cut(rows: Iterable[Row], rng: random.Random) -> list[list[Row]]:
    """One to six rows of a machine each, sent when the last of them is there: silence is judged by arrival."""
    parts: list[tuple[int, list[Row]]] = []
    open_: dict[str, int] = {}
    for n, row in enumerate(rows):
        at = open_.get(row.asset)
        part = parts[at][1] if at is not None else []
        # a pause must not be inside a frame: what came before it would arrive behind it
        if at is None or len(part) >= rng.randint(1, 6) or row.time - part[-1].time > 5 * SECOND:
            open_[row.asset] = len(parts)
            parts.append((n, [row]))
        else:
            part.append(row)
            parts[at] = (n, part)
    return [part for _, part in sorted(parts, key=lambda pair: pair[0])]


def _windows(rows: Iterable[Row], window_s: int) -> Iterator[list[Row]]:
    """Rows cut where the newest time so far enters another window; what is late stays where it came."""
    part: list[Row] = []
    end = None
    for row in rows:
        if end is None or row.time >= end:
            if part:
                yield part
            part, end = [], (row.time // (window_s * SECOND) + 1) * window_s * SECOND
        part.append(row)
    yield part


def _shuffled(rows: Sequence[Row], rng: random.Random) -> Iterator[tuple[str, str, int, Value]]:
    """Readings of rows, states first, then the other series in a random order that keeps each one's own."""
    queues: dict[tuple[str, str], list[tuple[str, str, int, Value]]] = {}
    for row in rows:
        for series, value in row.cells.items():
            if value is None:
                continue
            if series == "state":
                yield row.asset, series, row.time, value
            else:
                queues.setdefault((row.asset, series), []).append((row.asset, series, row.time, value))
    turns = [key for key, queue in queues.items() for _ in queue]
    rng.shuffle(turns)
    heads = {key: iter(queue) for key, queue in queues.items()}
    for key in turns:
        yield next(heads[key])


def _single(asset: str, series: str, time: int, value: Value, content_type: bytes) -> Sent:
    unit = UNIT.get(series)
    return Sent(key_of(asset), *encode_single(asset, series, time, value, unit=unit, content_type=content_type), time)


def _frame(rows: Sequence[Row], content_type: bytes) -> Sent:
    asset, times = rows[0].asset, [row.time for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row.cells))
    columns = {name: [row.cells.get(name) for row in rows] for name in names}
    unit = {name: UNIT[name] for name in names if name in UNIT}
    message = encode_frame(asset, times, columns, unit=unit, content_type=content_type)
    return Sent(key_of(asset), *message, max(times))
