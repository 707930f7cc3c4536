"""Where a message belongs: asset paths, message keys and Kafka's default partitioning (murmur2)."""

from __future__ import annotations

from typing import Literal

Level = Literal["site", "area", "line", "machine"]

MISSING = "-"
"""Stands for a level that an asset's path does not have."""

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """32-bit MurmurHash2 of `data` with Kafka's seed, as an unsigned integer (Java client, `Utils.murmur2`).

    librdkafka gives the same only with `partitioner=murmur2_random`.

    >>> murmur2(b"foobar") == -790332482 % 2**32
    True
    """
    length = len(data)
    h = 0x9747B28C ^ length
    whole = length & ~3
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * _M & _MASK
        h = (h * _M & _MASK) ^ ((k ^ k >> 24) * _M & _MASK)
    if whole < length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(key: bytes, n: int) -> int:
    """Partition 0..n-1 of a message key in a topic of `n` partitions, as Kafka's Java client chooses it.

    >>> partition_of(b"penang/smt/line1", 12)
    2
    """
    return (murmur2(key) & 0x7FFFFFFF) % n


def level_names(asset: str) -> tuple[str, str, str, str]:
    """Site, area, line and machine of an asset's path, `-` where a level is missing.

    The machine is the last level, the site the first, the line the one before the machine, the area the second
    of four. Deeper levels belong to the machine's name.

    >>> level_names("penang/smt/line1/oven3")
    ('penang', 'smt', 'line1', 'oven3')
    >>> level_names("penang/line1/oven3"), level_names("penang/oven3"), level_names("oven3")
    (('penang', '-', 'line1', 'oven3'), ('penang', '-', '-', 'oven3'), ('-', '-', '-', 'oven3'))
    >>> level_names("penang/smt/line1/oven3/zone2")[3]
    'oven3/zone2'
    """
    parts = asset.split("/", 3)
    machine = parts[-1]
    site = parts[0] if len(parts) > 1 else MISSING
    line = parts[-2] if len(parts) > 2 else MISSING
    area = parts[1] if len(parts) > 3 else MISSING
    return site, area, line, machine


def with_missing(path: str, level: Level) -> str:
    """The path of a line, area or site, with `-` for each level below it: so it is never taken for a machine's.

    >>> with_missing("penang", "site"), with_missing("penang/smt/line1/oven3", "machine")
    ('penang/-/-/-', 'penang/smt/line1/oven3')
    """
    below = {"machine": 0, "line": 1, "area": 2, "site": 3}[level]
    return path + f"/{MISSING}" * below


def key_of(asset: str, level: Level = "line") -> bytes:
    """Message key of an asset: its path up to and with `level`, the whole path where that level is missing.

    >>> key_of("penang/smt/line1/oven3"), key_of("penang/smt/line1/oven3", "site")
    (b'penang/smt/line1', b'penang')
    >>> key_of("penang/oven3")
    b'penang/oven3'
    """
    parts = asset.split("/", 3)
    depth = len(parts)
    keep = {
        "site": 1 if depth > 1 else depth,
        "area": 2 if depth > 3 else depth,
        "line": depth - 1 if depth > 2 else depth,
        "machine": depth,
    }[level]
    return "/".join(parts[:keep]).encode()
