"""`auto` reading by reading, in plain numbers: the same bits as its numpy step."""

from __future__ import annotations

import math
from typing import Any

from detectors.anomaly.auto_state import (
    BOXES,
    CLIPPED,
    COARSE,
    DISCOUNT,
    FARTHEST,
    FAST,
    FINEST,
    FIRST_WEIGHT,
    FITTED,
    HOLD,
    HOURS,
    LOOSE,
    MATURE,
    OPEN,
    PERCENT,
    PROFILE,
    QUARTER,
    RECENT,
    RISE,
    SHRINK,
    SIDES,
    SINK,
    SLOW,
    STEADY,
    TIGHT,
    UNIT_S,
    USEFUL,
    W1,
    W2,
    W3,
    WEIGHT,
)
from detectors.compiled import Kernel
from detectors.roots import STEPS
from detectors.single import LARGEST, SPLIT, TINY


@Kernel
def judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, week_s: Any,
    score: Any, expected: Any, low: Any, high: Any, warm: Any,
    newest: Any, interval_s: Any, intervals: Any, passed: Any, last: Any, fast: Any, slow: Any,
    at: Any, phase: Any, units: Any, recents: Any, quarters: Any, coarses: Any,
    learned: Any, ticks: Any, level: Any, noise: Any, lowest: Any, highest: Any,
    middle: Any, error: Any, spread: Any, profiles: Any, profile_counts: Any,
    vigilances: Any, boxes: Any, box_used: Any, box_low: Any, box_high: Any,
    needed: Any, floor: Any, resolution: Any,
) -> None:  # fmt: skip
    """As `Auto.step`, reading by reading."""
    for i in range(len(rows)):
        r = rows[i]
        v = x[i]
        known = learned[r]
        done = known / needed
        warm[i] = done if done < 1.0 else 1.0
        score[i] = math.nan
        expected[i] = math.nan
        low[i] = math.nan
        high[i] = math.nan
        if not abs(v) < LARGEST:
            continue
        teach = learn[i]
        first = passed[r] <= 0

        # pace: how long a reading is, in units
        pace = interval_s[r]
        gap = 0.0 if first else (time[i] - newest[r]) / 1e9
        newest[r] = time[i]
        if gap > 0:
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
        weight = FIRST_WEIGHT
        unit = 1
        if pace > 0:
            weight = pace / UNIT_S
            if weight > 1.0:
                weight = 1.0
            ratio = UNIT_S / pace + 0.6
            unit = FINEST if ratio >= FINEST else (int(ratio) if ratio >= 1.0 else 1)

        # sources: weekly residual and band-pass
        profile = profiles[r]
        profile_count = profile_counts[r]
        hour = week_s[i] // 3600
        usual = 1.0 * profile[hour]  # makes a double of it: sums of singles would be singles
        count = profile_count[hour] + 0
        mean = middle[r] if known > 0 else v
        total = known + weight
        gain = weight / (total if total < FITTED else FITTED)
        apart = spread[r]
        plain = (v - mean) * (v - mean)
        fitted = (v - usual) * (v - usual)
        young = known < OPEN
        flat = apart <= 0
        if not ((flat and not young) if count > 0 else (flat or young)):
            if plain > CLIPPED * apart:
                plain = CLIPPED * apart
            if fitted > CLIPPED * apart:
                fitted = CLIPPED * apart
        apart = apart + gain * (plain - apart)
        missed = error[r]
        missed = missed + gain * ((fitted if count > 0 else apart) - missed)
        offset = 0.0
        guess = usual
        seen = count > 0
        if not seen:
            guess = 1.0 * profile[(hour - 1) % HOURS]
            seen = profile_count[(hour - 1) % HOURS] > 0
        if seen and apart > 0:
            skill = 1.0 - missed / apart
            if skill >= USEFUL:
                offset = skill * (guess - mean)
        if teach:
            spread[r] = apart
            error[r] = missed
            middle[r] = mean + gain * (v - mean)
        residual = v - offset
        carried = residual * SPLIT
        residual = carried - (carried - residual)
        if abs(residual) < TINY:
            residual = 0.0
        total = passed[r] + weight
        passed[r] = total
        quick = fast[r]
        quick = quick + weight / (total if total < FAST else FAST) * (v - quick)
        fast[r] = quick
        lazy = slow[r]
        lazy = lazy + weight / (total if total < SLOW else SLOW) * (v - lazy)
        slow[r] = lazy
        band = quick - lazy
        carried = band * SPLIT
        band = carried - (carried - band)
        if abs(band) < TINY:
            band = 0.0

        # windows and their boxes
        here = (at[r] + 1) % RECENT
        at[r] = here
        kept = units[r]
        stage = phase[r] + 1
        keep = first or stage >= unit
        phase[r] = 0 if keep else stage
        if keep:
            units[r] = kept + 1
        smallest = floor * abs(level[r])
        if resolution > smallest:
            smallest = resolution
        recent = recents[r]
        quarter = quarters[r]
        coarse = coarses[r]
        used = box_used[r]
        lower = box_low[r]
        upper = box_high[r]
        least = lowest[r]
        most = highest[r]
        limits = vigilances[r]
        full = boxes[r]
        tick = ticks[r] + 1
        rise_from = known >= MATURE
        novelty = 1.0
        near_low = 0.0
        near_high = 0.0
        value_range = 0.0
        for source in range(2):
            y = residual if source == 0 else band
            span = most[1 + source] - least[1 + source]
            if smallest > span:
                span = smallest
            start = RECENT * source
            if first:
                for k in range(RECENT):
                    recent[start + k] = y
            else:
                recent[start + here] = y
            a0 = 0.0
            a1 = 0.0
            a2 = 0.0
            a3 = 0.0
            for j in range(SIDES):
                whole = 1.0 * recent[start + (here - j * unit) % RECENT]
                for k in range(1, unit):
                    whole = whole + 1.0 * recent[start + (here - j * unit - k) % RECENT]
                whole = whole / unit
                carried = whole * SPLIT
                whole = carried - (carried - whole)
                if abs(whole) < TINY:
                    whole = 0.0
                if j == 0:
                    a0 = whole
                elif j == 1:
                    a1 = whole
                elif j == 2:
                    a2 = whole
                else:
                    a3 = whole
            product = 1.0
            for scale in range(3):
                if scale > 0:
                    whole = (((a0 + a1) + a2) + a3) / 4.0
                    carried = whole * SPLIT
                    a0 = carried - (carried - whole)
                    if abs(a0) < TINY:
                        a0 = 0.0
                    if scale == 1:
                        start = QUARTER * source
                        if first:
                            for k in range(QUARTER):
                                quarter[start + k] = a0
                        a1 = 1.0 * quarter[start + (kept - 4) % QUARTER]
                        a2 = 1.0 * quarter[start + (kept - 8) % QUARTER]
                        a3 = 1.0 * quarter[start + kept % QUARTER]
                        if keep:
                            quarter[start + kept % QUARTER] = a0
                    else:
                        start = COARSE * source
                        if first:
                            for k in range(COARSE):
                                coarse[start + k] = a0
                        a1 = 1.0 * coarse[start + (kept - 16) % COARSE]
                        a2 = 1.0 * coarse[start + (kept - 32) % COARSE]
                        a3 = 1.0 * coarse[start + kept % COARSE]
                        if keep:
                            coarse[start + kept % COARSE] = a0
                memory = 3 * source + scale
                cells = memory * BOXES
                there = full[memory] + 0  # no unsigned number: mixed with others it would be a float
                limit = limits[memory]
                room = limit * span * WEIGHT
                nearest = math.inf
                near = 0
                best = math.inf
                chosen = -1
                for j in range(there):
                    b = (cells + j) * SIDES
                    lo = 1.0 * lower[b]
                    hi = 1.0 * upper[b]
                    grown = lo - a0 if a0 < lo else (a0 - hi if a0 > hi else 0.0)
                    if grown >= best:
                        continue
                    size = hi - lo
                    lo = 1.0 * lower[b + 1]
                    hi = 1.0 * upper[b + 1]
                    grown = grown + W1 * (lo - a1 if a1 < lo else (a1 - hi if a1 > hi else 0.0))
                    size = size + W1 * (hi - lo)
                    lo = 1.0 * lower[b + 2]
                    hi = 1.0 * upper[b + 2]
                    grown = grown + W2 * (lo - a2 if a2 < lo else (a2 - hi if a2 > hi else 0.0))
                    size = size + W2 * (hi - lo)
                    lo = 1.0 * lower[b + 3]
                    hi = 1.0 * upper[b + 3]
                    grown = grown + W3 * (lo - a3 if a3 < lo else (a3 - hi if a3 > hi else 0.0))
                    size = size + W3 * (hi - lo)
                    if grown < nearest:
                        nearest = grown
                        near = j
                    if grown < best and size + grown <= room:
                        best = grown
                        chosen = j
                distance = 0.0
                if there > 0 and nearest > 0:
                    distance = nearest / span / WEIGHT if span > 0 else FARTHEST
                    if distance > FARTHEST:
                        distance = FARTHEST
                product = product * (1.0 + PERCENT * distance)
                if memory == 0:
                    value_range = span
                    near_low = 1.0 * lower[near * SIDES]
                    near_high = 1.0 * upper[near * SIDES]
                if not teach:
                    continue
                fresh = chosen < 0
                if fresh:
                    chosen = there
                    if there < BOXES:
                        full[memory] = there + 1
                    else:
                        chosen = 0
                        for j in range(1, BOXES):
                            if used[cells + j] < used[cells + chosen]:
                                chosen = j
                used[cells + chosen] = tick
                b = (cells + chosen) * SIDES
                if fresh or a0 < lower[b]:
                    lower[b] = a0
                if fresh or a0 > upper[b]:
                    upper[b] = a0
                if fresh or a1 < lower[b + 1]:
                    lower[b + 1] = a1
                if fresh or a1 > upper[b + 1]:
                    upper[b + 1] = a1
                if fresh or a2 < lower[b + 2]:
                    lower[b + 2] = a2
                if fresh or a2 > upper[b + 2]:
                    upper[b + 2] = a2
                if fresh or a3 < lower[b + 3]:
                    lower[b + 3] = a3
                if fresh or a3 > upper[b + 3]:
                    upper[b + 3] = a3
                if rise_from:
                    limit = limit * (1.0 - SINK * weight)
                    if fresh:
                        limit = limit * RISE
                    if limit < TIGHT:
                        limit = TIGHT
                    limits[memory] = limit if limit < LOOSE else LOOSE
            if product > novelty:
                novelty = product

        discount = 1.0 + DISCOUNT * noise[r]
        if done >= 1.0:
            root = math.sqrt(math.sqrt(novelty))
            sixteenth = math.sqrt(math.sqrt(root))
            root = root * sixteenth * math.sqrt(math.sqrt(sixteenth))
            for _ in range(STEPS):
                root = root - (root - novelty / (root * root)) / 3.0
            score[i] = (root - 1.0) / discount if root > 1.0 else 0.0
            rise = 1.0 + discount
            margin = (rise * rise * rise - 1.0) / PERCENT * WEIGHT * value_range
            expected[i] = (near_low + near_high) / 2.0 + offset
            low[i] = near_low - margin + offset
            high[i] = near_high + margin + offset
        was = last[r]
        last[r] = v
        if not teach:
            continue

        # what else is learned of it
        ticks[r] = tick
        total = known + weight
        learned[r] = total
        wide = most[0] - least[0]
        change = 0.0
        if known > 0:
            change = abs(v - was)
            change = change / wide if change < wide else (1.0 if change > 0 else 0.0)
        gain = weight / (total if total < STEADY else STEADY)
        noise[r] = noise[r] + gain * (change - noise[r])
        level[r] = level[r] + gain * (v - level[r])
        for k in range(3):
            y = v if k == 0 else (residual if k == 1 else band)
            if known <= 0:
                least[k] = y
                most[k] = y
                continue
            wide = most[k] - least[k]
            closer = 0.5 * wide * weight / SHRINK if known >= HOLD else 0.0
            most[k] = y if y > most[k] else most[k] - closer
            least[k] = y if y < least[k] else least[k] + closer
        if count < 255:
            count += 1
            profile_count[hour] = count
        share = PROFILE / weight
        usual = usual + (v - usual) / (count if count < share else share)
        carried = usual * SPLIT
        usual = carried - (carried - usual)
        profile[hour] = usual if abs(usual) >= TINY else 0.0
