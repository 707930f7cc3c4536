"""The slow, obvious twin of detectors.anomaly.unit_swap: one row, one reading at a time, after its docstring."""

from __future__ import annotations

import math
from dataclasses import dataclass

from detectors.anomaly.swaps import SWAPS, Swap
from detectors.anomaly.unit_swap import UnitSwap


@dataclass
class Suspicion:
    """A swap that the readings since `since` may be explained by."""

    swap: Swap
    since: int
    hits: int
    misses: int
    moved: float
    farthest: float

    def old(self, x: float) -> float:
        """A value in the unit of before."""
        return (x - self.swap.offset) / self.swap.scale


class NaiveUnitSwap:
    """One row. `judge` gives (score, expected, warm)."""

    def __init__(self, options: UnitSwap):
        self.options = options
        self.level: float | None = None
        self.move = self.jumps = 0.0
        self.moves = 0
        self.low = self.high = math.nan
        self.suspicion: Suspicion | None = None

    def judge(self, time: int, x: float, dt: float, learn: bool) -> tuple[float, float, float]:
        """NaN where there is no opinion."""
        warm = min(self.moves / self.options.warmup, 1.0)
        if not abs(x) < 1e100:
            return math.nan, math.nan, warm
        nothing = 0.0 if warm >= 1 else math.nan
        if self.level is None:
            self.level = x
            return nothing, math.nan, warm
        near = max(4 * self.move, 0.005 * abs(self.level))
        if self.suspicion is not None:
            score, expected = self._follow(self.suspicion, time, x, learn, near)
            return score, expected, warm
        jump = abs(x - self.level) > 4 * near
        if warm >= 1 and learn and self.jumps <= 0.02 and self._suspect(time, x, near, jump):
            return 1 / self.options.after, math.nan, warm
        if learn:
            self._learn(x, near, jump and warm >= 1)
        self.level = x
        return nothing, math.nan, warm

    def _suspect(self, time: int, x: float, near: float, jump: bool) -> bool:
        assert self.level is not None
        fits = []
        for swap in SWAPS:
            old = (x - swap.offset) / swap.scale
            near_zero = swap.scale != 1 and abs(self.level) < 2 * near
            seen = 0.02 < swap.scale < 50 and self.low <= x <= self.high
            goes_on = jump and abs(old - self.level) <= near and not near_zero and not seen
            if goes_on or self._clear(swap, x, old):
                fits.append((abs(old - self.level), SWAPS.index(swap)))
        if not fits:
            return False
        _, place = min(fits)
        self.suspicion = Suspicion(SWAPS[place], time, 1, 0, 0.0, x)
        self.level = self.suspicion.old(x)
        return True

    def _clear(self, swap: Swap, x: float, old: float) -> bool:
        """Whether a large factor explains why a value is clear out of the range."""
        wide = self.high - self.low
        above = x > self.high + wide or x < self.low - wide
        under = 0 < x < self.low / 4 or 0 > x > self.high / 4
        large = (swap.scale > 50 and above) or (swap.scale < 1 / 50 and under)
        return large and self.low <= old <= self.high

    def _follow(self, now: Suspicion, time: int, x: float, learn: bool, near: float) -> tuple[float, float]:
        assert self.level is not None
        after = self.options.after
        sure = now.hits >= after
        old = now.old(x)
        near_zero = now.swap.scale != 1 and abs(self.level) < 2 * near
        fits, back = abs(old - self.level) <= near and not near_zero, abs(x - self.level) <= near
        large = not 1 / 50 <= now.swap.scale <= 50
        fits = fits or (large and self.low <= old <= self.high and not self.low <= x <= self.high)
        if fits or back:
            now.misses = 0
        else:
            now.misses += 1
            wide = self.high - self.low
            if sure and self.low - wide <= old <= self.high + wide and not self.low <= x <= self.high:
                fits, now.misses = True, 0
            elif now.misses >= 3:
                back = True
        if fits:
            now.hits += 1
            if not sure:
                now.moved += abs(old - self.level)
            self.level = old
            if abs(x - self.low) > abs(now.farthest - self.low):
                now.farthest = x
        elif back:
            self.suspicion, self.level = None, x
            if learn:
                self._widen(now.farthest)
            return (0.0, math.nan)
        if now.hits == after and not sure:
            usual = now.moved / (after - 1)
            if usual * 5 < self.move or usual > 5 * self.move:
                self.suspicion, self.level = None, x
                return (0.0, math.nan)
        if now.hits < after:
            return now.hits / after, math.nan
        expected = self.level
        if learn and time - now.since >= self.options.accept_after:
            self.low = self.high = self.level = x
            self.move *= now.swap.scale
            self.suspicion = None
        return 2.0, expected

    def _learn(self, x: float, near: float, jump: bool) -> None:
        assert self.level is not None
        size = abs(x - self.level)
        if size > 0:
            self.moves += 1
            gain = 1 / min(self.moves, 100)
            self.move += gain * ((4 * near if jump else size) - self.move)
            self.jumps += gain * (float(jump) - self.jumps)
        self._widen(x)

    def _widen(self, x: float) -> None:
        self.low = x if math.isnan(self.low) else min(self.low, x)
        self.high = x if math.isnan(self.high) else max(self.high, x)
