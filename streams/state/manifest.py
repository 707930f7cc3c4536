"""Manifests: what makes a generation of chunks on `state.v1` a valid snapshot."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.control import sign
from schemas.errors import Reject

SIGNATURE = "millstream-signature"
MANIFEST, CHUNK, FAULT = "manifest", "chunk", "fault"


class Piece(BaseModel):
    """One chunk: where it stands on the state partition, its size, its SHA-256."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    offset: int
    size: int
    sha256: str


class Manifest(BaseModel):
    """A snapshot of one partition's engine. Valid where it is signed and all its chunks are there, unchanged."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = Field(description="Layout of the packed state.")
    topic: str = Field(description="The engine's input topic, in full.")
    partition: int
    partitions: int = Field(description="How many partitions that topic had: a state holds the series of its own.")
    generation: str
    next_offset: int = Field(description="S: the next record to feed; results of all before it are delivered.")
    events_end: int = Field(description="End of the anomaly partition when it was taken: newer events are read back.")
    made: int = Field(description="The worker's clock, ns.")
    config: str
    site_version: int
    series: int
    episodes: int = Field(description="Open episodes.")
    pieces: Sequence[Piece]

    @property
    def size(self) -> int:
        """Bytes of all chunks."""
        return sum(piece.size for piece in self.pieces)

    def keys(self) -> list[bytes]:
        """Keys of the manifest and of all its chunks: what is tombstoned when a newer one is valid."""
        chunks = [key_of(self.topic, self.partition, self.generation, CHUNK, n) for n in range(len(self.pieces))]
        return [key_of(self.topic, self.partition, self.generation, MANIFEST), *chunks]


def key_of(topic: str, partition: int, generation: str, what: str, number: int | None = None) -> bytes:
    """Key of a record of `state.v1`.

    >>> key_of("m.reading.v1", 3, "g", "chunk", 7)
    b'm.reading.v1/3/g/chunk/0007'
    """
    tail = "" if number is None else f"/{number:04d}"
    return f"{topic}/{partition}/{generation}/{what}{tail}".encode()


def parts_of(key: bytes | None) -> tuple[str, int, str, str] | None:
    """Topic, partition, generation and kind of a key; None for one that is not ours.

    >>> parts_of(b"m.reading.v1/3/g/chunk/0007")
    ('m.reading.v1', 3, 'g', 'chunk')
    """
    parts = (key or b"").decode(errors="replace").split("/")
    if len(parts) not in (4, 5) or not parts[1].isdigit():
        return None
    return parts[0], int(parts[1]), parts[2], parts[3]


def to_record(manifest: Manifest, key: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Value and headers of a manifest's record, signed with the workers' key."""
    value = manifest.model_dump_json().encode()
    return value, [(SIGNATURE, sign(key, b"state", value))]


def from_record(value: bytes, headers: Sequence[tuple[str, bytes]], key: bytes) -> Manifest:
    """Verify and read a manifest. Raises Reject("forged_state") or Reject("bad_state")."""
    given = dict(headers).get(SIGNATURE) or b""
    if not hmac.compare_digest(given, sign(key, b"state", value)):
        raise Reject("forged_state", SIGNATURE, "a manifest on the state topic is not signed with this site's key")
    try:
        return Manifest.model_validate_json(value)
    except ValidationError as error:
        raise Reject("bad_state", "manifest", str(error).splitlines()[0]) from error


def digest(chunk: bytes) -> str:
    """SHA-256 of a chunk, in hexadecimal."""
    return hashlib.sha256(chunk).hexdigest()
