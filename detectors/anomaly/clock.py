"""Clock: a source whose clock is ahead, behind or set back, or that sends an old reading again and again as new."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import Batch, Detector, Floats, Ints, Verdict, option
from detectors.compiled import Kernel
from detectors.durations import SECOND, Duration, duration_text

_NEVER = np.iinfo(np.int64).min
_FEW = 5.0
"""Readings that bring no news, at least, before that is a fault: a duplicate or two are usual."""
_PACE = 0.5
"""A clock that was set back goes on at the log's pace; an upload of the past does not. Tolerance, as a share."""


class ClockState(NamedTuple):
    """One row each; times in ns, on the clock that the name says."""

    newest: Ints  # newest event time, the smallest int64 at first
    news: Ints  # received: when `newest` last moved on
    kept: Floats  # readings since then
    behind_s: Floats  # lag of the first of these
    start: Ints  # received: start of the present window
    least_s: Floats  # least lag in the present window
    before_s: Floats  # least lag in the window before, NaN where there is none


@Kernel
def _judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, received: Any,
    score: Any, expected: Any, low: Any, high: Any, warm: Any,
    newest: Any, news: Any, kept: Any, behind: Any, start: Any, least: Any, before: Any,
    ahead_s: Any, behind_s: Any, stale_s: Any, window: Any,
) -> None:  # fmt: skip
    for i in range(len(rows)):
        r = rows[i]
        t = time[i]
        at = received[i]
        lag = float(at - t) / 1e9
        expected[i] = math.nan
        low[i] = math.nan
        high[i] = math.nan
        warm[i] = 1.0
        said = -lag / ahead_s if lag < 0 else 0.0
        if newest[r] == _NEVER:
            start[r] = at
            least[r] = lag
        elif at - start[r] >= window:
            before[r] = least[r]
            least[r] = lag
            start[r] = at
        elif lag < least[r]:
            least[r] = lag
        if t > newest[r]:
            newest[r] = t
            news[r] = at
            kept[r] = 0.0
        else:
            kept[r] = kept[r] + 1.0
            if kept[r] <= 1.0:
                behind[r] = lag
            age = float(at - news[r]) / 1e9
            same_pace = t == newest[r] or abs(lag - behind[r]) <= _PACE * age
            if kept[r] >= _FEW and same_pace and age / stale_s > said:
                said = age / stale_s
        one = before[r]
        other = least[r]
        if one == one and abs(one - other) <= ahead_s:
            steady = one if one < other else other
            if steady / behind_s > said:
                said = steady / behind_s
        score[i] = said


class Clock(Detector[ClockState]):
    """The source's clock against the log's: lag = received - time.

    The score is the largest of: -lag / ahead (a clock in the future); the least lag of two successive windows /
    behind, where the two differ by at most `ahead` (least lag as in NTP's clock filter, RFC 5905 section 10: queues
    only ever add, so a buffered upload ends near 0 and a slow clock does not); and, where five readings or more
    brought no time that is newer, the time since one did / stale: the same reading sent again and again, or times
    that go on at the usual pace from further back, as after a clock was set back. Values do not matter. Where
    `received` is the time of the reading, as in files, it stays silent.

    Scale and shift: values do not enter.

    >>> d = Clock()
    >>> one = np.ones(1)
    >>> t = np.array([300 * SECOND])
    >>> b = Batch(t, one, one, one > 0, one.astype(np.int32), received=t - 90 * SECOND)
    >>> d.step(d.init(1), b)[1].score
    array([1.5])
    """

    health: ClassVar[bool] = True
    judges: ClassVar[Literal["value", "quality", "clock"]] = "clock"
    verdict_rows: ClassVar[bool] = False
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "1m"
    invariance: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})

    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = _judge

    kind: Literal["clock"] = "clock"
    ahead: Duration = option("1m", "How far ahead of the log a time may be.", validate_default=True, gt=0)
    behind: Duration = option("15m", "How far behind the log times may be for good.", validate_default=True, gt=0)
    stale: Duration = option("10m", "How long readings may bring no newer time.", validate_default=True, gt=0)
    window: Duration = option("1h", "Time over which the least lag is taken.", validate_default=True, gt=0)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> ClockState:
        """State of n rows."""
        zero = np.zeros(n)
        never = np.full(n, _NEVER, dtype=np.int64)
        return ClockState(
            never, never.copy(), zero, zero.copy(), never.copy(), zero.copy(), np.full(n, np.nan)
        )  # fmt: skip

    def step(self, state: ClockState, batch: Batch) -> tuple[ClockState, Verdict]:
        """Judge the lag of one reading of each row."""
        return self.walk(state, np.arange(len(batch.time)), batch)

    def columns(self, batch: Batch) -> list[NDArray[Any]]:
        """When the readings were received; as they were taken where that is not given."""
        return [batch.time if batch.received is None else batch.received]

    def constants(self) -> tuple[float | bool, ...]:
        """What the kernel is given of the options."""
        return (self.ahead / SECOND, self.behind / SECOND, self.stale / SECOND, self.window)

    def named(self, before: dict[str, Any], reading: dict[str, Any]) -> tuple[str, dict[str, float | str]]:
        """clock_ahead, stale (the same time again), clock_back (older times) or clock_behind, with the lag."""
        time, received, newest = reading["time"], reading["received"], before.get("newest", _NEVER)
        lag = received - time
        words: dict[str, float | str] = {"lag": duration_text(round(abs(lag) / SECOND) * SECOND)}
        if lag < 0:
            return "clock_ahead", words
        if newest == time:
            return "stale", words
        return ("clock_back" if newest > time else "clock_behind"), words
