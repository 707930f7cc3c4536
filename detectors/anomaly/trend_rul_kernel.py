"""What `trend_rul` learns of a row, the walk through its readings in plain numbers, and the fit of its line."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from detectors.base import Floats, Ints
from detectors.compiled import Kernel

NONE = np.iinfo(np.int64).min
POINTS = 42
"""Points kept in a window: of two weeks, one each 8 hours, so that a daily swing does not look like a slow one."""
CAP = 100.0
"""Highest score: the limit is reached, or will be in a hundredth of the horizon."""
STICKY = 0.95
"""Points count as autocorrelated by this much at most."""

HUGE = 1e100
"""Larger numbers are no measurement and would overflow."""


class TrendRulState(NamedTuple):
    """One row each."""

    times: Ints  # (k, 42) of the points, ns, oldest first
    values: Floats  # (k, 42)
    points: Ints  # how many there are
    start: Ints  # of the open bucket, ns; the smallest int64 = none yet
    total: Floats  # sum of its readings
    age_s: Floats  # sum of their times since its start
    filled: Floats  # how many
    warm: Floats  # share of the warm-up done
    at: Ints  # time of the newest point when the line was fitted, ns
    pivot_s: Floats  # median time of the points, seconds from `at`
    middle: Floats  # the line's value there
    slope: Floats  # per second
    slope_low: Floats  # its interval, NaN where the points bound none
    slope_high: Floats


@Kernel
def judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, score: Any, expected: Any, low: Any, high: Any, said_warm: Any,
    times: Any, values: Any, points: Any, start: Any, total: Any, age: Any, filled: Any, warm: Any, at: Any,
    pivot: Any, middle: Any, slope: Any, slope_low: Any, slope_high: Any,
    every: Any, window: Any, deviates: Any, side: Any, limit: Any, horizon: Any, least: Any,
) -> None:  # fmt: skip
    """As the docstring of `TrendRul` says, reading by reading; `step` does the same where no bucket closes."""
    for i in range(len(rows)):
        r = rows[i]
        v = x[i]
        score[i] = expected[i] = low[i] = high[i] = math.nan
        if not abs(v) < HUGE:
            said_warm[i] = warm[r]
            continue
        if learn[i]:
            opened = start[r]
            if opened == NONE or time[i] < opened or time[i] - opened >= every:
                if opened > NONE:
                    newest = opened + int(age[r] / filled[r] * 1e9)
                    kept = points[r]
                    drop = 0
                    while drop < kept and (kept - drop >= POINTS or newest - times[r][drop] > window):
                        drop = drop + 1
                    n = kept - drop
                    for j in range(n):
                        times[r][j] = times[r][j + drop]
                        values[r][j] = values[r][j + drop]
                    times[r][n] = newest
                    values[r][n] = total[r] / filled[r]
                    n = n + 1
                    points[r] = n
                    warm[r] = n / least if n < least else 1.0
                    if n >= least:
                        m = 0
                        slopes = [0.0] * (n * (n - 1) // 2)
                        for j in range(1, n):
                            for k in range(j):
                                apart = float(times[r][j] - times[r][k]) / 1e9
                                if apart > 0:
                                    # + 0 makes one zero of the two
                                    slopes[m] = (values[r][j] - values[r][k]) / apart + 0.0
                                    m = m + 1
                        slopes = slopes[:m]
                        slopes.sort()
                        rise = 0.0
                        if m > 0:
                            rise = (slopes[(m - 1) // 2] + slopes[m // 2]) / 2.0
                        since = [float(times[r][j] - newest) / 1e9 for j in range(n)]
                        ordered = since[:]
                        ordered.sort()
                        centre = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2.0
                        rest = [values[r][j] - rise * (since[j] - centre) + 0.0 for j in range(n)]
                        ordered = rest[:]
                        ordered.sort()
                        level = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2.0
                        own = 0.0
                        with_next = 0.0
                        for j in range(n):
                            own = own + (rest[j] - level) * (rest[j] - level)
                            if j > 0:
                                with_next = with_next + (rest[j] - level) * (rest[j - 1] - level)
                        sticky = with_next / own if own > 0 else 0.0
                        sticky = sticky + (1.0 + 4.0 * sticky) / n
                        sticky = sticky if sticky < STICKY else STICKY
                        sticky = sticky if sticky > 0 else 0.0
                        spread = n * (n - 1.0) * (2.0 * n + 5.0) / 18.0 * (1.0 + sticky) / (1.0 - sticky)
                        rank = (m - deviates * math.sqrt(spread)) / 2.0
                        at[r] = newest
                        pivot[r] = centre
                        middle[r] = level
                        slope[r] = rise
                        slope_low[r] = slopes[int(rank) - 1] if rank >= 1.0 else math.nan
                        slope_high[r] = slopes[m - int(rank)] if rank >= 1.0 else math.nan
                start[r] = time[i] - time[i] % every
                total[r] = age[r] = filled[r] = 0.0
            total[r] = total[r] + v
            age[r] = age[r] + float(time[i] - start[r]) / 1e9
            filled[r] = filled[r] + 1.0
        said_warm[i] = warm[r]
        if warm[r] < 1.0:
            continue
        ahead = float(time[i] - at[r]) / 1e9 - pivot[r]
        expected[i] = middle[r] + slope[r] * ahead
        low[i] = middle[r] + slope_low[r] * ahead
        high[i] = middle[r] + slope_high[r] * ahead
        if limit == limit:
            fast = slope_high[r] if side > 0 else -slope_low[r]
            slow = slope_low[r] if side > 0 else -slope_high[r]
            said = 0.0
            if slow > 0:
                left = side * (limit - middle[r]) - fast * ahead
                said = CAP
                if left > 0 and horizon * fast < CAP * left:
                    said = horizon * fast / left
            score[i] = said
