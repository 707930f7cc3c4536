"""The slow, obvious twin of the tail rule (`detectors.tail`): one row, one raw score at a time."""

from __future__ import annotations

import math
from itertools import islice

from detectors.calibration import Calibration
from tests.naive.calibration import NaiveCalibration


class NaiveTail(NaiveCalibration):
    """One row with `hold`. `judge` gives (score, alarm, threshold)."""

    def __init__(self, options: Calibration):
        super().__init__(options)
        self.rest_s = max(options.refractory_ns / 1e9, 60.0)
        self.rate = 1 / (3.75 * self.rest_s)
        self.weighed = 7.5 * self.rest_s
        self.peaks: list[float] = []
        self.event: tuple[int, float] | None = None
        self.factor = 1.0
        self.base = self._fit()
        self.threshold = max(self.base, 0.5)

    def judge(self, time: int, raw: float, dt: float) -> tuple[float, bool, float]:
        """As without `hold`, but for how the threshold moves."""
        threshold = self.threshold
        score, alarm, _ = super().judge(time, raw, dt)
        if math.isnan(raw):
            return score, alarm, threshold
        seconds = dt if dt > 0 else 0.0
        rested = self.event is None or time - self.event[0] > self.options.refractory_ns
        peak = raw > 1e-6 and (rested or raw > 3 * (self.event[1] if self.event else 0.0))
        self.rate += -self.rate * min(seconds / self.weighed, 0.5) + (1 / self.weighed if peak else 0.0)
        self.weighed = min(self.weighed + seconds, 160 * self.rest_s)
        if peak:
            self.event = (time, raw)
            self.peaks.append(raw)
            self.base = self._fit()
        sunk = 1 - min(0.3 * self.options.rate_per_s * seconds, 0.5)
        self.factor = min(max(self.factor * sunk * (math.exp(0.3) if alarm else 1.0), math.exp(-3)), math.exp(6))
        self.threshold = max(self.base * self.factor, 0.5)
        return score, alarm, threshold

    def _fit(self) -> float:
        """Hill's tail of the last 32 peaks, with eight peaks of the prior."""
        peaks = sorted(islice(reversed(self.peaks), 32))
        m = len(peaks)
        upper = peaks[m // 2 :]
        middle = math.log(upper[0]) if m else 0.0
        median = (m * middle + 8 * math.log(0.7)) / (m + 8)
        gamma = (sum(math.log(p) - middle for p in upper) + 8 * 0.7) / (len(upper) + 8)
        wanted = min(max(self.rate / 2 / self.options.rate_per_s, 1e-3), 1e6)
        return math.exp(min(max(median + gamma * math.log(wanted), -14), 14))
