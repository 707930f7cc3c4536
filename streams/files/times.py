"""Columns of times as text to integer nanoseconds, a whole column at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.files.layouts import Layout, Order, Span, layout_of, signature_of
from streams.files.zones import to_utc

LONGEST = 48
"""No time is written in more characters; longer cells are not looked at."""

_BLANK = " \t\r\n\v\f\0\xa0\ufeff"
"""Numpy drops NULs at the end of a text: two cells that differ by them alone must be one shape."""

_SHAPES = 256
_DAY_S = 86_400
_LIMIT_S = 9_223_372_036
_UNITS = ((11, 1_000_000_000), (14, 1_000_000), (17, 1_000), (19, 1))


@dataclass(frozen=True)
class TimeRule:
    """How a column's times are read: `order` of day and month, strptime `format`, `zone` of times without one."""

    zone: str = "UTC"
    order: Order = "dmy"
    format: str | None = None


class Times(NamedTuple):
    """n times: `ns` (n,) since the epoch, 0 where `ok` (n,) is False."""

    ns: NDArray[np.int64]
    ok: NDArray[np.bool_]


def parse(cells: Sequence[str], rule: TimeRule) -> Times:
    """Read a column of times: ISO 8601 and its usual variants, day or month first, counts since the epoch.

    >>> parse(["2026-01-05T08:00:00.5Z", "05/01/2026 16:00", "1767600000", "noon"], TimeRule()).ok.tolist()
    [True, True, True, False]
    """
    n = len(cells)
    ns, ok, local = np.zeros(n, np.int64), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    if not n:
        return Times(ns, ok)
    trimmed = [cell.strip(_BLANK) for cell in cells]
    if max(map(len, trimmed), default=0) > LONGEST:
        trimmed = [cell if len(cell) <= LONGEST else "" for cell in trimmed]
    # a trailing space keeps the width above zero when every cell is empty
    text = np.array([*trimmed, " "], dtype=np.str_)[:n]
    codes = text.view(np.uint32).reshape(n, -1)
    shape = np.where((codes >= 48) & (codes <= 57), np.uint32(48), codes)
    left = np.arange(n)
    for _ in range(_SHAPES):
        if not len(left):
            break
        signature = signature_of(trimmed[left[0]])
        same = (shape[left] == shape[left[0]]).all(axis=1)
        rows, left = left[same], left[~same]
        for layout in _candidates(signature, rule.format):
            time, good = _read(codes[rows], layout, rule.order)
            ns[rows], ok[rows], local[rows] = time, good, good & (layout.zone_sign == 0) & (layout.number is None)
            rows = rows[~good]
    if rule.format is not None:
        for row in np.flatnonzero(~ok).tolist():
            _strptime(trimmed[row], rule.format, row, ns, ok, local)
    if local.any() and rule.zone != "UTC":
        ns[local] = to_utc(ns[local], rule.zone)
    ns[~ok] = 0
    return Times(ns, ok)


def _candidates(signature: str, time_format: str | None) -> list[Layout]:
    first = layout_of(signature, time_format)
    found = [first] if first else []
    if time_format is None and signature == "0" * 12:
        # 200001011230 is a date, 946684800000 is milliseconds: read as a date first, the rest as a count
        found.append(_count(12))
    return found


def _count(width: int) -> Layout:
    count = layout_of("0" * 11)
    assert count is not None
    return count._replace(number=(0, width))


def _digits(codes: NDArray[np.uint32], span: Span | None, default: int = 0) -> NDArray[np.int64]:
    if span is None:
        return np.full(len(codes), default, np.int64)
    out = np.zeros(len(codes), np.int64)
    for column in range(*span):
        out = out * 10 + (codes[:, column].astype(np.int64) - 48)
    return out


def _fraction(codes: NDArray[np.uint32], span: Span | None, unit_ns: int) -> NDArray[np.int64]:
    """Digits behind the point, in ns, of a unit of `unit_ns`; what is below a nanosecond is cut off."""
    if span is None or span[0] == span[1]:
        return np.zeros(len(codes), np.int64)
    end = min(span[1], span[0] + 9)
    scaled: NDArray[np.int64] = _digits(codes, (span[0], end)) * unit_ns // 10 ** (end - span[0])
    return scaled


def _read(codes: NDArray[np.uint32], at: Layout, order: Order) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    if at.number is not None:
        return _read_count(codes, at, at.number)
    year = _digits(codes, at.year)
    if at.year is not None and at.year[1] - at.year[0] == 2:
        year = np.where(year < 69, year + 2000, year + 1900)
    day, month = _digits(codes, at.day), _digits(codes, at.month)
    if at.ambiguous and order == "mdy":
        day, month = month, day
    hour, minute, second = _digits(codes, at.hour), _digits(codes, at.minute), _digits(codes, at.second)
    midnight = (hour == 24) & (minute == 0) & (second == 0)
    good = (month >= 1) & (month <= 12) & (day >= 1) & (day <= _days_in(year, month)) & (minute < 60) & (second <= 60)
    if at.noon:
        good &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + 12 * (at.noon - 1)
    else:
        good &= (hour < 24) | midnight
    zone_hour, zone_minute = _digits(codes, at.zone_hour), _digits(codes, at.zone_minute)
    good &= (zone_hour < 24) & (zone_minute < 60)
    seconds = _days(year, month, day) * _DAY_S + hour * 3600 + minute * 60 + second
    seconds -= at.zone_sign * (zone_hour * 3600 + zone_minute * 60)
    good &= np.abs(seconds) < _LIMIT_S - _DAY_S
    return np.where(good, seconds, 0) * 1_000_000_000 + _fraction(codes, at.fraction, 1_000_000_000), good


def _read_count(codes: NDArray[np.uint32], at: Layout, span: Span) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    width = span[1] - span[0]
    unit = next(unit for most, unit in _UNITS if width <= most)
    count = _digits(codes, span)  # 19 digits may overflow int64, and then come out negative
    good = (count >= 100_000_000) & (count < (2**63 - 1) // unit - 1)
    return np.where(good, count, 0) * unit + _fraction(codes, at.fraction, unit), good


def _days(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Days since 1970-01-01 of dates of the Gregorian calendar, counted from 1 March of year 0."""
    y = year - (month <= 2)
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days: NDArray[np.int64] = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    return days


_LENGTHS = np.array([31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)


def _days_in(year: NDArray[np.int64], month: NDArray[np.int64]) -> NDArray[np.int64]:
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    length: NDArray[np.int64] = _LENGTHS[np.clip(month, 0, 12)] + (leap & (month == 2))
    return length


_EPOCH = datetime(1970, 1, 1)


def _strptime(
    text: str,
    time_format: str,
    row: int,
    ns: NDArray[np.int64],
    ok: NDArray[np.bool_],
    local: NDArray[np.bool_],
) -> None:
    """The slow way, for formats with month names and the like, and for cells of an odd width."""
    if not text:
        return
    try:
        parsed = datetime.strptime(text, time_format)
    except (ValueError, OverflowError, IndexError):
        return
    offset = parsed.utcoffset()
    span = parsed.replace(tzinfo=None) - _EPOCH
    seconds = span.days * _DAY_S + span.seconds - (int(offset.total_seconds()) if offset is not None else 0)
    if abs(seconds) < _LIMIT_S - _DAY_S:
        ns[row], ok[row] = seconds * 1_000_000_000 + span.microseconds * 1000, True
        local[row] = offset is None
