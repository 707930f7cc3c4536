"""Records of `kpi.v1` as the second engine takes them: rows of key figures, and control records of workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from schemas.chunk import Record
from schemas.codecs import HEADER
from schemas.control import CONTENT_TYPE, Control, decode
from schemas.errors import Reject
from schemas.kpi import KpiRow
from streams.rollup.adding import adds


class Entry(NamedTuple):
    """One record: a row that adds, a control record, or neither, which advances the clock alone."""

    offset: int
    received: int  # ns, by the broker's clock
    row: KpiRow | None = None
    control: Control | None = None
    wrong: str = ""  # why it cannot be used


def entries(records: Sequence[Record], partition: int, key: bytes) -> list[Entry]:
    """What records say, one for one; never raises for what is in them.

    >>> entries([Record(7, 1_000, None, b"[]")], 0, b"k")
    [Entry(offset=7, received=1000, row=None, control=None, wrong='expected a KPI row as a JSON object')]
    """
    return [_entry(record, partition, key) for record in records]


def _entry(record: Record, partition: int, key: bytes) -> Entry:
    blank = Entry(record.offset, record.timestamp)
    headers = dict(record.headers)
    if headers.get(HEADER) == CONTENT_TYPE:
        try:
            return blank._replace(control=decode(record.value or b"", headers, key, partition))
        except Reject as error:
            return blank._replace(wrong=str(error))
    try:
        found = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError as error:
        return blank._replace(wrong=f"expected a KPI row as JSON: {error}")
    if not isinstance(found, dict):
        return blank._replace(wrong="expected a KPI row as a JSON object")
    if adds(str(found.get("kpi"))) is None:
        return blank
    try:
        return blank._replace(row=KpiRow.model_validate(found))
    except ValidationError as error:
        return blank._replace(wrong="; ".join(line.strip() for line in str(error).splitlines()[1:3]))
