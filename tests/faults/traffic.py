"""The plant's readings as messages: singles and frames in three encodings, a tenth of them on a wrong partition."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from schemas.codecs import ARROW, JSON, MSGPACK
from schemas.encode import Message, encode_frame, encode_single
from schemas.partition import key_of, partition_of
from tests.faults.plant import BLOCK, PARTITIONS, STEP, Value, assets, rows

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


class Sending(NamedTuple):
    """One message, and what must become of it."""

    partition: int
    home: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    codec: str
    readings: int  # that the engine counts
    points: list[tuple[str, str, int]]  # asset, series, time of each reading that is stored


def block_messages(block: int, start: int) -> Iterator[Sending]:
    """All messages of a block of instants; instant 0 is at `start` (ns). The same for the same arguments."""
    chance = random.Random(block)
    times = [start + (block * BLOCK + i) * STEP for i in range(BLOCK)]
    for a, table in rows(block):
        asset = assets()[a]
        form = (a + block) % 10
        kind = (JSON, JSON, JSON, JSON, JSON, MSGPACK, MSGPACK, ARROW, ARROW, JSON)[form]
        sent = _singles(a, times, table) if form == 0 else _frames(a, times, table, kind, 2 if form == 9 else BLOCK)
        made = list(sent)
        if chance.random() < 0.02:  # a gateway that repeats itself
            made.append(made[-1])
        if chance.random() < 0.02:  # and one that restates what it said last
            value = table["temp"][-1]
            assert isinstance(value, float)
            correction = encode_single(asset, "temp", times[-1], value + 0.125)
            made.append(_sending(a, correction, [(asset, "temp", times[-1])]))
        lost = chance.random() < 0.03
        yield from (each._replace(partition=(each.home + 3) % PARTITIONS) if lost else each for each in made)
    if block % 20 == 7:
        a = chance.randrange(len(assets()))
        broken = _sending(a, (b'{"asset": "' + assets()[a].encode(), []), [])
        yield broken._replace(partition=broken.home, readings=1)


def readings_of(block: int) -> int:
    """About how many readings a block has."""
    return len(assets()) * 9 * BLOCK


def _singles(a: int, times: list[int], table: dict[str, list[Value]]) -> Iterator[Sending]:
    asset = assets()[a]
    for i, time in enumerate(times):
        # the state first, as the readings of its instant are judged under it
        for name in ("state", *(n for n in table if n != "state")):
            value = table[name][i]
            if value is not None:
                kind = (JSON, MSGPACK)[i % 2]
                yield _sending(a, encode_single(asset, name, time, value, content_type=kind), [(asset, name, time)])


def _frames(a: int, times: list[int], table: dict[str, list[Value]], kind: bytes, size: int) -> Iterator[Sending]:
    asset = assets()[a]
    for at in range(0, BLOCK, size):
        part = {name: column[at : at + size] for name, column in table.items()}
        message = encode_frame(asset, times[at : at + size], part, content_type=kind)
        cells = [(i, name) for i in range(len(times[at : at + size])) for name in part if part[name][i] is not None]
        yield _sending(a, message, [(asset, name, times[at + i]) for i, name in cells])


def _sending(a: int, message: Message, points: list[tuple[str, str, int]]) -> Sending:
    """Every tenth asset's gateway always takes a wrong partition."""
    key = key_of(assets()[a])
    home = partition_of(key, PARTITIONS)
    partition = (home + 1 + a % 3) % PARTITIONS if a % 10 == 3 else home
    value, headers = message
    return Sending(partition, home, key, value, headers, CODECS[a // 4 % len(CODECS)], len(points), points)
