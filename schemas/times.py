"""Event times: RFC 3339 text or integer nanoseconds to int64 nanoseconds since the epoch, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

EXPECTED = "expected RFC 3339 (2026-01-05T08:00:00.123Z) or integer nanoseconds since the epoch, 1970 to 2261"

LEAST_NS = 10**16
"""Smallest positive integer taken as nanoseconds (April 1970): today's seconds, milli- and microseconds are less."""

_END_NS = int(np.datetime64("2262-01-01", "ns").astype(np.int64))
_MONTHS = np.arange("1970-01", "2262-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int64)
_SECOND = 10**9
_FRACTIONS: tuple[tuple[Literal["s", "ms", "us", "ns"], int], ...] = (
    ("s", _SECOND),
    ("ms", 10**6),
    ("us", 10**3),
    ("ns", 1),
)
_LONGEST = len("2026-01-05T08:00:00.123456789+08:00")

Times = tuple[NDArray[np.int64], NDArray[np.bool_]]


def parse_times(values: Sequence[Any]) -> Times:
    """Nanoseconds since the epoch of n `values`, and which of them are bad; both (n,), 0 where bad.

    Text is RFC 3339 (section 5.6): `T`, `t` or a space between date and time, at most nine digits of fraction,
    `Z`, `z` or an offset +hh:mm. A leap second (:60) is bad: it has no place on the epoch's scale. Integers are
    nanoseconds; 0 < value < 10**16 is bad, for it is seconds, milliseconds or microseconds. Times are of the
    years 1970 to 2261, as written and in UTC. Any other type, bool and float too, is bad. Raises nothing.

    >>> parse_times(["1970-01-01T08:00:01.5+08:00", 1767600000000000000, 1767600000, "noon"])
    (array([         1500000000, 1767600000000000000,                   0,
                             0]), array([False, False,  True,  True]))
    """
    kinds = set(map(type, values))
    if kinds == {str}:
        return _parse_texts(values)
    if kinds == {int}:
        return _parse_integers(values)
    ns = np.zeros(len(values), dtype=np.int64)
    bad = np.ones(len(values), dtype=np.bool_)
    parsers = ((str, _parse_texts), (int, _parse_integers))
    for kind, parse in parsers:
        rows = [i for i, value in enumerate(values) if type(value) is kind]
        if rows:
            ns[rows], bad[rows] = parse([values[i] for i in rows])
    return ns, bad


def explain(value: object) -> str:
    """One line that says why `value` is no time and what would be right.

    >>> explain(1767600000)
    'expected integer nanoseconds since the epoch, got 1767600000: seconds? multiply by 10**9'
    """
    if type(value) is int and 0 < value < LEAST_NS:
        names = ((10**11, "seconds", 9), (10**14, "milliseconds", 6), (LEAST_NS, "microseconds", 3))
        unit, power = next((unit, power) for end, unit, power in names if value < end)
        return f"expected integer nanoseconds since the epoch, got {value}: {unit}? multiply by 10**{power}"
    shown = repr(value) if isinstance(value, str | float | bool | None) else type(value).__name__
    if type(value) is int:
        shown = str(value) if abs(value) < 2**70 else "a larger integer"
    return f"{EXPECTED}, got {shown[:60]}"


def usable(ns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which integers may be event times in nanoseconds: (n,) bool; see `parse_times`."""
    good: NDArray[np.bool_] = (ns == 0) | ((ns >= LEAST_NS) & (ns < _END_NS))
    return good


def _parse_integers(values: Sequence[int]) -> Times:
    try:
        ns = np.array(values, dtype=np.int64)
    except OverflowError:
        ns = np.array([value if 0 <= value < _END_NS else -1 for value in values], dtype=np.int64)
    bad = ~usable(ns)
    ns[bad] = 0
    return ns, bad


def _parse_texts(values: Sequence[str]) -> Times:
    joined = "".join(values)
    lengths = set(map(len, values))
    if len(lengths) == 1 and joined.isascii() and 20 <= (width := lengths.pop()) <= _LONGEST:
        return _parse_block(np.frombuffer(joined.encode(), dtype=np.uint8).reshape(-1, width))
    ns = np.zeros(len(values), dtype=np.int64)
    bad = np.ones(len(values), dtype=np.bool_)
    rows_of: dict[int, list[int]] = {}
    for i, value in enumerate(values):
        if 20 <= len(value) <= _LONGEST and value.isascii():
            rows_of.setdefault(len(value), []).append(i)
    for width, rows in rows_of.items():
        block = "".join([values[i] for i in rows]).encode()
        ns[rows], bad[rows] = _parse_block(np.frombuffer(block, dtype=np.uint8).reshape(-1, width))
    return ns, bad


def _parse_block(chars: NDArray[np.uint8]) -> Times:
    """Parse (n, w) characters, each row one time of the same width, in UTC or with an offset."""
    zulu = (chars[:, -1] | 0x20) == ord("z")
    if zulu.all():
        return _parse_zone(chars, 1)
    ns = np.zeros(len(chars), dtype=np.int64)
    bad = np.ones(len(chars), dtype=np.bool_)
    for rows, zone in ((np.flatnonzero(zulu), 1), (np.flatnonzero(~zulu), 6)):
        if rows.size:
            ns[rows], bad[rows] = _parse_zone(chars[rows], zone)
    return ns, bad


def _parse_zone(chars: NDArray[np.uint8], zone: int) -> Times:
    """Parse (n, w) characters whose last `zone` ones are `Z` (1) or an offset (6)."""
    n, width = chars.shape
    places = width - 20 - zone  # digits of the fraction
    if width != 19 + zone and not 1 <= places <= 9:
        return np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.bool_)
    column = np.ascontiguousarray(chars.T)
    digit = column - np.uint8(ord("0"))  # wraps, so what is below "0" comes out above 9
    digits = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, *range(20, 20 + places)]
    good = (column[[4, 7]] == ord("-")).all(axis=0) & (column[[13, 16]] == ord(":")).all(axis=0)
    good &= ((column[10] | 0x20) == ord("t")) | (column[10] == ord(" "))
    if places > 0:
        good &= column[19] == ord(".")
    offset: NDArray[np.int32] | int = 0
    if zone == 6:
        digits += [width - 5, width - 4, width - 2, width - 1]
        offset = _offset(column, digit, good)
    good &= (digit[digits] <= 9).all(axis=0)
    # Two digits fit uint8; garbage may wrap, but `good` is False there.
    century, year, month, day, hour, minute, second = (
        digit[[0, 2, 5, 8, 11, 14, 17]] * np.uint8(10) + digit[[1, 3, 6, 9, 12, 15, 18]]
    )
    good &= (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    months = ((century * np.int32(100) + year) - 1970) * 12 + month - 1
    good &= (months >= 0) & (months < len(_MONTHS) - 1)
    months = np.where(good, months, 0)
    first = _MONTHS[months]
    good &= (day >= 1) & (day <= _MONTHS[months + 1] - first)
    of_day = hour * np.int32(3600) + minute * np.int32(60) + second - offset
    seconds = (first + day - 1) * 86400 + of_day
    good &= (seconds >= 0) & (seconds < _END_NS // _SECOND)
    fraction = np.zeros(n, dtype=np.int32)
    for place in range(20, 20 + places):
        fraction = fraction * np.int32(10) + digit[place]
    ns = seconds * _SECOND + fraction * np.int64(10 ** (9 - max(places, 0)))
    return (ns, ~good) if good.all() else (np.where(good, ns, 0), ~good)


def _offset(column: NDArray[np.uint8], digit: NDArray[np.uint8], good: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Seconds east of UTC of (w, n) characters that end in +hh:mm; clears `good` where that is malformed."""
    minus = column[-6] == ord("-")
    hours, minutes = digit[[-5, -2]] * np.uint8(10) + digit[[-4, -1]]
    good &= (minus | (column[-6] == ord("+"))) & (column[-3] == ord(":")) & (hours < 24) & (minutes < 60)
    east: NDArray[np.int32] = np.where(minus, np.int32(-60), np.int32(60)) * (hours * np.int32(60) + minutes)
    return east


def format_time(ns: int) -> str:
    """RFC 3339 text in UTC of a time in nanoseconds, with 0, 3, 6 or 9 digits of fraction as needed.

    >>> format_time(1767600000_123_000_000)
    '2026-01-05T08:00:00.123Z'
    """
    return format_times(np.array([ns], dtype=np.int64))[0]


def format_times(ns: NDArray[np.int64]) -> list[str]:
    """`format_time` of each of (n,) times."""
    out = np.empty(len(ns), dtype=object)
    left = np.ones(len(ns), dtype=np.bool_)
    for unit, step in _FRACTIONS:
        rows = np.flatnonzero(left & (ns % step == 0))
        if rows.size:
            times: NDArray[np.datetime64] = ns[rows].view("datetime64[ns]")
            out[rows] = np.datetime_as_string(times, unit=unit, timezone="UTC", casting="unsafe")
            left[rows] = False
    texts: list[str] = [str(text) for text in out]
    return texts
