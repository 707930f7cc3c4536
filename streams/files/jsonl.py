"""JSON lines: readings as on the topic, one message a line, handed on as records for the caller to decode."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from schemas.chunk import Record
from schemas.errors import Misconfigured
from streams.files.block import FileBlock
from streams.files.source import Progress, encoding_of, head_of, opened
from streams.files.times import TimeRule, parse
from streams.files.wide import held_times

MESSAGES = 5_000
"""Messages a block: each may be a frame of many readings."""

_INT64 = 2**63


def _time_of(line: bytes) -> Any:
    """A message's newest time as it stands, None when there is none to be found."""
    try:
        body = orjson.loads(line)
        time = body.get("time") if isinstance(body, dict) else None
    except (orjson.JSONDecodeError, RecursionError):
        return None
    if isinstance(time, list):
        given = [t for t in time if isinstance(t, str | int) and not isinstance(t, bool)]
        # all of one kind, or there is no telling which is the newest
        return max(given, default=None) if len({type(t) for t in given}) == 1 else None
    return time


def looks_like(head: str, path: Path) -> bool:
    """Whether a text starts with a JSON object on one line. Raises Misconfigured for a document over many.

    >>> looks_like('{"asset": "m1"}\\n', Path("a")), looks_like("time,a", Path("a"))
    (True, False)
    """
    text = head.lstrip()
    if not text.startswith("{") or text[1:].lstrip()[:1] not in ('"', "}"):
        return False
    try:
        orjson.loads(text.splitlines()[0])
    except orjson.JSONDecodeError:
        if "\n" not in text.strip():
            return True
        raise Misconfigured(f"{path}: is one JSON document; JSON lines have one reading, an object, a line") from None
    return True


def check(path: Path) -> None:
    """Raise Misconfigured when the first line is no JSON object, or the text not UTF-8."""
    head = head_of(path)
    encoding = encoding_of(path, head)
    if not encoding.startswith("utf-8"):
        raise Misconfigured(f"{path}: JSON lines must be UTF-8, this is {encoding}; convert it")
    first = next((line for line in head.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()), b"")
    if not first.lstrip().startswith(b"{"):
        shown = first[:60].decode("utf-8", "replace").strip()
        raise Misconfigured(f"{path}: is not JSON lines: the first line should be an object, got {shown!r}")


def blocks(path: Path, zone: str = "UTC", progress: Progress | None = None) -> Iterator[FileBlock]:
    """Read JSON lines as records, offset = line number from 0, timestamp = the message's own (newest) time.

    Lines that are no messages are handed on too: the decoder says why they are refused.
    """
    last = None
    with opened(path, progress) as file:
        lines = ((n, line.strip()) for n, line in enumerate(file))
        filled = ((n, line.removeprefix(b"\xef\xbb\xbf")) for n, line in lines if line)
        while some := list(islice(filled, MESSAGES)):
            block = _block(path.name, some, zone, last)
            last = int(block.received[-1])
            yield block


def _block(name: str, some: list[tuple[int, bytes]], zone: str, last: int | None) -> FileBlock:
    given = [_time_of(line) for _, line in some]
    time, ok = parse([t if isinstance(t, str) else "" for t in given], TimeRule(zone=zone))
    for row, t in enumerate(given):
        if isinstance(t, int) and not isinstance(t, bool) and -_INT64 <= t < _INT64:
            time[row], ok[row] = t, True
    received = held_times(time, ok, last)
    none = np.zeros(0, np.int64)
    return FileBlock(
        message=none.astype(np.int32),
        received=received,
        keys=[],
        code=none.astype(np.int32),
        time=none,
        value=none.astype(np.float64),
        text={},
        quality=none.astype(np.uint8),
        rejects=[],
        records=[Record(n, t, None, line) for (n, line), t in zip(some, received.tolist(), strict=True)],
        sources=(name,),
        notes=(),
    )
