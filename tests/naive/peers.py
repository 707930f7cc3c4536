"""The slow, obvious twin of detectors.anomaly.peers: one machine, instant by instant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from detectors.anomaly.peers import Peers

SECOND = 1_000_000_000
FEW = {2: 1.196, 3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}


class NaivePeers:
    """One row."""

    def __init__(self, options: Peers):
        self.options = options
        self.learned = 0
        self.crowd = self.offset = self.spread = 0.0
        self.away_s = 0.0
        self.away = 0
        self.away_offset = 0.0

    def judge(self, x: Sequence[float], dt: float, learn: bool) -> tuple[float, float, float, float, float]:
        """Score, expected, low, high, warm."""
        o, nan = self.options, math.nan
        warm = min(self.learned / o.warmup, 1.0)
        others = [v for v in x[1:] if abs(v) < 1e100]
        if not abs(x[0]) < 1e100 or len(others) < o.at_least:
            return nan, nan, nan, nan, warm
        centre = median(others)
        n = len(others)
        across = 1.4826 * (FEW[n] if n in FEW else n / (n - 0.8)) * median(abs(v - centre) for v in others)
        own = math.sqrt(math.pi / 2) * self.spread
        sigma = max(across, self.crowd if self.learned else across, own, o.floor * abs(centre), o.resolution)
        distance = x[0] - centre
        error = distance - self.offset
        if sigma > 0:
            score = min(abs(error) / sigma / o.limit, 1e6)
        else:
            score = min((1e6 if error else 0.0) / o.limit, 1e6)
        expected, band = centre + self.offset, o.limit * sigma
        if learn:
            self.learn(across, distance, error, sigma, dt if dt > 0 else 0.0, score if warm >= 1 else None)
        if warm < 1:
            return nan, nan, nan, nan, warm
        return score, expected, expected - band, expected + band, warm

    def learn(self, across: float, distance: float, error: float, sigma: float, dt: float, score: float | None) -> None:
        o, count = self.options, self.learned + 1
        slow = dt / (dt + o.half_life / SECOND / math.log(2))
        self.crowd += max(1 / count, min(slow, 1 / 50)) * (across - self.crowd)
        self.learned += 1
        if score is None:
            return
        if score <= 1:
            clipped = max(-3 * sigma, min(3 * sigma, error))
            self.offset += slow * clipped
            self.spread += max(slow, 1 / count) * (abs(clipped) - self.spread)
            self.away_s = max(self.away_s - 2 * dt, 0.0)
            if self.away_s <= 0:
                self.away = 0
            return
        if self.away:
            self.away_s += dt
        self.away += 1
        step = 1 / min(self.away, 50)
        self.away_offset = self.away_offset + step * (distance - self.away_offset) if self.away > 1 else distance
        if self.away_s >= o.accept_after / SECOND and self.away >= 5:
            self.offset, self.away_s, self.away = self.away_offset, 0.0, 0
