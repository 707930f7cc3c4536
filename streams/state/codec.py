"""State as bytes and back: nested plain data and numpy arrays, compressed, cut into chunks; never pickle."""

from __future__ import annotations

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
_PIECE = 8_000_000


class Damaged(ValueError):
    """Bytes that are no packed state."""


def pack(state: Mapping[str, Any]) -> Iterator[bytes]:
    """Chunks of at most `CHUNK_BYTES` that hold a state: a mapping of plain data, tuples and numpy arrays.

    Section by section (the mapping's items), so that no second copy of the whole is made.

    >>> state = {"rows": 2, "x": np.array([1.0, np.nan]), "text": np.array([None, "a"], dtype=object)}
    >>> back = unpack(pack(state))
    >>> back["rows"], back["x"].tolist()[0], back["text"].tolist()
    (2, 1.0, [None, 'a'])
    """
    squeeze = cramjam.zstd.Compressor(_LEVEL)
    ready = bytearray()
    for name, value in state.items():
        section = _ENCODER.encode((name, value))
        squeeze.compress(len(section).to_bytes(8, "big"))
        for at in range(0, len(section), _PIECE):
            squeeze.compress(section[at : at + _PIECE])
            ready += bytes(squeeze.flush())
        while len(ready) >= CHUNK_BYTES:
            yield bytes(ready[:CHUNK_BYTES])
            del ready[:CHUNK_BYTES]
    ready += bytes(squeeze.finish())
    for at in range(0, len(ready), CHUNK_BYTES):
        yield bytes(ready[at : at + CHUNK_BYTES])


def unpack(chunks: Iterable[bytes]) -> dict[str, Any]:
    """The state that `pack` was given, tuples as lists. Raises Damaged for anything else.

    >>> unpack([b"no state"])
    Traceback (most recent call last):
        ...
    streams.state.codec.Damaged: not a packed state: it cannot be decompressed
    """
    try:
        whole = memoryview(bytes(cramjam.zstd.decompress(b"".join(chunks))))
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
    kind, shape, body = _DECODER.decode(data)
    if kind == "O":
        out = np.empty(len(body), dtype=object)
        out[:] = body
        return out.reshape(shape)
    return np.frombuffer(body, dtype=np.dtype(kind)).reshape(shape).copy()


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_encode)
_DECODER: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(ext_hook=_decode, strict=False)
