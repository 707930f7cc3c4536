"""The slow, obvious twin of detectors.anomaly.robust_zscore: one row, one reading at a time, after its docstring."""

from __future__ import annotations

import math

from detectors.anomaly.robust_zscore import RobustZscore
from detectors.durations import duration_ns

SECOND = 1e9
TO_SIGMA = math.sqrt(math.pi / 2)
CAP = 1e6


class NaiveRobustZscore:
    """One row. `judge` gives (score, expected, low, high, warm)."""

    def __init__(self, options: RobustZscore):
        self.options = options
        self.learned = 0
        self.since = 0
        self.location = 0.0
        self.spread = 0.0
        self.away: list[float] = []  # seconds, readings, location, spread; empty = in band
        self.away_s = 0.0

    def judge(self, time: int, x: float, dt: float, learn: bool) -> tuple[float, float, float, float, float]:
        """NaN where there is no opinion."""
        none = math.nan
        warm = self._warm(time)
        if math.isnan(x) or abs(x) >= 1e100:
            return none, none, none, none, warm
        if not self.learned:
            self.location = x
        sigma = max(TO_SIGMA * self.spread, self.options.floor * abs(self.location), self.options.resolution)
        error = x - self.location
        score = min(self._ratio(abs(error), sigma) / self.options.limit, CAP)
        band = self.options.limit * sigma
        opinion = (score, self.location, self.location - band, self.location + band) if warm >= 1 else (none,) * 4
        if learn:
            seconds = dt if dt > 0 else 0.0
            if warm >= 1 and score > 1:
                self._stay_away(x, seconds)
            else:
                self._learn(time, error, sigma, seconds)
                self._come_back(seconds)
        return (*opinion, warm)

    def _warm(self, time: int) -> float:
        warmup = self.options.warmup
        if isinstance(warmup, int):
            return min(self.learned / warmup, 1.0)
        if self.learned < 8:
            return 0.0
        return min(max(time - self.since, 0) / duration_ns(warmup), 1.0)

    def _ratio(self, size: float, sigma: float) -> float:
        if sigma > 0:
            return size / sigma
        return CAP if size > 0 else 0.0

    def _learn(self, time: int, error: float, sigma: float, seconds: float) -> None:
        tau = self.options.half_life / SECOND / math.log(2)
        gain = max(1.0 / (self.learned + 1), min(seconds / (seconds + tau), 1 / 50))
        if self.learned >= 8 and sigma > 0:
            error = min(max(error, -3.0 * sigma), 3.0 * sigma)
        self.location += gain * error
        self.spread += gain * (abs(error) - self.spread)
        if not self.learned:
            self.since = time
        self.learned += 1

    def _stay_away(self, x: float, seconds: float) -> None:
        """Out of band: grow the level beside; take it over once it has lasted."""
        if not self.away:
            self.away = [1.0, x, 0.0]
        else:
            self.away_s += seconds
            count, location, spread = self.away
            count += 1
            step = 1.0 / min(count, 50)
            off = x - location
            self.away = [count, location + step * off, spread + step * (abs(off) - spread)]
        count, location, spread = self.away
        if self.away_s >= self.options.accept_after / SECOND and count >= 5:
            self.location, self.spread = location, max(spread, self.spread)
            self.away, self.away_s = [], 0.0

    def _come_back(self, seconds: float) -> None:
        """In band: this time counts twice against the time away."""
        self.away_s = max(self.away_s - 2.0 * seconds, 0.0)
        if self.away_s <= 0:
            self.away = []
