"""The slow, obvious twin of detectors.anomaly.stuck: one row, one reading at a time, after its docstring."""

from __future__ import annotations

import math

from detectors.anomaly.stuck import Stuck

SECOND = 1e9
MEMORY = 50
FORGET_S = 28 * 86_400.0


class NaiveStuck:
    """One row. `judge` gives (score, warm)."""

    def __init__(self, options: Stuck):
        self.options = options
        self.level: float | None = None
        self.start = 0
        self.changes = 0
        self.mean = 0.0
        self.longest = 0.0

    def judge(self, time: int, x: float, dt: float, learn: bool) -> tuple[float, float]:
        """NaN where there is no opinion."""
        options = self.options
        warm = 1.0 if options.after is not None else min(self.changes / options.warmup, 1.0)
        limit = self._limit()
        if math.isnan(x):
            return math.nan, warm
        if self.level is None:
            self.level, self.start = x, time
            score = 0.0
        else:
            age = (time - self.start) / SECOND
            if abs(x - self.level) > options.resolution:
                if learn:
                    self._learn(age, limit)
                self.level, self.start = x, time
                score = 0.0
            else:
                score = age / limit
        return (score if warm >= 1 else math.nan), warm

    def _limit(self) -> float:
        options = self.options
        if options.after is not None:
            return options.after / SECOND
        return max(options.at_least / SECOND, options.factor * self.mean, 3.0 * self.longest)

    def _learn(self, age: float, limit: float) -> None:
        """A run has ended; one that was reported counts as at most twice the longest remembered."""
        reported = age >= limit and self.changes >= self.options.warmup
        run = min(age, 2.0 * self.longest) if reported else age
        self.changes += 1
        self.mean += 1.0 / min(self.changes, MEMORY) * (run - self.mean)
        self.longest = max(self.longest * max(1.0 - age / FORGET_S, 0.0), run)
