"""Railed: what a sensor or logger says in place of a measurement, a code for "missing" or the end of its range."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from detectors.base import Batch, Detector, Floats, Verdict, option
from detectors.compiled import Kernel

_HUGE = 1e100
"""Larger numbers are no measurement and would overflow."""
_FILL = 1e30
"""Numbers from here on are fill values (netCDF's default is 9.97e36, the largest float32 is 3.4e38)."""
_KNOWN = 50.0
"""Runs of equal values known before one at the end of the range means something."""
_LONGER = 2.0
"""A run at the end of the range is strange where it is so many times as long as any before."""
_AGAIN = 3.0
"""Times that a value far away must come, bit for bit, to be a code, where it does not look like one."""
_APART = 10.0
"""And so many ranges away."""
_LEAP = 0.1
"""A code is not reached step by step: it leaps there, by this share of its size."""
_SCORE = 2.0


class RailedState(NamedTuple):
    """One row each."""

    low: Floats  # range of ordinary values, NaN at first
    high: Floats
    seen: Floats  # ordinary readings
    code_low: Floats  # the last code below the range, NaN where there was none
    code_high: Floats  # and above it
    held: Floats  # a value far from the range that is not told from a code yet, NaN = none
    times: Floats  # how often it came
    last: Floats  # the last value, NaN at first
    run: Floats  # how often it came in a row
    runs: Floats  # runs of equal values that have ended
    longest: Floats  # length of the longest of them


@Kernel
def _judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, score: Any, expected: Any, lows: Any, highs: Any, warm: Any,
    low: Any, high: Any, seen: Any, code_low: Any, code_high: Any, held: Any, times: Any, last: Any, run: Any,
    runs: Any, longest: Any, after: Any, apart: Any, warmup: Any,
) -> None:  # fmt: skip
    for i in range(len(rows)):
        r = rows[i]
        v = x[i]
        score[i] = math.nan
        expected[i] = math.nan
        lows[i] = math.nan
        highs[i] = math.nan
        ready = seen[r] >= warmup
        warm[i] = 1.0 if ready else seen[r] / warmup
        if not abs(v) < _HUGE:
            continue
        was = v
        if v == last[r]:
            run[r] = run[r] + 1.0
        else:
            if learn[i]:
                runs[r] = runs[r] + 1.0
                if run[r] > longest[r]:
                    longest[r] = run[r]
            was = last[r]
            run[r] = 1.0
            last[r] = v
        if v == code_low[r] or v == code_high[r]:
            score[i] = _SCORE
            continue
        span = high[r] - low[r]
        if abs(high[r]) > span:
            span = abs(high[r])
        if abs(low[r]) > span:
            span = abs(low[r])
        size = abs(v)
        below = ready and v < low[r]
        far = ready and (v < low[r] - apart * span or v > high[r] + apart * span)
        negative = below and v < 0 and low[r] >= 0
        coded = False
        outside = below or (ready and v > high[r])
        if outside:
            well_known = size >= _FILL
            looks = False
            if size < 1e15 and size % 1.0 == 0.0:
                nines = 99.0
                while nines < size:
                    nines = 10.0 * nines + 9.0
                well_known = well_known or (size == nines and size > 99.0) or size == 7999.0 or size == 6999.0
                power = 1024.0
                while power < size:
                    power = 2.0 * power
                looks = size == nines or 0.0 <= power - size <= 1.0
                if negative and size >= 100.0:
                    first = size
                    while first % 10.0 == 0.0:
                        first = first / 10.0
                    looks = looks or first < 10.0
            coded = (well_known and abs(v - was) > _LEAP * size) or ((far or negative) and looks)
        if coded:
            score[i] = _SCORE
            if learn[i]:
                if v < low[r]:
                    code_low[r] = v
                else:
                    code_high[r] = v
            continue
        if ready:
            score[i] = 0.0
        if far:
            if v == held[r]:
                times[r] = times[r] + 1.0
                score[i] = times[r] / _AGAIN
                if times[r] >= _AGAIN:
                    score[i] = _SCORE
                    if learn[i]:
                        if v < low[r]:
                            code_low[r] = v
                        else:
                            code_high[r] = v
                        held[r] = math.nan
                continue
            first_one = held[r] != held[r]
            if first_one and (v < low[r] - _APART * span or v > high[r] + _APART * span):
                held[r] = v
                times[r] = 1.0
                score[i] = 1.0 / _AGAIN
                continue
            held[r] = math.nan  # another value out there: the process has moved
        elif runs[r] >= _KNOWN and run[r] > 1.0 and v != 0.0 and v != 1.0 and v != 100.0:
            usual = _LONGER * longest[r]
            if usual < after:
                usual = after
            if (v >= high[r] or v <= low[r]) and run[r] / usual > score[i]:
                score[i] = run[r] / usual
        if learn[i]:
            seen[r] = seen[r] + 1.0
            if not v >= low[r]:
                low[r] = v
                if v < code_low[r]:
                    code_low[r] = math.nan
            if not v <= high[r]:
                high[r] = v
                if v > code_high[r]:
                    code_high[r] = math.nan


class Railed(Detector[RailedState]):
    """A value that stands for no measurement: a missing-value code, or the end of the sensor's range.

    A code lies outside the range of all that the series has said, and is one of the well-known ones (999 and longer
    nines, 7999 and 6999 of loggers, all of either sign, 1e30 and more) that is not reached step by step; or it is far
    away (farther from the range than `apart` times that range, or its own size) or negative where the series never
    was, and looks like one (99, a power of two or one less, of negatives an even hundred such as -200); or it is ten
    ranges away and has come three times bit for bit. Once known it is told at each reading, however wide the range
    becomes, until values beyond it come. The score is 2.

    The end of the range: equal readings in a row at the highest or lowest value so far, at least `after` and twice as
    many as ever before; 0, 1 and 100 are natural ends and are left out. The score is run / that length.

    Use it on every measured series. Codes after the CF Conventions (2.5.1, missing data) and makers' manuals.

    >>> d = Railed()
    >>> x = np.array([2.6, 2, 2.2, 2.1, 1.6, 1.2, 1.1, .9, .6, .7, -200.0, .7])[:, None]
    >>> t = np.arange(12, dtype=np.int64)[:, None]
    >>> one = np.ones((12, 1))
    >>> d.scan(d.init(1), Batch(t, x, one, one > 0, one.astype(np.int32)))[1].score[8:, 0].tolist()
    [0.0, 0.0, 2.0, 0.0]
    """

    health: ClassVar[bool] = True
    verdict_rows: ClassVar[bool] = False
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "1m"

    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = _judge

    kind: Literal["railed"] = "railed"
    after: int = option(10, "Equal readings in a row at the end of the range.", ge=3)
    apart: float = option(1.0, "Distance of a code from the range, in ranges.", gt=0)
    warmup: int = option(8, "Readings in range before it speaks.", ge=2)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> RailedState:
        """State of n rows."""
        zero, none = np.zeros(n), np.full(n, np.nan)
        return RailedState(
            none, none.copy(), zero, none.copy(), none.copy(), none.copy(), zero.copy(), none.copy(), zero.copy(),
            zero.copy(), zero.copy(),
        )  # fmt: skip

    def step(self, state: RailedState, batch: Batch) -> tuple[RailedState, Verdict]:
        """Judge one reading of each row, then learn from it, where it is no code, the range."""
        return self.walk(state, np.arange(len(batch.time)), batch)

    def constants(self) -> tuple[float | bool, ...]:
        """What the kernel is given of the options."""
        return (float(self.after), self.apart, float(self.warmup))

    def named(self, before: dict[str, Any], reading: dict[str, Any]) -> tuple[str, dict[str, float | str]]:
        """railed at an end of the range, fill_value beyond it."""
        within = before.get("low", -math.inf) <= reading["x"] <= before.get("high", math.inf)
        return ("railed" if within else "fill_value"), {}
