"""Log lines of libraries that repeat themselves: told at once, then once a minute with how many there were."""

from __future__ import annotations

import logging
from collections import OrderedDict

EVERY_S = 60.0
_KNOWN = 1_000


class Seldom(logging.Filter):
    """Lets a line through when none like it (same logger, level and wording) came in the last minute.

    A client of Kafka writes a line for each of its tries while the broker is away: over a weekend that fills a disk.

    >>> seldom = Seldom()
    >>> line = lambda at, n: logging.makeLogRecord(
    ...     {"name": "a", "msg": "no node %s", "args": (n,), "levelno": 40, "created": at})
    >>> [seldom.filter(line(at, n)) for n, at in enumerate((0.0, 1.0, 59.0))]
    [True, False, False]
    >>> again = line(61.0, 3); seldom.filter(again), again.getMessage()
    (True, 'no node 3 (and 2 more like it in the last minute)')
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: OrderedDict[tuple[str, int, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is to be written; it then says how many were not."""
        key = (record.name, record.levelno, str(record.msg)[:200])
        told, kept_back = self._last.pop(key, (float("-inf"), 0))
        if record.created - told < EVERY_S:
            self._last[key] = (told, kept_back + 1)
            return False
        self._last[key] = (record.created, 0)
        if len(self._last) > _KNOWN:
            self._last.popitem(last=False)
        if kept_back:
            record.msg = f"{record.getMessage()} (and {kept_back} more like it in the last minute)"
            record.args = None
        return True
