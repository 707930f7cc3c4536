"""Calibration score by score, in plain numbers: the same bits as its numpy step."""

from __future__ import annotations

import math
from typing import Any

from detectors.compiled import Kernel
from detectors.roots import HALVINGS, RANGE
from detectors.tail import (
    AT_MOST,
    BASE,
    CORRECTION,
    COUNT,
    GAMMA,
    HEIGHT,
    HIGHEST,
    LEAST,
    LOWEST,
    MEDIAN,
    OFTENEST,
    PEAKS,
    PRIOR,
    RAREST,
    RATE,
    SHORTEST_S,
    STEEPEST,
    TIME,
    WEIGHED,
)

GAIN = 0.3
"""How far one alarm moves the threshold, as a natural logarithm."""
RAISE = math.exp(GAIN)
FLOOR = 0.5
"""The threshold never falls below half of the detector's own limit: a materiality floor."""
WORSE = 3.0
"""Inside the refractory time only a score above this many times that of the last alarm is an alarm again."""
REARM = 0.8
"""A detector with a limit of its own is armed again once its score has fallen below this."""


@Kernel
def judge(
    rows: Any, time: Any, raw: Any, dt: Any, score: Any, alarm: Any, limit: Any,
    threshold: Any, alarmed: Any, height: Any, armed: Any, alarms: Any, watched: Any, events: Any, peaks: Any,
    budget: Any, hold: Any, rate_per_s: Any, refractory: Any,
) -> None:  # fmt: skip
    """As `Calibration.step`, one by one."""
    slope = GAIN * rate_per_s
    for i in range(len(rows)):
        r = rows[i]
        z = raw[i]
        bar = threshold[r]
        limit[i] = bar
        score[i] = z / bar
        alarm[i] = False
        if z != z:
            continue
        seconds = dt[i]
        if seconds > 0:
            watched[r] = watched[r] + seconds
        else:
            seconds = 0.0
        if budget:
            sink = slope * seconds
            sink = 1.0 - (sink if sink < 0.5 else 0.5)
            if z > bar and (alarmed[r] < time[i] - refractory or z > WORSE * height[r]):
                alarm[i] = True
                sink = sink * RAISE
            if hold:
                event = events[r]
                weighed = event[WEIGHED]
                share = seconds / weighed
                pace = event[RATE]
                pace = pace - pace * (share if share < 0.5 else 0.5)
                rest_s = refractory / 1e9
                most = AT_MOST * (rest_s if rest_s > SHORTEST_S else SHORTEST_S)
                event[WEIGHED] = weighed + seconds if weighed + seconds < most else most
                if z > LEAST and (event[TIME] < 1.0 * (time[i] - refractory) or z > WORSE * event[HEIGHT]):
                    # a peak: the tail is fitted anew
                    pace = pace + 1.0 / weighed
                    event[TIME] = 1.0 * time[i]
                    event[HEIGHT] = z
                    peak = peaks[r]
                    count = event[COUNT]
                    y = z if z < 1e9 else 1e9
                    for _ in range(HALVINGS):
                        y = math.sqrt(y)
                    t = (y - 1.0) / (y + 1.0)
                    s = t * t
                    power = 1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * (1.0 / 7.0 + s / 9.0)))
                    peak[int(count % PEAKS)] = 2.0 * RANGE * t * power
                    count = count + 1.0
                    event[COUNT] = count
                    filled = int(count) if count < PEAKS else PEAKS
                    half = filled // 2
                    place = 0
                    for j in range(filled):
                        below = 0
                        for k in range(filled):
                            if peak[k] < peak[j] or (peak[k] == peak[j] and k < j):
                                below += 1
                        if below == half:
                            place = j
                    middle = peak[place]
                    total = 0.0
                    for j in range(filled):
                        if peak[j] > middle or (peak[j] == middle and j >= place):
                            total = total + (peak[j] - middle)
                    median = (filled * middle + PRIOR * MEDIAN) / (filled + PRIOR)
                    gamma = (total + PRIOR * GAMMA) / (filled - half + PRIOR)
                    y = pace / 2.0 / (rate_per_s if rate_per_s > 1e-15 else 1e-15)
                    y = y if y > RAREST else RAREST
                    y = y if y < OFTENEST else OFTENEST
                    for _ in range(HALVINGS):
                        y = math.sqrt(y)
                    t = (y - 1.0) / (y + 1.0)
                    s = t * t
                    power = 1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * (1.0 / 7.0 + s / 9.0)))
                    power = median + gamma * (2.0 * RANGE * t * power)
                    power = power if power > -STEEPEST else -STEEPEST
                    power = power if power < STEEPEST else STEEPEST
                    h = power / RANGE
                    y = 1.0 + h / 8.0
                    for j in range(7):
                        y = 1.0 + h / (7.0 - j) * y
                    for _ in range(HALVINGS):
                        y = y * y
                    event[BASE] = y
                event[RATE] = pace
                factor = event[CORRECTION] * sink
                factor = factor if factor > LOWEST else LOWEST
                event[CORRECTION] = factor if factor < HIGHEST else HIGHEST
                moved = event[BASE] * event[CORRECTION]
            else:
                moved = bar * sink
            threshold[r] = moved if moved > FLOOR else FLOOR
        elif z >= 1.0 and (armed[r] or z > WORSE * height[r]):
            alarm[i] = True
        if alarm[i]:
            alarmed[r] = time[i]
            height[r] = z
            alarms[r] = alarms[r] + 1
            armed[r] = z < REARM
        elif z < REARM:
            armed[r] = True
