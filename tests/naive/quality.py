"""The slow, obvious twin of detectors.anomaly.quality: one row, one reading at a time, after its docstring."""

from __future__ import annotations

import math

from detectors.anomaly.quality import Quality


class NaiveQuality:
    """One row. `judge` gives the score."""

    def __init__(self, options: Quality):
        self.limit = options.limit
        self.badness = {0: 0.0, 1: options.uncertain, 2: 1.0}
        self.tau = options.half_life / 1e9 / math.log(2)
        self.share = 0.0

    def judge(self, dt: float, quality: int) -> float:
        """The first bad reading, and the row's very first, count in full; later ones by their time, 1/20 at most."""
        gain = 1 / 20
        if self.share > 0 and not math.isnan(dt):
            gain = min(gain, dt / (dt + self.tau))
        self.share += gain * (self.badness[quality] - self.share)
        return self.share / self.limit
