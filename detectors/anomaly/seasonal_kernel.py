"""What `seasonal` learns of a row, and the walk through its readings in plain numbers: the same bits as its step."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import Bools, Floats, Ints
from detectors.compiled import Kernel

NONE = np.iinfo(np.int64).min
TO_SIGMA = math.sqrt(math.pi / 2)
"""Mean absolute deviation to standard deviation, for a normal distribution."""
CLIP = 3.0
"""Errors teach up to this many sigmas (Huber's psi)."""
CAP = 1e6
"""Highest score."""
WEEKS, DAYS = 4.0, 5.0
"""Memory of the weekly profile in weeks, of the daily ones in days of their kind."""
LEVEL_S = 2 * 86_400.0
"""Memory of the level: as young as the profiles, or a wandering level would look like a season."""
EVIDENCE_S = 0.9 * 86_400.0
"""A profile has to have foretold about a day before it may be used."""
TAKE, LEAVE = 0.85, 0.95
"""A profile is taken up below, and left above, this share of the level's error."""
FINER, COARSER = 1.05, 1.15
"""The same of the weekly profile and the daily one's error: it may be a little worse, as it knows each day's own."""
LEVEL, DAY, WEEK = 0, 1, 2
"""Which of the three is used."""
MOST, STRANGE, OWN = 63, 128, 64
"""How far visits are counted; bits beside: the last was far out; twice so, and known on its own since."""

HUGE = 1e100
"""Larger numbers are no measurement and would overflow."""


class SeasonalState(NamedTuple):
    """One row each; s slots of the week, then those of a working day and of a day of the weekend."""

    profile: Floats  # (k, s + 2 s / 7)
    visits: NDArray[np.uint8]  # (k, s + 2 s / 7) how often each was seen, up to 63, and two bits (`STRANGE`, `OWN`)
    slot: Ints  # open slot of the week, -1 = none yet
    opened: Ints  # time of its first reading, ns
    total: Floats  # sum of its readings
    held: Floats  # the same, each at most 3 sigmas from what was expected
    filled: Floats
    clean: Bools  # all of them may be learned
    closed: Ints  # when the last slot learned was opened
    learned: Floats  # slots learned
    level: Floats
    since: Ints  # time of the first reading learned, ns; the smallest int64 = none yet
    last: Ints  # of the last one
    level_error: Floats  # mean absolute error of the level, of the daily and of the weekly profile
    day_error: Floats
    week_error: Floats
    level_s: Floats  # seconds that these means rest on
    day_s: Floats
    week_s: Floats
    used: Ints  # 0 level, 1 daily, 2 weekly profile
    away_s: Floats  # how long readings have been out of band, less twice the time in band


@Kernel
def judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, week: Any,
    score: Any, expected: Any, low: Any, high: Any, said_warm: Any,
    profile: Any, visits: Any, slot: Any, opened: Any, total: Any, held: Any, filled: Any, clean: Any, closed: Any,
    learned: Any, level: Any, since: Any, last: Any, level_error: Any, day_error: Any, week_error: Any,
    level_s: Any, day_s: Any, week_s: Any, used: Any, away_s: Any,
    slots: Any, every_s: Any, tau: Any, span: Any, accept_s: Any, limit: Any, floor: Any, resolution: Any,
) -> None:  # fmt: skip
    """As `Seasonal.step`, reading by reading."""
    a_day = slots // 7
    for i in range(len(rows)):
        r = rows[i]
        v = x[i]
        score[i] = expected[i] = low[i] = high[i] = math.nan
        passed = time[i] - since[r] if since[r] > NONE else 0
        done = float(passed if passed > 0 else 0) / span
        done = done if done < 1.0 else 1.0
        said_warm[i] = done
        if not abs(v) < HUGE:
            continue
        now = int(week[i] // every_s)
        was = slot[r]
        if now != was:
            if was >= 0 and clean[r] and learn[i]:
                whole = away_s[r] >= accept_s
                mean = (total[r] if whole else held[r]) / filled[r]
                error = level_error[r] if used[r] == LEVEL else day_error[r] if used[r] == DAY else week_error[r]
                sigma = TO_SIGMA * error
                if floor * abs(level[r]) > sigma:
                    sigma = floor * abs(level[r])
                if resolution > sigma:
                    sigma = resolution
                marks = visits[r][was] & OWN
                again = False
                if abs(total[r] - held[r]) / filled[r] > CLIP * sigma:
                    again = visits[r][was] >= STRANGE
                    marks = marks | STRANGE | (OWN if again else 0)
                shared = slots + (a_day if was // a_day >= 5 else 0) + was % a_day
                n = (visits[r][was] & MOST) + 1
                gain = 1.0 if whole else 1.0 / (n if n < WEEKS else WEEKS)
                profile[r][was] = profile[r][was] + gain * (mean - profile[r][was]) if n > 1 else mean
                if again:
                    profile[r][was] = total[r] / filled[r]
                visits[r][was] = (n if n < MOST else MOST) | marks
                n = visits[r][shared] + 1
                gain = 1.0 if whole else 1.0 / (n if n < DAYS else DAYS)
                profile[r][shared] = profile[r][shared] + gain * (mean - profile[r][shared]) if n > 1 else mean
                visits[r][shared] = n if n < MOST else MOST
                gap = float(opened[r] - closed[r]) / 1e9 if learned[r] > 0 and opened[r] > closed[r] else 0.0
                gain = gap / (gap + LEVEL_S)
                if gain > 0.5:
                    gain = 0.5
                if 1.0 / (learned[r] + 1.0) > gain:
                    gain = 1.0 / (learned[r] + 1.0)
                level[r] = level[r] + gain * (mean - level[r]) if learned[r] > 0 else mean
                learned[r] = learned[r] + 1.0
                closed[r] = opened[r]
                by_day = day_s[r] >= EVIDENCE_S
                by_week = week_s[r] >= EVIDENCE_S
                if used[r] == DAY:
                    if day_error[r] > LEAVE * level_error[r]:
                        used[r] = LEVEL
                    elif by_week and week_error[r] < FINER * day_error[r]:
                        used[r] = WEEK
                elif used[r] == WEEK:
                    if week_error[r] > LEAVE * level_error[r]:
                        used[r] = LEVEL
                    elif by_day and week_error[r] > COARSER * day_error[r]:
                        used[r] = DAY
                elif by_week and week_error[r] < TAKE * level_error[r]:
                    used[r] = WEEK
                elif by_day and day_error[r] < TAKE * level_error[r]:
                    used[r] = DAY
            slot[r] = now
            opened[r] = time[i]
            total[r] = held[r] = filled[r] = 0.0
            clean[r] = True
        shared = slots + (a_day if now // a_day >= 5 else 0) + now % a_day
        known_level = learned[r] > 0
        known_day = visits[r][shared] > 0
        known_week = visits[r][now] > 0
        mode = used[r]
        if mode == WEEK and not known_week and day_error[r] < TAKE * level_error[r]:
            mode = DAY
        elif mode == DAY and visits[r][now] & OWN:
            mode = WEEK
        if mode == WEEK:
            known, place, error = known_week, profile[r][now], week_error[r]
        elif mode == DAY:
            known, place, error = known_day, profile[r][shared], day_error[r]
        else:
            known, place, error = known_level, level[r], level_error[r]
        off = v - place
        size = abs(off)
        sigma = TO_SIGMA * error
        if floor * abs(level[r]) > sigma:
            sigma = floor * abs(level[r])
        if resolution > sigma:
            sigma = resolution
        raw = size / sigma / limit if sigma > 0 else (CAP if size > 0 else 0.0) / limit
        if raw > CAP:
            raw = CAP
        ready = known and done >= 1.0
        taught = v
        if ready:
            band = limit * sigma
            score[i] = raw
            expected[i] = place
            low[i] = place - band
            high[i] = place + band
            most = CLIP * sigma
            if off > most:
                taught = place + most
            elif off < -most:
                taught = place - most
        total[r] = total[r] + v
        held[r] = held[r] + taught
        filled[r] = filled[r] + 1.0
        clean[r] = clean[r] and learn[i]
        if not learn[i]:
            continue
        if since[r] == NONE:
            since[r] = time[i]
            last[r] = time[i]
        weight = float(time[i] - last[r]) / 1e9
        last[r] = time[i]
        if weight > every_s:
            weight = float(every_s)
        if not weight > 0:
            continue
        out = ready and raw > 1.0
        if ready:
            left = away_s[r] + weight if out else away_s[r] - 2.0 * weight
            away_s[r] = left if left > 0 else 0.0
        if out and away_s[r] < accept_s:
            continue
        if known_level:
            size = abs(v - level[r])
            if level_error[r] > 0 and size > CLIP * TO_SIGMA * level_error[r]:
                size = CLIP * TO_SIGMA * level_error[r]
            level_error[r] = level_error[r] + weight / (level_s[r] + weight) * (size - level_error[r])
            level_s[r] = level_s[r] + weight if level_s[r] + weight < tau else tau
        if known_day:
            size = abs(v - profile[r][shared])
            if day_error[r] > 0 and size > CLIP * TO_SIGMA * day_error[r]:
                size = CLIP * TO_SIGMA * day_error[r]
            day_error[r] = day_error[r] + weight / (day_s[r] + weight) * (size - day_error[r])
            day_s[r] = day_s[r] + weight if day_s[r] + weight < tau else tau
        if known_week:
            size = abs(v - profile[r][now])
            if week_error[r] > 0 and size > CLIP * TO_SIGMA * week_error[r]:
                size = CLIP * TO_SIGMA * week_error[r]
            week_error[r] = week_error[r] + weight / (week_s[r] + weight) * (size - week_error[r])
            week_s[r] = week_s[r] + weight if week_s[r] + weight < tau else tau
