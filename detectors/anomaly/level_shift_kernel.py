"""The kernel of level_shift: steady means, how they differ from the ones before, and the differences known."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from detectors.base import Floats, Ints
from detectors.compiled import Kernel

HUGE = 1e100
"""Larger numbers are no measurement and would overflow."""
TO_SIGMA = math.sqrt(math.pi / 2)
"""Mean absolute deviation to standard deviation, for a normal distribution."""
WINDOW = 4
"""Bins of a mean."""
LOOK = 14
"""Means remembered: the level of before is the newest steady one that ended 4 to 13 bins ago ..."""
FURTHER = (8, 12)
"""... averaged with those that ended so many bins ago, where they agree with it."""
WAIT = 8
"""Bins until a shift counts as known: until then its own readings cannot make it usual."""
KNOWN = 12
"""Ranges of known shifts at most."""
STEADY = 4.0
"""Sigmas that the halves of a steady window, or means of one level, differ by at most."""
GROW = 2.0
"""A known range takes in what lies within so many sigmas of it."""
SHARE = 0.01
"""Smallest sigma, as a share of the span of the known shifts."""
CLIP = 3.0
"""Sizes learned for learning up to this many sigmas (Huber's psi)."""
OPEN = 8.0
"""The first sizes learned in full: there is no scale yet to clip by."""
MEMORY = 2000.0
"""Bins over which the scales are averaged: a week of 5 minutes."""
FADE = 8000.0
"""Uses after which the edges of a known range have come in by most of the way."""
PAUSE = 4.0
"""After a silence of so many intervals the means start afresh."""
CAP = 1e6
"""Highest score: keeps a shift on a constant signal a number that calibration can work with."""


class LevelShiftState(NamedTuple):
    """One row each. The first part follows the present, whatever `learn` says."""

    newest: Ints  # time of the last bin, ns
    interval_s: Floats  # learned; 0 = not yet
    intervals: Floats  # how many it was learned from
    run: Floats  # bins since the last pause
    at: Ints  # bins so far: the place in the rings
    values: Floats  # (n, 4) last bins
    levels: Floats  # (n, 14) last means, NaN where not steady
    waiting: Floats  # (n, 8) last shifts, NaN where there was none

    learned: Floats  # bins
    level: Floats  # mean
    half: Floats  # mean difference of the halves of a window
    halves: Floats  # how many were learned
    size: Floats  # mean size of shifts
    sizes: Floats  # how many were learned
    ranges: Ints  # known ranges of shifts
    low: Floats  # (n, 12)
    high: Floats


@Kernel
def judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, score: Any, expected: Any, lows: Any, highs: Any, warm: Any,
    newest: Any, interval_s: Any, intervals: Any, run: Any, at: Any, values: Any, levels: Any, waiting: Any,
    learned: Any, level: Any, half: Any, halves: Any, size: Any, sizes: Any, ranges: Any, low: Any, high: Any,
    needed: Any, limit: Any, floor: Any, resolution: Any,
) -> None:  # fmt: skip
    """Score n bins in order, and keep the state of their rows; columns as of `Detector.kernel`."""
    for i in range(len(rows)):
        r = rows[i]
        v = x[i]
        score[i] = math.nan
        expected[i] = math.nan
        lows[i] = math.nan
        highs[i] = math.nan
        warm[i] = learned[r] / needed if learned[r] < needed else 1.0
        if not abs(v) < HUGE:
            continue
        teach = learn[i]
        recent = values[r]
        means = levels[r]
        shifts = waiting[r]
        lower = low[r]
        upper = high[r]

        # pace: the usual interval, as `pace.follow` learns it; a pause ends what windows may hold
        gap = (time[i] - newest[r]) / 1e9 if run[r] > 0 else 0.0
        newest[r] = time[i]
        if gap > 0:
            pace = interval_s[r]
            if pace > 0 and gap > PAUSE * pace:
                run[r] = 0.0
                for k in range(LOOK):
                    means[k] = math.nan
            number = intervals[r] + 1.0
            intervals[r] = number
            if pace <= 0:
                pace = gap
            elif abs(gap - pace) <= 0.1 * pace:
                pace = pace + 0.1 * (gap - pace)
            else:
                factor = 1.0 + 1.0 / (number if number < 100.0 else 100.0)
                if gap > pace:
                    pace = pace * factor
                    if pace > gap:
                        pace = gap
                else:
                    pace = pace / factor
                    if pace < gap:
                        pace = gap
            interval_s[r] = pace

        # the mean of the last bins, and whether it is of one level
        here = at[r] + 1
        at[r] = here
        run[r] = run[r] + 1.0
        recent[here % WINDOW] = v
        smallest = floor * abs(level[r])
        if resolution > smallest:
            smallest = resolution
        steady = False
        mean = 0.0
        if run[r] >= WINDOW:
            newer = (v + recent[(here - 1) % WINDOW]) / 2.0
            older = (recent[(here - 2) % WINDOW] + recent[(here - 3) % WINDOW]) / 2.0
            mean = (newer + older) / 2.0
            apart = abs(newer - older)
            scale = TO_SIGMA * half[r]
            if smallest > scale:
                scale = smallest
            young = halves[r] < OPEN
            steady = young or apart <= STEADY * scale
            if teach:
                if not young and scale > 0 and apart > CLIP * scale:
                    apart = CLIP * scale
                count = halves[r] + 1.0
                gain = 1.0 / (count if count < MEMORY else MEMORY)
                halves[r] = count
                half[r] = half[r] + gain * (apart - half[r])
                level[r] = level[r] + gain * (mean - level[r])
        means[here % LOOK] = mean if steady else math.nan

        # the level of before
        count = ranges[r]
        scale = TO_SIGMA * size[r]
        if smallest > scale:
            scale = smallest
        sigma = scale
        if count > 0:
            least = lower[0]
            most = upper[0]
            for k in range(1, count):
                if lower[k] < least:
                    least = lower[k]
                if upper[k] > most:
                    most = upper[k]
            if SHARE * (most - least) > sigma:
                sigma = SHARE * (most - least)
        base = math.nan
        if steady:
            for back in range(WINDOW, LOOK):
                if means[(here - back) % LOOK] == means[(here - back) % LOOK]:
                    base = means[(here - back) % LOOK]
                    break
        shift = math.nan
        if base == base:
            total = base
            number = 1.0
            for back in FURTHER:
                other = means[(here - back) % LOOK]
                if abs(other - base) <= STEADY * sigma:
                    total = total + other
                    number = number + 1.0
            base = total / number
            shift = mean - base

        # how far the shift is from those known
        if warm[i] >= 1.0:
            score[i] = 0.0
            if shift == shift and count > 0:
                nearest = math.inf
                near = 0
                for k in range(count):
                    off = lower[k] - shift if shift < lower[k] else (shift - upper[k] if shift > upper[k] else 0.0)
                    if off < nearest:
                        nearest = off
                        near = k
                if nearest > 0:
                    raw = nearest / sigma / limit if sigma > 0 else CAP
                    score[i] = raw if raw < CAP else CAP
                inside = shift
                if inside < lower[near]:
                    inside = lower[near]
                if inside > upper[near]:
                    inside = upper[near]
                expected[i] = base + inside
                lows[i] = base + (lower[near] - limit * sigma)
                highs[i] = base + (upper[near] + limit * sigma)

        # learn: its size at once, itself when it can no longer be the same event
        old = shifts[here % WAIT]
        shifts[here % WAIT] = shift if teach else math.nan
        if not teach:
            continue
        learned[r] = learned[r] + 1.0
        if shift == shift:
            taught = abs(shift)
            if sizes[r] >= OPEN and scale > 0 and taught > CLIP * scale:
                taught = CLIP * scale
            number = sizes[r] + 1.0
            sizes[r] = number
            size[r] = size[r] + (taught - size[r]) / (number if number < MEMORY else MEMORY)
        if old != old:
            continue
        nearest = math.inf
        near = 0
        for k in range(count):
            off = lower[k] - old if old < lower[k] else (old - upper[k] if old > upper[k] else 0.0)
            if off < nearest:
                nearest = off
                near = k
        if nearest <= GROW * sigma:
            if old < lower[near]:
                lower[near] = old
            if old > upper[near]:
                upper[near] = old
            lower[near] = lower[near] + (old - lower[near]) / FADE
            upper[near] = upper[near] + (old - upper[near]) / FADE
            continue
        if count == KNOWN:  # the two that are closest become one
            closest = math.inf
            first = 0
            second = 1
            for j in range(KNOWN):
                for k in range(j + 1, KNOWN):
                    off = lower[j] - upper[k] if lower[j] > lower[k] else lower[k] - upper[j]
                    if off < closest:
                        closest = off
                        first = j
                        second = k
            if lower[second] < lower[first]:
                lower[first] = lower[second]
            if upper[second] > upper[first]:
                upper[first] = upper[second]
            count = KNOWN - 1
            lower[second] = lower[count]
            upper[second] = upper[count]
        lower[count] = old
        upper[count] = old
        ranges[r] = count + 1
