"""The slow, obvious twin of detectors.anomaly.trend_rul: one row, one reading at a time, after its docstring."""

from __future__ import annotations

import math
from itertools import combinations, pairwise
from statistics import NormalDist, median
from typing import NamedTuple

from detectors.anomaly.trend_rul import TrendRul


class Line(NamedTuple):
    """A line through (time ns, value) with a slope a second and its bounds, None where the points bound none."""

    newest: int
    pivot_s: float
    middle: float
    slope: float
    bounds: tuple[float, float] | None

    def at(self, time: int, slope: float) -> float:
        """The value of a line with this slope through the same middle."""
        return self.middle + slope * self.ahead(time)

    def ahead(self, time: int) -> float:
        return (time - self.newest) / 1e9 - self.pivot_s


class NaiveTrendRul:
    """One row. `judge` gives (score, expected, low, high, warm)."""

    def __init__(self, options: TrendRul):
        self.options = options
        self.every = options.window // 42
        self.bucket: list[tuple[int, float]] = []
        self.start: int | None = None
        self.points: list[tuple[int, float]] = []
        self.line: Line | None = None

    def judge(self, time: int, x: float, dt: float, learn: bool) -> tuple[float, float, float, float, float]:
        """NaN where there is no opinion."""
        none = math.nan
        if math.isnan(x) or abs(x) >= 1e100:
            return none, none, none, none, self._warm()
        if learn:
            start = time // self.every * self.every
            if start != self.start:
                if self.start is not None:
                    self._close(self.start)
                self.start, self.bucket = start, []
            self.bucket.append((time, x))
        warm = self._warm()
        if warm < 1 or self.line is None:
            return none, none, none, none, warm
        line = self.line
        low, high = line.bounds or (math.nan, math.nan)
        score = none if self.options.limit is None else self._score(time, line, self.options.limit)
        return score, line.at(time, line.slope), line.at(time, low), line.at(time, high), warm

    def _warm(self) -> float:
        return min(len(self.points) / self.options.least, 1.0)

    def _score(self, time: int, line: Line, limit: float) -> float:
        """Horizon over the time to the limit of the steepest plausible line; 0 where it may not lead there at all."""
        if line.bounds is None:
            return 0.0
        side = 1 if self.options.side == "above" else -1
        slow, fast = sorted(side * bound for bound in line.bounds)
        if slow <= 0:
            return 0.0
        left = side * (limit - line.middle) - fast * line.ahead(time)
        horizon = self.options.horizon / 1e9
        return 100.0 if left <= 0 or horizon * fast >= 100 * left else horizon * fast / left

    def _close(self, start: int) -> None:
        total = age = 0.0
        for time, x in self.bucket:
            total += x
            age += (time - start) / 1e9
        newest = start + int(age / len(self.bucket) * 1e9)
        points = self.points[-41:]
        while points and newest - points[0][0] > self.options.window:
            points = points[1:]
        self.points = [*points, (newest, total / len(self.bucket))]
        if len(self.points) >= self.options.least:
            self.line = self._fit(newest)

    def _fit(self, newest: int) -> Line:
        points = [((time - newest) / 1e9, y) for time, y in self.points]
        slopes = sorted(
            (v - u) / ((b - a) / 1e9) for (a, u), (b, v) in combinations(self.points, 2) if b > a
        )  # fmt: skip
        slope = median(slopes) if slopes else 0.0
        pivot = median(t for t, _ in points)
        rest = [y - slope * (t - pivot) for t, y in points]
        middle = median(rest)
        off = [y - middle for y in rest]
        n, own = len(off), 0.0
        for e in off:
            own += e * e
        with_next = 0.0
        for e, f in pairwise(off):
            with_next += e * f
        r = with_next / own if own > 0 else 0.0
        r = min(max(r + (1 + 4 * r) / n, 0.0), 0.95)
        variance = n * (n - 1) * (2 * n + 5) / 18 * (1 + r) / (1 - r)
        rank = (len(slopes) - NormalDist().inv_cdf((1 + self.options.confidence) / 2) * math.sqrt(variance)) / 2
        bounds = (slopes[int(rank) - 1], slopes[-int(rank)]) if rank >= 1 else None
        return Line(newest, pivot, middle, slope, bounds)
