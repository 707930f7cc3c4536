"""The slow, obvious twin of detectors.anomaly.nelson: one row, its last points kept, each rule read off them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from detectors.anomaly.control_chart import MEAN_RANGE, RANGE_LIMIT
from detectors.anomaly.nelson import Nelson
from detectors.durations import duration_ns

CAP = 1e6


def all_one_sign(signs: list[int], n: int) -> bool:
    last = signs[-n:]
    return len(last) == n and (all(s == 1 for s in last) or all(s == -1 for s in last))


def enough_with_the_last(signs: list[int], need: int, of: int) -> bool:
    return signs[-1] != 0 and signs[-of:].count(signs[-1]) >= need


def steps(points: list[float]) -> list[int]:
    """+1, 0 or -1 for each step from one point to the next."""
    return [(b > a) - (b < a) for a, b in pairwise(points)]


class Judged(NamedTuple):
    """A point with the limits in force when it came."""

    off: float
    sigma: float

    def zone(self, beyond: float) -> int:
        """+1 above the centre by more than so many sigmas, -1 below, else 0; without sigma, 0."""
        if self.sigma <= 0:
            return 0
        return 1 if self.off > beyond * self.sigma else -1 if self.off < -beyond * self.sigma else 0


def rules(points: list[Judged], path: list[float]) -> set[int]:
    """Which of rules 2 to 8 fire on the last of the points judged; `path` has the point before the first, too."""
    turns = [a * b < 0 for a, b in pairwise(steps(path))]
    one, two = [p.zone(1) for p in points], [p.zone(2) for p in points]
    inside = [p.sigma > 0 and abs(p.off) < p.sigma for p in points]
    found = {
        2: all_one_sign([(p.off > 0) - (p.off < 0) for p in points], 9),
        3: all_one_sign(steps(path), 5),
        4: len(turns) >= 12 and all(turns[-12:]),
        5: enough_with_the_last(two, 2, 3),
        6: enough_with_the_last(one, 4, 5),
        7: len(inside) >= 15 and all(inside[-15:]),
        8: len(one) >= 8 and all(one[-8:]),
    }
    return {n for n, fires in found.items() if fires}


class NaiveNelson:
    """One row. `judge` gives (score, expected, low, high, warm)."""

    def __init__(self, options: Nelson):
        self.options = options
        self.d2 = MEAN_RANGE[options.subgroup - 1]
        self.d4 = RANGE_LIMIT[options.subgroup - 1]
        self.group: list[tuple[float, bool]] = []
        self.last: float | None = None
        self.points = 0
        self.since = 0
        self.warm = 0.0
        self.centre = 0.0
        self.ranges = 0
        self.mean_range = 0.0
        self.judged: list[Judged] = []
        self.path: list[float] = []
        self.fired: set[int] = set()

    def judge(self, time: int, x: float, dt: float, learn: bool) -> tuple[float, float, float, float, float]:
        """NaN where there is no opinion."""
        nothing = (math.nan,) * 4
        warm = self.warm
        if math.isnan(x) or abs(x) >= 1e100:
            return (*nothing, warm)
        self.group.append((x, learn))
        if len(self.group) < self.options.subgroup:
            return (*nothing, warm)
        values = [value for value, _ in self.group]
        taught = all(may for _, may in self.group)
        self.group = []
        total = 0.0
        for value in values:
            total += value
        point = total / len(values)
        if len(values) > 1:
            spread: float | None = max(values) - min(values)
        else:
            spread = abs(point - self.last) if self.last is not None else None
        opinion = nothing
        if warm >= 1:
            opinion = self._opinion(point, spread)
            if taught and self.options.adapt and not self.fired:
                self._move(point, spread, self.points, self.points)
        elif taught:
            self._phase_one(time, point, spread)
        self.last = point
        return (*opinion, warm)

    def _opinion(self, point: float, spread: float | None) -> tuple[float, float, float, float]:
        options = self.options
        sigma = max(self.mean_range / self.d2 / math.sqrt(options.subgroup), options.resolution)
        if not self.path and self.last is not None:
            self.path = [self.last]
        off = point - self.centre
        self.judged, self.path = [*self.judged, Judged(off, sigma)][-20:], [*self.path, point][-20:]
        grade = min(abs(off) / (3 * sigma), CAP) if sigma > 0 else (CAP if off else 0.0)
        wide = 0.0
        if spread is not None:
            limit = max(self.d4 * self.mean_range, self.d4 * self.d2 * math.sqrt(options.subgroup) * options.resolution)
            wide = min(spread / limit, CAP) if limit > 0 else (CAP if spread else 0.0)
        found = rules(self.judged, self.path) | ({1} if grade >= 1 else set())
        self.fired = found & set(options.rules)
        score = grade if 1 in options.rules else 0.0
        if options.ranges:
            score = max(score, wide)
            self.fired |= {9} if wide >= 1 else set()
        if self.fired:
            score = max(score, 1.0)
        return score, self.centre, self.centre - 3 * sigma, self.centre + 3 * sigma

    def _phase_one(self, time: int, point: float, spread: float | None) -> None:
        warmup = self.options.warmup
        if not self.points:
            self.since = time
        self.points += 1
        self.ranges += spread is not None
        self._move(point, spread, self.points, self.ranges)
        if isinstance(warmup, int):
            self.warm = min(self.points / warmup, 1.0)
        elif self.points >= 20:
            self.warm = min(max(time - self.since, 0) / duration_ns(warmup), 1.0)

    def _move(self, point: float, spread: float | None, points: int, ranges: int) -> None:
        self.centre += (point - self.centre) / points
        if spread is not None:
            self.mean_range += (spread - self.mean_range) / ranges
