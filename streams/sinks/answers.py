"""What InfluxDB's answers mean: texts, numbers and waits taken out of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

_PARTIAL = re.compile(r"dropped[= ](\d+)")
_UNPARSED = "unable to parse '"


def message_of(body: bytes) -> str:
    """The text of an error's body: its `message`, else what there is of it, on one line.

    >>> message_of(b'{"code": "invalid", "message": "no"}'), message_of(b"<html>")
    ('no', '<html>')
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if isinstance(found, dict) and (text := found.get("message") or found.get("error")):
        return str(text)
    return " ".join(body[:200].decode(errors="replace").split())


def dropped_in(message: str, sent: int) -> int:
    """How many of `sent` points a 422 says were dropped; all of them where it does not say.

    >>> dropped_in("partial write: field type conflict: ... dropped=2", 10), dropped_in("?", 10)
    (2, 10)
    """
    found = _PARTIAL.search(message)
    return min(int(found[1]), sent) if found else sent


def malformed_in(message: str, lines: Sequence[bytes]) -> set[bytes]:
    """Those of `lines` that a 400 names; empty where it names none of them.

    >>> malformed_in("unable to parse 'm v=x 1': invalid boolean", [b"m v=1 1", b"m v=x 1"])
    {b'm v=x 1'}
    """
    named = {part.rsplit("': ", 1)[0] for part in ("\n" + message).split("\n" + _UNPARSED)[1:]}
    return {text.encode() for text in named}.intersection(lines)


def seconds_in(retry_after: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3: a number or a date); None where it is no use.

    >>> seconds_in("7"), seconds_in(None), seconds_in("soon")
    (7.0, None, None)
    """
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
