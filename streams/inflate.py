"""Inflating one compressed batch within a bound, for the four codecs of Kafka."""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import cramjam
import numpy as np
from aiokafka import codec

MAX_BATCH_BYTES = 32 * 1024 * 1024
"""Of one batch, inflated: four of the largest messages."""
HEAD_BYTES = 1024
_GZIP = 16 + zlib.MAX_WBITS
_XERIAL_HEADER, _XERIAL_MARK = 16, b"\x82SNAPPY\x00"
_SPACE = threading.local()


class BadBatch(Exception):
    """A compressed batch that cannot be inflated, or not within the bound; `head` holds its first bytes."""

    def __init__(self, reason: str, payload: bytes, why: str) -> None:
        self.reason, self.head = reason, bytes(payload[:HEAD_BYTES])
        super().__init__(f"{len(payload)} bytes, {why}")


def _too_large(payload: bytes) -> BadBatch:
    why = f"which inflate to more than {MAX_BATCH_BYTES}: expected at most that; send smaller batches"
    return BadBatch("too_large", payload, why)


def _malformed(payload: bytes, kind: str, error: object) -> BadBatch:
    return BadBatch("malformed", payload, f"which are not {kind}: {error}")


def gzip(payload: Any) -> bytes:
    """Inflate gzip, of one or more members. Raises BadBatch."""
    payload = bytes(payload)
    parts, room, rest = [], MAX_BATCH_BYTES + 1, payload
    while rest:
        member = zlib.decompressobj(_GZIP)
        try:
            parts.append(member.decompress(rest, room))
        except zlib.error as error:
            raise _malformed(payload, "gzip", error) from None
        room -= len(parts[-1])
        if room <= 0:
            raise _too_large(payload)
        if not member.eof:
            raise _malformed(payload, "gzip", "the end is missing")
        rest = member.unused_data.lstrip(b"\0")  # padding between members is allowed
    return b"".join(parts)


def snappy(payload: Any) -> bytes:
    """Inflate snappy, raw or in xerial's blocks. Raises BadBatch.

    Every block says how large it will be, and is believed by the library: so the claims are added up first.
    """
    payload = bytes(payload)
    try:
        if sum(map(cramjam.snappy.decompress_raw_len, _snappy_blocks(payload))) > MAX_BATCH_BYTES:
            raise _too_large(payload)
        inflated: bytes = codec.snappy_decode(payload)
        return inflated
    except (cramjam.DecompressionError, struct.error, ValueError) as error:
        raise _malformed(payload, "snappy", error) from None


def _snappy_blocks(payload: bytes) -> list[bytes]:
    if len(payload) <= _XERIAL_HEADER or not payload.startswith(_XERIAL_MARK):
        return [payload]
    blocks, at = [], _XERIAL_HEADER
    while at < len(payload):
        (size,) = struct.unpack_from("!i", payload, at)
        if not 0 < size <= len(payload) - at - 4:
            raise ValueError(f"a block of {size} bytes at byte {at} of {len(payload)}")
        blocks.append(payload[at + 4 : at + 4 + size])
        at += 4 + size
    return blocks


def _bounded(kind: str, library: Any) -> Callable[[Any], bytes]:
    def inflate(payload: Any) -> bytes:
        payload = bytes(payload)
        space = _space()
        try:
            size = library.decompress_into(payload, space)
        except cramjam.DecompressionError as error:
            # the library's words for a space that is too small
            if "whole buffer" in str(error):
                raise _too_large(payload) from None
            raise _malformed(payload, kind, error) from None
        return bytes(space[:size])

    inflate.__doc__ = f"Inflate {kind}. Raises BadBatch."
    return inflate


def _space() -> memoryview:
    """Memory of this thread to inflate into: a page of it is real only once it was written to."""
    space: memoryview | None = getattr(_SPACE, "view", None)
    if space is None:
        space = _SPACE.view = np.empty(MAX_BATCH_BYTES, dtype=np.uint8).data
    return space


lz4 = _bounded("lz4", cramjam.lz4)
zstd = _bounded("zstd", cramjam.zstd)
INFLATE: Mapping[str, Callable[[Any], bytes]] = {
    "gzip_decode": gzip, "snappy_decode": snappy, "lz4_decode": lz4, "zstd_decode": zstd,
}  # fmt: skip
"""aiokafka's name of a decoder -> ours."""
