"""What becomes of a record on `command.v1`: control records for the partitions it belongs to, or a refusal. Pure.

Whether a command has any effect is for the engines to decide; here only what is no command at all is turned away.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import Any

import orjson

from schemas.audit import Audit, audit_id_of
from schemas.chunk import Record
from schemas.command import LONGEST_ID, LONGEST_REASON, MAX_BYTES, Command, read_command
from schemas.control import Control
from schemas.errors import Reject
from schemas.partition import Level, key_of, partition_of
from streams.configure import Assembly
from streams.engine import Engine
from streams.resolve import ResolvedSite, from_payload

_HASH = re.compile(r"[0-9a-f]{12}")
_FARTHEST_S = 9_223_372_036
"""Seconds from the epoch that int64 nanoseconds can hold."""
_LONGEST_OFFSET_S = 2 * 86_400


def verify(record: Record, partition: int, partitions: int, level: Level) -> list[Control] | Audit:
    """The control records that carry a command on, each for the partition it names; or the row that refuses it.

    `partition` is the one of command.v1 that the record was found on; `partitions` and `level` say where assets
    belong. A command about one asset goes to that asset's partition; one with a glob, or without an asset, is meant
    for the partition it was written to. A site is checked whole. Raises nothing, whatever the bytes.

    >>> value = b'{"command_id": "1", "kind": "rebaseline", "by": "ann", "target": {"asset": "penang/smt/line1/oven3"}}'
    >>> [control.partition for control in verify(Record(0, 0, None, value), 0, 12, "line")]
    [2]
    >>> verify(Record(0, 0, None, b"{}"), 0, 12, "line").why
    'bad_command at command_id: Field required'
    """
    try:
        command = read_command(record.value)
        if command.kind == "configure":
            assert command.payload.site is not None
            fault = site_fault(command.payload.site)
            if fault:
                raise Reject("bad_site", "payload.site", fault)
    except Reject as error:
        return _refusal(record, partition, str(error))
    return [_control(command, partition, partitions, level)]


def _control(command: Command, partition: int, partitions: int, level: Level) -> Control:
    asset = command.target.exact_asset
    home = partition if asset is None else partition_of(key_of(asset, level), partitions)
    body = command.model_dump(mode="json", exclude_none=True)
    if command.kind != "configure":
        return Control(kind="command", partition=home, payload={"command": body})
    del body["payload"]
    return Control(kind="configure", partition=home, payload={"site": command.payload.site, "command": body})


@lru_cache(maxsize=4)
def site_fault(packed: str) -> str | None:
    """What is wrong with a resolved site as commands carry it; None where an engine can work with it.

    Remembered for the last few: the same site comes once for each partition.
    """
    try:
        payload = Assembly().add(Control(kind="configure", partition=0, payload={"site": packed}))
        site = from_payload(payload)
    except (ValueError, zlib.error, RecursionError) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        return "expected a resolved site as JSON, zlib, base64: " + "; ".join(lines[:3])
    if not _HASH.fullmatch(site.hash):
        return f"hash: expected 12 hexadecimal digits, got {site.hash[:40]!r}"
    fault = _calendar_fault(site)
    if fault:
        return fault
    try:
        Engine(0, 1, site)
    except Exception as error:  # what stops an engine here would stop every worker there
        return f"no engine can start with it: {error!r}"
    return None


def _calendar_fault(site: ResolvedSite) -> str | None:
    starts = [at for at, _ in site.offsets]
    if not starts or starts != sorted(set(starts)) or not -_FARTHEST_S <= starts[0] <= 0 or starts[-1] > _FARTHEST_S:
        return "offsets: expected (UTC second, offset) in ascending order, the first before all readings"
    if any(abs(offset) > _LONGEST_OFFSET_S for _, offset in site.offsets):
        return f"offsets: expected at most {_LONGEST_OFFSET_S} seconds from UTC"
    if any(not 0 <= as_day <= 6 or abs(day) > _FARTHEST_S // 86_400 for day, as_day in site.days.items()):
        return "days: expected days since 1970-01-01 with days of the week, 0 to 6"
    return None


def _refusal(record: Record, partition: int, why: str) -> Audit:
    claims = _claims(record.value)
    command_id = claims.get("command_id")
    if not isinstance(command_id, str) or len(command_id) > LONGEST_ID:
        command_id = None
    return Audit(
        audit_id=audit_id_of(command_id, "command.v1", partition, record.offset),
        command_id=command_id,
        kind=_text(claims.get("kind"), LONGEST_ID),
        by=_text(claims.get("by"), LONGEST_ID),
        reason=_text(claims.get("reason"), LONGEST_REASON),
        outcome="refused",
        why=why,
        log="command.v1",
        partition=partition,
        offset=record.offset,
        received=record.timestamp,
    )


def _claims(value: bytes | None) -> dict[str, Any]:
    """What can be read of a record that is no command, so that its sender finds the answer."""
    try:
        found = orjson.loads(value if value and len(value) <= 2 * MAX_BYTES else b"{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: Any, longest: int) -> str | None:
    return value[:longest] if isinstance(value, str) else None
