"""Shapes of times: where in a text the year, the month ... stand, found once per shape rather than once per row."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

Order = Literal["dmy", "mdy"]

_ZONE = r"(?P<zone> ?(?:Z|z|UTC|GMT|(?P<sign>[+-])(?P<zh>00)(?::?(?P<zm>00))?))?"
_CLOCK = r"(?P<h>00?)(?P<q>[:.])(?P<mi>00)(?:(?P=q)(?P<s>00)(?:[.,](?P<f>0+))?)?(?: ?(?P<p>[AaPp])\.?[Mm]\.?)?"
_YMD = r"(?P<y>0000)(?P<sep>[-/.])(?P<mo>00?)(?P=sep)(?P<d>00?)"
_DMY = r"(?P<a>00?)(?P<sep>[-/.])(?P<b>00?)(?P=sep)(?P<y>0000|00)"
_COMPACT = r"(?P<y>0000)(?P<mo>00)(?P<d>00)(?:[T ]?(?P<h>00)(?P<mi>00)(?:(?P<s>00)(?:[.,](?P<f>0+))?)?)?"

_DATED = re.compile(rf"(?:{_YMD})(?:[T ] ?{_CLOCK}{_ZONE})?")
_DATED_DMY = re.compile(rf"(?:{_DMY})(?:[T ] ?{_CLOCK}{_ZONE})?")
_DATED_COMPACT = re.compile(_COMPACT + _ZONE)
_NUMBER = re.compile(r"(?P<n>0{9,19})(?:\.(?P<f>0*))?")
_TIME_OF_DAY = re.compile(_CLOCK + _ZONE)

_DIRECTIVES = {
    "Y": "(?P<y>0000)",
    "y": "(?P<y>00)",
    "m": "(?P<mo>00?)",
    "d": "(?P<d>00?)",
    "H": "(?P<h>00?)",
    "I": "(?P<h>00?)",
    "M": "(?P<mi>00?)",
    "S": "(?P<s>00?)",
    "f": "(?P<f>0{1,6})",
    "p": "(?P<p>[AaPp])[Mm]",
    "z": r"(?P<zone>Z|(?P<sign>[+-])(?P<zh>00):?(?P<zm>00))",
    "%": "%",
}

Span = tuple[int, int]


class Layout(NamedTuple):
    """Where the parts of a time stand, as (start, end) columns; a missing part is None.

    `order` is None where day and month cannot be confused; else `day` and `month` hold the first and the second
    number, and the caller decides. `number` marks a plain count since the epoch.
    """

    year: Span | None
    month: Span | None
    day: Span | None
    hour: Span | None
    minute: Span | None
    second: Span | None
    fraction: Span | None
    zone_hour: Span | None
    zone_minute: Span | None
    zone_sign: int  # +1, -1, or 0 where the time has no zone of its own
    noon: int  # 0 a 24-hour clock, 1 AM, 2 PM
    ambiguous: bool
    number: Span | None


def signature_of(text: str) -> str:
    """The shape of a text: every digit written 0.

    >>> signature_of("2026-01-05T08:00:00Z")
    '0000-00-00T00:00:00Z'
    """
    return re.sub("[0-9]", "0", text)


def _span(match: re.Match[str], name: str) -> Span | None:
    if name not in match.re.groupindex or match[name] is None:
        return None
    return match.span(name)


def _layout(match: re.Match[str]) -> Layout:
    parts = match.groupdict()
    ambiguous = "a" in parts
    sign = {"+": 1, "-": -1}.get(parts.get("sign") or "", 1)
    return Layout(
        year=_span(match, "y"),
        month=_span(match, "b" if ambiguous else "mo"),
        day=_span(match, "a" if ambiguous else "d"),
        hour=_span(match, "h"),
        minute=_span(match, "mi"),
        second=_span(match, "s"),
        fraction=_span(match, "f"),
        zone_hour=_span(match, "zh"),
        zone_minute=_span(match, "zm"),
        zone_sign=sign if parts.get("zone") else 0,
        noon={"a": 1, "p": 2}.get((parts.get("p") or "").lower(), 0),
        # dates written with dots are day first everywhere
        ambiguous=ambiguous and parts["sep"] != ".",
        number=_span(match, "n"),
    )


@lru_cache(maxsize=4096)
def layout_of(signature: str, time_format: str | None = None) -> Layout | None:
    """The layout of a shape, None when it is no time millstream knows (or not one of `time_format`'s).

    >>> layout_of("0000-00-00 00:00").hour
    (11, 13)
    >>> layout_of("00/00/0000 0:00").ambiguous
    True
    """
    if time_format is not None:
        pattern = _pattern(time_format)
        found = pattern.fullmatch(signature) if pattern else None
        return _layout(found) if found else None
    for known in (_DATED, _DATED_DMY, _DATED_COMPACT, _NUMBER):
        found = known.fullmatch(signature)
        if found:
            return _layout(found)
    return None


@lru_cache(maxsize=64)
def _pattern(time_format: str) -> re.Pattern[str] | None:
    """A strptime format as a pattern over shapes, None when it uses more than digits, AM/PM and an offset."""
    out, rest = "", time_format
    seen: set[str] = set()
    while rest:
        if rest[0] != "%":
            # a literal digit would be written 0 in the shape, and lost
            if rest[0].isdigit():
                return None
            out, rest = out + re.escape(rest[0]), rest[1:]
            continue
        letter = rest[1:2]
        if letter not in _DIRECTIVES or letter in seen:
            return None
        seen.add(letter)
        out, rest = out + _DIRECTIVES[letter], rest[2:]
    if not {"m", "d"} <= seen or not seen & {"Y", "y"} or ("I" in seen) != ("p" in seen) or {"H", "I"} <= seen:
        return None
    return re.compile(out)


def is_time_of_day(text: str) -> bool:
    """Whether a text is a clock time without a date.

    >>> is_time_of_day("18:00:00"), is_time_of_day("18.00.00"), is_time_of_day("3.50")
    (True, True, False)
    """
    found = _TIME_OF_DAY.fullmatch(signature_of(text.strip()))
    return found is not None and (found["q"] == ":" or found["s"] is not None)


def is_slashed(text: str) -> bool:
    """Whether a text is a time whose day and month can be confused.

    >>> is_slashed("01/02/2026"), is_slashed("01.02.2026")
    (True, False)
    """
    layout = layout_of(signature_of(text.strip()))
    return layout is not None and layout.ambiguous


def is_date_only(text: str) -> bool:
    """Whether a text is a date without a clock time.

    >>> is_date_only("10/03/2004"), is_date_only("2004-03-10 18:00")
    (True, False)
    """
    layout = layout_of(signature_of(text.strip()))
    return layout is not None and layout.hour is None and layout.number is None
