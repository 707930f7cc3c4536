"""The kernel of unit_swap: two units weighed against each other, reading by reading."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from detectors.anomaly.swaps import SWAPS
from detectors.base import Floats, Ints
from detectors.compiled import Kernel

_HUGE = 1e100
"""Larger numbers are no measurement and would overflow."""
_MEMORY = 100.0
"""Moves remembered."""
_WIDTH = 4.0
"""A value goes on from the last where it is at most so many usual moves away."""
_FLOOR = 0.005
"""And at least this share of it: what is sent in another unit is rounded otherwise."""
_FAR = 4.0
"""A jump that a swap may explain is this many times what goes on."""
_LARGE = 50.0
"""Factors from here on, and their inverses, move a value clear out of its range: then that is enough."""
_OFTEN = 0.02
"""A series that jumps more often than this share of its moves is not judged: some jump hits a factor by chance."""
_ALIKE = 5.0
"""Moves behind the jump, in the old unit, are as large as before but for this factor."""
_PATIENCE = 3.0
"""Readings in a row that fit neither unit end a suspicion."""
_SCORE = 2.0
_SCALE = tuple(swap.scale for swap in SWAPS)
_OFFSET = tuple(swap.offset for swap in SWAPS)


class UnitSwapState(NamedTuple):
    """One row each; levels are in the unit of before the swap."""

    level: Floats  # the last value, NaN at first
    move: Floats  # mean size of moves that are not 0
    moves: Floats  # how many were learned
    jumps: Floats  # share of moves that were jumps
    swap: Ints  # 0 = none, else 1 + its place in SWAPS
    since: Ints  # when it began, ns
    hits: Floats  # readings that fit it
    misses: Floats  # readings in a row that fit neither unit
    moved: Floats  # sum of moves under it, in the old unit
    low: Floats  # range of the values of before
    high: Floats
    farthest: Floats  # value under the swap that is farthest from that range


@Kernel
def judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, score: Any, expected: Any, lows: Any, highs: Any, warm: Any,
    level: Any, move: Any, moves: Any, jumps: Any, swap: Any, since: Any, hits: Any, misses: Any, moved: Any,
    low: Any, high: Any, farthest: Any, warmup: Any, after: Any, accept: Any,
) -> None:  # fmt: skip
    """Score n readings in order, and keep the state of their rows; columns as of `Detector.kernel`."""
    for i in range(len(rows)):
        r = rows[i]
        v = x[i]
        score[i] = math.nan
        expected[i] = math.nan
        lows[i] = math.nan
        highs[i] = math.nan
        known = moves[r]
        warm[i] = known / warmup if known < warmup else 1.0
        if not abs(v) < _HUGE:
            continue
        ready = known >= warmup
        was = level[r]
        if was != was:
            level[r] = v
            if ready:
                score[i] = 0.0
            continue
        near = _WIDTH * move[r]
        if _FLOOR * abs(was) > near:
            near = _FLOOR * abs(was)
        if ready:
            score[i] = 0.0
        if swap[r] > 0:
            scale = _SCALE[swap[r] - 1]
            offset = _OFFSET[swap[r] - 1]
            u = (v - offset) / scale
            fits = abs(u - was) <= near and (scale == 1.0 or abs(was) >= 2.0 * near)
            back = abs(v - was) <= near
            if (scale > _LARGE or scale < 1.0 / _LARGE) and low[r] <= u <= high[r] and not low[r] <= v <= high[r]:
                fits = True
            sure = hits[r] >= after
            if fits or back:
                misses[r] = 0.0
            else:
                misses[r] = misses[r] + 1.0
                # a large move of a series whose swap is sure: the range of before tells in which unit
                wide = high[r] - low[r]
                if sure and low[r] - wide <= u <= high[r] + wide and not low[r] <= v <= high[r]:
                    fits = True
                    misses[r] = 0.0
                elif misses[r] >= _PATIENCE:
                    back = True
            if fits:
                hits[r] = hits[r] + 1.0
                if not sure:
                    moved[r] = moved[r] + abs(u - was)
                level[r] = u
                if abs(v - low[r]) > abs(farthest[r] - low[r]):
                    farthest[r] = v
            elif back:
                swap[r] = 0
                level[r] = v
                if learn[i]:  # what was there under it is not new when it comes again
                    if not farthest[r] >= low[r]:
                        low[r] = farthest[r]
                    if not farthest[r] <= high[r]:
                        high[r] = farthest[r]
                continue
            if hits[r] == after and not sure:
                usual = moved[r] / (after - 1.0)
                if usual * _ALIKE < move[r] or usual > _ALIKE * move[r]:
                    swap[r] = 0
                    level[r] = v
                    continue
            if hits[r] < after:
                score[i] = hits[r] / after
                continue
            score[i] = _SCORE
            expected[i] = level[r]
            lows[i] = level[r] - near
            highs[i] = level[r] + near
            if learn[i] and time[i] - since[r] >= accept:  # it lasts: this is the unit now
                low[r] = v
                high[r] = v
                move[r] = move[r] * scale
                level[r] = v
                swap[r] = 0
            continue
        size = abs(v - was)
        jump = size > _FAR * near
        wide = high[r] - low[r]
        above = v > high[r] + wide or v < low[r] - wide
        under = 0.0 < v < low[r] / _FAR or 0.0 > v > high[r] / _FAR
        if ready and learn[i] and (jump or above or under) and jumps[r] <= _OFTEN:
            best = math.inf
            for k in range(len(_SCALE)):
                scale = _SCALE[k]
                u = (v - _OFFSET[k]) / scale
                # near 0 every factor fits, and a value that was there before needs no other unit
                small = 1.0 / _LARGE < scale < _LARGE
                fits = jump and abs(u - was) <= near and (scale == 1.0 or abs(was) >= 2.0 * near)
                if small and low[r] <= v <= high[r]:
                    fits = False
                if low[r] <= u <= high[r] and ((above and scale > _LARGE) or (under and scale < 1.0 / _LARGE)):
                    fits = True
                if fits and abs(u - was) < best:
                    best = abs(u - was)
                    swap[r] = k + 1
            if swap[r] > 0:
                u = (v - _OFFSET[swap[r] - 1]) / _SCALE[swap[r] - 1]
                since[r] = time[i]
                hits[r] = 1.0
                misses[r] = 0.0
                moved[r] = 0.0
                farthest[r] = v
                level[r] = u
                score[i] = 1.0 / after
                continue
        if learn[i]:
            if size > 0:
                count = known + 1.0
                moves[r] = count
                gain = 1.0 / (count if count < _MEMORY else _MEMORY)
                taught = size
                if ready and jump:
                    taught = _FAR * near
                move[r] = move[r] + gain * (taught - move[r])
                jumps[r] = jumps[r] + gain * ((1.0 if ready and jump else 0.0) - jumps[r])
            if not v >= low[r]:
                low[r] = v
            if not v <= high[r]:
                high[r] = v
        level[r] = v
