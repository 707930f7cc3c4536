"""Shifts and days in gates: `shift` and `weekday` stand for what the calendar says of a reading's time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from streams.modes import AsOf

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_S = 86_400
_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def span_s(text: str) -> tuple[int, int]:
    """Begin and end of "HH:MM-HH:MM", in local seconds of the day. Raises ValueError.

    >>> span_s("22:00-06:00")
    (79200, 21600)
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f'expected a span of local time such as "06:00-14:00", got {text!r}')
    begin_h, begin_m, end_h, end_m = map(int, match.groups())
    begin, end = begin_h * 3600 + begin_m * 60, end_h * 3600 + end_m * 60
    if begin == end or max(begin, end) > _DAY_S:
        raise ValueError(f'expected two different times of day such as "06:00-14:00", got {text!r}')
    return begin % _DAY_S, end % _DAY_S


class Shifts:
    """The shifts of one site; where spans overlap, the first one named counts."""

    def __init__(self, spans: Mapping[str, str]) -> None:
        self._spans = [(name, *span_s(text)) for name, text in spans.items()]

    def reserved(self, names: Iterable[str]) -> frozenset[str]:
        """Which of the names that gates read are the calendar's, and no series."""
        return frozenset(names) & ({"weekday", "shift"} if self._spans else {"weekday"})

    def at(self, week_s: int) -> tuple[str | None, int]:
        """The shift at a local second of the week, None outside all, and for how many seconds it has gone on.

        >>> Shifts({"day": "06:00-14:00", "night": "22:00-06:00"}).at(3600)
        ('night', 10800)
        """
        second = week_s % _DAY_S
        for name, begin, end in self._spans:
            since = (second - begin) % _DAY_S
            if since < ((end - begin) % _DAY_S or _DAY_S):
                return name, since
        ends = [(second - end) % _DAY_S for _, _, end in self._spans]
        return None, min(ends, default=second)

    def fill(self, now: AsOf, names: Iterable[str], week_s: int, time: int) -> AsOf:
        """Set what the calendar says, of the names that are its own; `time` in ns."""
        for name in names:
            value: str | None
            value, since = (_DAYS[week_s // _DAY_S], week_s % _DAY_S) if name == "weekday" else self.at(week_s)
            now[name] = value
            now.changed[name] = time - since * 1_000_000_000
        return now
