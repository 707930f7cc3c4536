"""State as bytes and back: nested plain data and numpy arrays, compressed, cut into chunks; never pickle."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import cramjam
import msgspec
import numpy as np

FORMAT = 1
"""Layout of the packed state; raised when an older version could not read it."""
CHUNK_BYTES = 900_000
"""A record stays below the broker's default of 1 MiB, headers included."""
MAX_BYTES = 4_000_000_000
"""Longest packed state that is read back; a larger one is damaged."""

_LEVEL = 1
_ARRAY = 1
_MAP, _LIST, _BYTES, _EXTENSION = 0xDF, 0xDD, 0xC6, 0xC9
"""First bytes of msgpack's largest map, array, bin and ext, whose sizes follow in four bytes."""
_PIECE = 1_000_000
"""Bytes compressed at a time: what packing takes beside the state itself, so that memory stays bounded."""


class Damaged(ValueError):
    """Bytes that are no packed state."""


def pack(state: Mapping[str, Any]) -> Iterator[bytes]:
    """Chunks of at most `CHUNK_BYTES` that hold a state: a mapping of plain data, tuples and numpy arrays.

    Piece by piece, so that of a state of any size no second copy is made.

    >>> state = {"rows": 2, "x": np.array([1.0, np.nan]), "text": np.array([None, "a"], dtype=object)}
    >>> back = unpack(pack(state))
    >>> back["rows"], back["x"].tolist()[0], back["text"].tolist()
    (2, 1.0, [None, 'a'])
    """
    squeeze = cramjam.zstd.Compressor(_LEVEL)
    ready = bytearray()
    for piece in _pieces(state):
        squeeze.compress(piece)
        ready += bytes(squeeze.flush())
        while len(ready) >= CHUNK_BYTES:
            yield bytes(ready[:CHUNK_BYTES])
            del ready[:CHUNK_BYTES]
    ready += bytes(squeeze.finish())
    for at in range(0, len(ready), CHUNK_BYTES):
        yield bytes(ready[at : at + CHUNK_BYTES])


def _pieces(state: Mapping[str, Any]) -> Iterator[bytes]:
    """The sections, each behind its length, in pieces of about `_PIECE` bytes."""
    piece = bytearray()
    for section in state.items():
        parts = list(_parts(section))
        piece += sum(map(len, parts)).to_bytes(8, "big")
        for part in parts:
            for at in range(0, len(part), _PIECE):
                piece += part[at : at + _PIECE]
                if len(piece) >= _PIECE:
                    yield bytes(piece)
                    piece.clear()
    yield bytes(piece)


def _parts(value: Any) -> Iterator[bytes | memoryview]:
    """What msgspec's encoder makes of a value, in parts: the contents of arrays are looked at and not copied."""
    if type(value) is dict:
        yield _head(_MAP, len(value))
        for name, item in value.items():
            yield _ENCODER.encode(name)
            yield from _parts(item)
    elif isinstance(value, tuple):
        yield _head(_LIST, len(value))
        for item in value:
            yield from _parts(item)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        flat = np.ascontiguousarray(value)
        body = flat.reshape(-1).view(np.uint8).data
        about = (
            _head(_LIST, 3) + _ENCODER.encode(flat.dtype.str) + _ENCODER.encode(flat.shape) + _head(_BYTES, len(body))
        )
        yield struct.pack(">BIb", _EXTENSION, len(about) + len(body), _ARRAY) + about
        yield body
    else:  # of lists there may be one for each series: they are small, and taken whole
        yield _ENCODER.encode(value)


def _head(kind: int, size: int) -> bytes:
    """What msgpack puts before a map, a list or bytes of any size."""
    return struct.pack(">BI", kind, size)


def unpack(chunks: Iterable[bytes]) -> dict[str, Any]:
    """The state that `pack` was given, tuples as lists. Raises Damaged for anything else.

    >>> unpack([b"no state"])
    Traceback (most recent call last):
        ...
    streams.state.codec.Damaged: not a packed state: it cannot be decompressed
    """
    try:
        whole = memoryview(cramjam.zstd.decompress(b"".join(chunks))).cast("B")
    except cramjam.DecompressionError as error:
        raise Damaged("not a packed state: it cannot be decompressed") from error
    state = {}
    at = 0
    while at < len(whole):
        size = int.from_bytes(whole[at : at + 8], "big")
        at += 8
        if at + size > len(whole) or at + size > MAX_BYTES:
            raise Damaged("not a packed state: it ends in the middle of a section")
        try:
            name, value = _DECODER.decode(whole[at : at + size])
        except (msgspec.DecodeError, ValueError, TypeError) as error:
            raise Damaged(f"not a packed state: {error}") from error
        state[name] = value
        at += size
    return state


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return msgspec.msgpack.Ext(_ARRAY, _ENCODER.encode(("O", value.shape, value.reshape(-1).tolist())))
        flat = np.ascontiguousarray(value)
        return msgspec.msgpack.Ext(_ARRAY, _ENCODER.encode((flat.dtype.str, flat.shape, flat.tobytes())))
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"state holds a {type(value).__name__}: only plain data and numpy arrays can be kept")


def _decode(code: int, data: memoryview) -> Any:
    if code != _ARRAY:
        raise ValueError(f"extension {code} is not known")
    kind, shape, body = _CONTENTS.decode(data)
    if isinstance(body, list):
        out = np.empty(len(body), dtype=object)
        out[:] = body
        return out.reshape(shape)
    return np.frombuffer(body, dtype=np.dtype(kind)).reshape(shape).copy()


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_encode)
_DECODER: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(ext_hook=_decode, strict=False)
_CONTENTS = msgspec.msgpack.Decoder(tuple[str, tuple[int, ...], memoryview | list[Any]])
"""Of an array: kind, shape, and where its contents stand, which are copied once."""
