"""What `cusum` learns of a row, and the walk through its readings in plain numbers: the same bits as its numpy step."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from detectors.anomaly.average_run_length import LOWEST, STEP
from detectors.base import Bools, Floats, Ints
from detectors.compiled import Kernel

NONE = np.iinfo(np.int64).min
TO_SIGMA = math.sqrt(math.pi / 2)
"""Mean absolute deviation to standard deviation, for a normal distribution."""
QUICK, SLOW = 1 / 4, 1 / 16
"""Gains of the two exponential means of errors whose spread tells how slow the noise is."""
OF_QUICK, OF_SLOW = math.sqrt((2 - QUICK) / QUICK), math.sqrt((2 - SLOW) / SLOW)
"""A bin's sigma over that of such a mean, where bins are independent; slower noise gives more."""
UNSURE, UNSURE_QUICK, UNSURE_SLOW = 1.0, 2.0, 3.0
"""A sigma from n bins is raised by 1 + this / sqrt(n): the slower it was taken, the fewer values it rests on."""
CLIP = 2.5
"""Errors count, in sums and in learning, up to this many sigmas (Huber's psi), so that no one bin can alarm.

Not in the warm-up: there is no scale yet to clip by, and signals that rest for hours would never get one."""
AT_LEAST = 24.0
"""Memory in bins, at least."""
FEWEST = 12.0
"""Bins before a warm-up given as a time can end."""
MOST = 1.25
"""Sums grow to this many decision intervals, so that a level that comes back is soon seen to."""
BACK = 0.8
"""An alarm is over below this many decision intervals."""
IN_ALARM = 0.25
"""How fast the scale is learned while in alarm: levels that come and go must teach that they do."""

HUGE = 1e100
"""Larger numbers are no measurement and would overflow."""


class CusumState(NamedTuple):
    """One row each."""

    start: Ints  # of the open bin, ns; the smallest int64 = none yet
    total: Floats  # sum of its readings
    filled: Floats  # how many
    clean: Bools  # all of them may be learned
    last: Ints  # start of the last closed bin, ns
    learned: Floats  # bins learned as normal
    since: Ints  # start of the first of them
    warm: Floats  # share of the warm-up done
    interval_s: Floats  # mean time between bins in the warm-up, which sets the decision interval
    decision: Floats  # the decision interval h, sigmas
    location: Floats
    sigma: Floats  # of one bin, as if bins were independent
    spread: Floats  # mean absolute error of a bin
    quick: Floats  # exponential mean of errors, gain 1/4
    quick_spread: Floats  # its mean size
    slow: Floats  # the same, gain 1/16
    slow_spread: Floats
    up: Floats  # the two sums, sigmas
    down: Floats
    alarmed: Ints  # start of the bin that alarmed; the smallest int64 = not in alarm
    away: Floats  # mean of the bins since
    away_count: Floats


@Kernel
def judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, enough: Any,
    score: Any, expected: Any, low: Any, high: Any, said_warm: Any,
    start: Any, total: Any, filled: Any, clean: Any, last: Any, learned: Any, since: Any, warm: Any, interval: Any,
    decision: Any, location: Any, sigma: Any, spread: Any, quick: Any, quick_spread: Any, slow: Any, slow_spread: Any,
    up: Any, down: Any, alarmed: Any, away: Any, away_count: Any,
    every: Any, reference: Any, tau: Any, accept: Any, floor: Any, resolution: Any, readings: Any, span: Any,
) -> None:  # fmt: skip
    """As `Cusum.step`, reading by reading."""
    for i in range(len(rows)):
        r = rows[i]
        v = x[i]
        if not abs(v) < HUGE:
            score[i] = expected[i] = low[i] = high[i] = math.nan
            said_warm[i] = warm[r]
            continue
        opened = start[r]
        if opened == NONE or time[i] < opened or time[i] - opened >= every:
            if opened > NONE:
                mean = total[r] / filled[r]
                known = learned[r]
                place = location[r] if known > 0 else mean
                width = sigma[r]
                error = mean - place
                bound = CLIP * width
                clipped = error if error < bound else bound
                clipped = clipped if clipped > -bound else -bound
                h = decision[r]
                if warm[r] >= 1.0:
                    j = 0
                    while interval[r] < enough[j]:
                        j = j + 1
                    h = LOWEST + STEP * j
                    decision[r] = h
                    z = clipped / width if width > 0 else (CLIP if error > 0 else -CLIP if error < 0 else 0.0)
                    more = up[r] + z - reference
                    less = down[r] - z - reference
                    more = more if more > 0 else 0.0
                    less = less if less > 0 else 0.0
                    worst = more if more > less else less
                    if alarmed[r] == NONE:
                        if worst >= h:
                            alarmed[r] = opened
                            away[r] = 0.0
                            away_count[r] = 0.0
                    elif worst < BACK * h:
                        alarmed[r] = NONE
                    up[r] = more if more < MOST * h else MOST * h
                    down[r] = less if less < MOST * h else MOST * h
                gap = float(opened - last[r]) / 1e9 if last[r] > NONE and opened > last[r] else 0.0
                if clean[r] and learn[i]:
                    if warm[r] < 1.0 or width <= 0:
                        clipped = error
                    gain = gap / (gap + tau)
                    if gain > 1.0 / AT_LEAST:
                        gain = 1.0 / AT_LEAST
                    if 1.0 / (known + 1.0) > gain:
                        gain = 1.0 / (known + 1.0)
                    normal = alarmed[r] == NONE
                    if normal:
                        location[r] = place + gain * clipped
                        if known <= 0:
                            since[r] = opened
                        elif warm[r] < 1.0:
                            interval[r] = interval[r] + (gap - interval[r]) / known
                        learned[r] = known + 1.0
                        done = learned[r] / readings
                        if span > 0:
                            done = float(opened - since[r] + every) / span if learned[r] >= FEWEST else 0.0
                        done = done if done < 1.0 else 1.0
                        if done > warm[r]:
                            warm[r] = done
                    else:
                        gain = IN_ALARM * gain
                    spread[r] = spread[r] + gain * (abs(clipped) - spread[r])
                    quick[r] = quick[r] + QUICK * (clipped - quick[r])
                    quick_spread[r] = quick_spread[r] + gain * (abs(quick[r]) - quick_spread[r])
                    slow[r] = slow[r] + SLOW * (clipped - slow[r])
                    slow_spread[r] = slow_spread[r] + gain * (abs(slow[r]) - slow_spread[r])
                    if not normal:
                        away_count[r] = away_count[r] + 1.0
                        away[r] = away[r] + (mean - away[r]) / away_count[r]
                        if opened - alarmed[r] >= accept and away_count[r] >= 5.0:
                            location[r] = away[r]
                            quick[r] = slow[r] = up[r] = down[r] = 0.0
                            alarmed[r] = NONE
                    root = math.sqrt(learned[r])
                    wide = spread[r] * (1.0 + UNSURE / root)
                    other = OF_QUICK * quick_spread[r] * (1.0 + UNSURE_QUICK / root)
                    wide = other if other > wide else wide
                    other = OF_SLOW * slow_spread[r] * (1.0 + UNSURE_SLOW / root)
                    wide = TO_SIGMA * (other if other > wide else wide)
                    if floor * abs(location[r]) > wide:
                        wide = floor * abs(location[r])
                    sigma[r] = wide if wide > resolution else resolution
                last[r] = opened
            start[r] = time[i] - time[i] % every
            total[r] = 0.0
            filled[r] = 0.0
            clean[r] = True
        total[r] = total[r] + v
        filled[r] = filled[r] + 1.0
        clean[r] = clean[r] and learn[i]
        said_warm[i] = warm[r]
        if warm[r] >= 1.0 and decision[r] > 0:
            worst = up[r] if up[r] > down[r] else down[r]
            score[i] = worst / decision[r]
            expected[i] = location[r]
            low[i] = location[r] - (decision[r] + reference - down[r]) * sigma[r]
            high[i] = location[r] + (decision[r] + reference - up[r]) * sigma[r]
        else:
            score[i] = expected[i] = low[i] = high[i] = math.nan
