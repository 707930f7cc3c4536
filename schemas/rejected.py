"""The record of what could not be used, as it stands on `rejected.v1`."""

from __future__ import annotations

import base64
import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.chunk import Place, Record

MAX_VALUE_BYTES = 64 * 1024
HEAD_BYTES = 1024


class Rejected(BaseModel):
    """One message, or some of its cells, that could not be used, and why."""

    model_config = ConfigDict(extra="allow", frozen=True)

    schema_version: Literal[1] = 1
    reason: str = Field(description="A short stable word, such as malformed or bad_time.")
    place: str = Field(description="Where in the message, and what would be right.")
    cells: int = Field(ge=0, description="How many cells were set aside; 0: the whole message.")
    source: str | None = Field(None, description="Who sent it, where that could be read.")
    topic: str
    partition: int
    offset: int | None = None
    received: int = Field(description="The log's clock (ns since the epoch).")
    size: int | None = Field(None, description="Bytes of the value.")
    value_base64: str | None = Field(None, description="The value, up to 64 KiB.")
    sha256: str | None = Field(None, description="Of a longer value, its hash in hexadecimal,")
    head_base64: str | None = Field(None, description="and its first 1,024 bytes.")

    def to_bytes(self) -> bytes:
        """The record's value: JSON."""
        return self.model_dump_json(exclude_none=True).encode()


def rejected_from(place: Place, record: Record | None, topic: str, partition: int, received: int) -> Rejected:
    """The record of one rejection; without a raw record (offline) it holds no bytes.

    >>> place = Place(0, "malformed", "byte 1", None, 0)
    >>> rejected_from(place, Record(7, 0, None, b"{"), "reading.v1", 3, 0).value_base64
    'ew=='
    """
    value = None if record is None else record.value
    whole = value is not None and len(value) <= MAX_VALUE_BYTES
    return Rejected(
        reason=place.reason,
        place=place.place,
        cells=place.cells,
        source=place.source,
        topic=topic,
        partition=partition,
        offset=None if record is None else record.offset,
        received=received,
        size=None if value is None else len(value),
        value_base64=base64.b64encode(value).decode() if value is not None and whole else None,
        sha256=None if value is None or whole else hashlib.sha256(value).hexdigest(),
        head_base64=None if value is None or whole else base64.b64encode(value[:HEAD_BYTES]).decode(),
    )
