"""Messages of a partition to a chunk: the one way in for every content type; nothing in a message makes it raise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from schemas.cells import KeyTable, merge, number_keys
from schemas.chunk import CONTROL, Chunk, Origin, Record
from schemas.codec_arrow import read_arrow
from schemas.codecs import ARROW, HEADER, JSON, MAX_MESSAGE_BYTES, MSGPACK, loads_all_json, loads_msgpack, media_type
from schemas.control import CONTENT_TYPE, ORIGIN, Control, decode_origin
from schemas.control import decode as decode_control
from schemas.decode_objects import add_objects
from schemas.draft import Draft
from schemas.errors import Reject
from schemas.refused import Refused

_OFFSET, _TIMESTAMP, _VALUE, _HEADERS = (
    itemgetter(Record._fields.index(f)) for f in ("offset", "timestamp", "value", "headers")
)
_JSON_ALONE = ((HEADER, JSON),)


class Decoder:
    """Decodes records of a partition's log. It remembers names it has checked, nothing that could be seen in a chunk.

    `control_key` is the workers' shared key; without one every control record and origin counts as forged.

    >>> value = b'{"asset": "a", "series": "temp", "time": "2026-01-05T08:00:00Z", "value": 21.5}'
    >>> chunk = Decoder().decode([Record(0, 0, None, value), Record(1, 0, None, b"{")], partition=0)
    >>> chunk.value.tolist(), chunk.rejects[0].reason
    ([21.5], 'malformed')
    """

    def __init__(self, control_key: bytes = b"", max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self.control_key = control_key
        self.max_bytes = max_bytes
        self._keys = KeyTable()

    def decode(self, records: Sequence[Record], partition: int) -> Chunk:
        """Decode m records of one partition, in log order. Raises nothing, whatever the bytes.

        What cannot be used is told in `rejects`, a message or its cells at a time.
        """
        self._keys.forget_some()
        draft = Draft(len(records), self._keys)
        origin: dict[int, Origin] = {}
        controls: list[tuple[int, Control]] = []
        by_type: dict[bytes, list[int]] = {JSON: [], MSGPACK: [], ARROW: []}
        values: list[Any] = list(map(_VALUE, records))
        limit = self.max_bytes
        if all(values) and max(map(len, values), default=0) <= limit and not any(map(_HEADERS, records)):
            by_type[JSON] = list(range(len(records)))
        else:
            by_type[JSON] = [
                i
                for i, (_, _, _, value, headers) in enumerate(records)
                if value and len(value) <= limit and (not headers or tuple(headers) == _JSON_ALONE)
            ]
        rest = len(by_type[JSON]) < len(records)
        for i in sorted(set(range(len(records))).difference(by_type[JSON])) if rest else ():
            record = records[i]
            try:
                self._sort(i, record, partition, by_type, origin, controls)
            except Reject as error:
                draft.reject(i, error)
        for i, _ in controls:
            draft.kind[i] = CONTROL
        by_type[JSON].sort()
        messages = [*by_type[JSON], *by_type[MSGPACK], *by_type[ARROW]]
        objects = loads_all_json([values[i] for i in by_type[JSON]] if rest else values)
        objects += [_attempt(loads_msgpack, values[i]) for i in by_type[MSGPACK]]
        objects += [_attempt(read_arrow, values[i]) for i in by_type[ARROW]]
        add_objects(draft, messages, objects)
        return _chunk(draft, records, origin, controls)

    def _sort(
        self,
        i: int,
        record: Record,
        partition: int,
        by_type: dict[bytes, list[int]],
        origin: dict[int, Origin],
        controls: list[tuple[int, Control]],
    ) -> None:
        """Put message i where its headers say. Raises Reject."""
        value = record.value
        if isinstance(value, Refused):
            raise Reject(value.reason, "batch", value.why)
        if not value:
            raise Reject("empty", "value", "expected a reading")
        if len(value) > self.max_bytes:
            raise Reject("too_large", "value", f"expected at most {self.max_bytes} bytes, got {len(value)}")
        headers = dict(record.headers)
        kind = headers.get(HEADER)
        if kind == CONTENT_TYPE:
            controls.append((i, decode_control(value, headers, self.control_key, partition)))
            return
        known = by_type.get(media_type(kind))
        if known is None:
            raise Reject("unknown_content_type", HEADER, f"expected one of {[name.decode() for name in by_type]}")
        if ORIGIN in headers:
            origin[i] = Origin(*decode_origin(headers[ORIGIN] or b"", value, self.control_key))
        known.append(i)


def _attempt(loads: Callable[[bytes], Any], value: bytes) -> Any:
    try:
        return loads(value)
    except Reject as error:
        return error


def _chunk(
    draft: Draft, records: Sequence[Record], origin: dict[int, Origin], controls: Sequence[tuple[int, Control]]
) -> Chunk:
    cells = merge(draft.parts)
    code, keys = number_keys(cells.code, draft.keys.keys_made)
    return Chunk(
        records=records,
        offset=np.fromiter(map(_OFFSET, records), dtype=np.int64, count=len(records)),
        received=np.fromiter(map(_TIMESTAMP, records), dtype=np.int64, count=len(records)),
        kind=draft.kind,
        asset=draft.asset,
        origin=origin,
        message=cells.message,
        code=code,
        keys=keys,
        time=cells.time,
        value=cells.value,
        text=cells.text,
        quality=cells.quality,
        waveforms=sorted(draft.waveforms, key=lambda wave: wave.message),
        controls=controls,
        rejects=sorted(draft.rejects, key=lambda place: place.message),
        notes={"unknown_fields": draft.unknown_fields, "nan_cells": draft.nan_cells},
    )
