"""The slow, obvious twin of detectors.anomaly.level_shift: one row, all that is needed of its past kept in lists."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from detectors.anomaly.level_shift import LevelShift
from detectors.anomaly.pace import follow


class Scale:
    """Mean size of at most about 2000 last ones, each up to 3 sigma once there are eight."""

    def __init__(self) -> None:
        self.mean, self.count = 0.0, 0

    def sigma(self, smallest: float) -> float:
        return max(math.sqrt(math.pi / 2) * self.mean, smallest)

    def add(self, size: float, smallest: float) -> None:
        sigma = self.sigma(smallest)
        if self.count >= 8 and sigma > 0:
            size = min(size, 3 * sigma)
        self.count += 1
        self.mean += (size - self.mean) / min(self.count, 2000)


class NaiveLevelShift:
    """One row. `judge` gives (score, expected, low, high, warm)."""

    def __init__(self, options: LevelShift):
        self.options = options
        self.newest: int | None = None
        self.interval, self.intervals = np.zeros(1), np.zeros(1)
        self.values: list[float] = []  # since the last pause
        self.steady: list[float | None] = []  # level of each of them, None where it is not steady
        self.shifts: list[float | None] = []  # of all bins
        self.level, self.learned = 0.0, 0
        self.halves, self.sizes = Scale(), Scale()
        self.known: list[list[float]] = []

    def judge(self, time: int, x: float, dt: float, learn: bool) -> tuple[float, float, float, float, float]:
        """NaN where there is no opinion."""
        o = self.options
        warm = min(self.learned * o.every / o.warmup, 1.0)
        nan = math.nan
        if not abs(x) < 1e100:
            return nan, nan, nan, nan, warm
        self._pace(time)
        smallest = max(o.floor * abs(self.level), o.resolution)
        self.values.append(x)
        self.steady.append(self._steady(learn, smallest))
        span = max((b for _, b in self.known), default=0.0) - min((a for a, _ in self.known), default=0.0)
        sigma = max(self.sizes.sigma(smallest), 0.01 * span if self.known else 0.0)
        base = self._before(sigma)
        mean = self.steady[-1]
        shift = None if base is None or mean is None else mean - base
        said = (nan, nan, nan, nan)
        if warm >= 1:
            said = (0.0, nan, nan, nan)
            if shift is not None and base is not None and self.known:
                near = min(self.known, key=lambda known: _outside(shift, known))
                off = _outside(shift, near)
                score = 0.0 if off <= 0 else min(off / sigma / o.limit, 1e6) if sigma > 0 else 1e6
                inside = min(max(shift, near[0]), near[1])
                said = (score, base + inside, base + near[0] - o.limit * sigma, base + near[1] + o.limit * sigma)
        self.shifts.append(shift if learn else None)
        if learn:
            self.learned += 1
            if shift is not None:
                self.sizes.add(abs(shift), smallest)
            old = self.shifts[-9] if len(self.shifts) > 8 else None
            if old is not None:
                self._know(old, sigma)
        return (*said, warm)

    def _pace(self, time: int) -> None:
        gap = 0.0 if self.newest is None else (time - self.newest) / 1e9
        self.newest = time
        if gap > 4 * self.interval[0] > 0:
            self.values, self.steady = [], []
        self.interval, self.intervals = follow(self.interval, self.intervals, np.array([gap]), np.array([gap > 0]))

    def _steady(self, learn: bool, smallest: float) -> float | None:
        if len(self.values) < 4:
            return None
        a, b, c, d = self.values[-4:]
        mean = ((d + c) / 2 + (a + b) / 2) / 2
        apart = abs((d + c) / 2 - (a + b) / 2)
        steady = self.halves.count < 8 or apart <= 4 * self.halves.sigma(smallest)
        if learn:
            self.halves.add(apart, smallest)
            self.level += (mean - self.level) / min(self.halves.count, 2000)
        return mean if steady else None

    def _before(self, sigma: float) -> float | None:
        """The level of before, where this one is steady."""
        past = self.steady[::-1]  # past[k]: k bins ago
        found = [mean for mean in past[4:14] if mean is not None]
        if past[0] is None or not found:
            return None
        same = [past[k] for k in (8, 12) if k < len(past)]
        agree = [mean for mean in same if mean is not None and abs(mean - found[0]) <= 4 * sigma]
        return sum(agree, found[0]) / (1 + len(agree))

    def _know(self, shift: float, sigma: float) -> None:
        near = min(self.known, key=lambda known: _outside(shift, known), default=None)
        if near is not None and _outside(shift, near) <= 2 * sigma:
            near[:] = min(near[0], shift), max(near[1], shift)
            near[0] += (shift - near[0]) / 8000
            near[1] += (shift - near[1]) / 8000
            return
        if len(self.known) == 12:
            one, other = min(combinations(self.known, 2), key=lambda pair: _apart(*pair))
            one[:] = min(one[0], other[0]), max(one[1], other[1])
            other[:] = self.known[-1]
            self.known.pop()
        self.known.append([shift, shift])


def _outside(x: float, known: list[float]) -> float:
    return max(known[0] - x, x - known[1], 0.0)


def _apart(one: list[float], other: list[float]) -> float:
    below, above = sorted((one, other), key=lambda known: known[0])
    return above[0] - below[1]
