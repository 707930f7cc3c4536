"""The slow, obvious twin of streams.fitness: one row, one reading at a time."""

from __future__ import annotations

import math

DAY_S = 86_400.0


class NaiveFitness:
    """One row. `judge` gives 0 where the model fits, 1 where not, 2 where it ceases to."""

    def __init__(self, limit: float):
        self.limit = limit
        self.share = 0.0
        self.unfit = False

    def judge(self, dt: float, score: float) -> int:
        """The share of anomalous time has a half-life of a day, a reading counts 1/50 at most."""
        if math.isnan(score):
            return int(self.unfit)
        tau = DAY_S / math.log(2)
        gain = 0.0 if math.isnan(dt) else min(dt / (dt + tau), 1 / 50)
        self.share += gain * (float(score >= 1) - self.share)
        if self.unfit:
            self.unfit = self.share >= self.limit / 2
            return int(self.unfit)
        if self.share > self.limit:
            self.unfit = True
            return 2
        return 0
