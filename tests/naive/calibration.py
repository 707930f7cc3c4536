"""The slow, obvious twin of detectors.calibration: one row, one raw score at a time, after its docstring."""

from __future__ import annotations

import math

from detectors.calibration import Calibration


class NaiveCalibration:
    """One row. `judge` gives (score, alarm, threshold)."""

    def __init__(self, options: Calibration):
        self.options = options
        self.threshold = 1.0
        self.last: tuple[int, float] | None = None  # time and raw score of the last alarm
        self.armed = True
        self.alarms = 0
        self.watched_s = 0.0

    def judge(self, time: int, raw: float, dt: float) -> tuple[float, bool, float]:
        """No opinion (NaN) changes nothing."""
        threshold = self.threshold
        if math.isnan(raw):
            return math.nan, False, threshold
        seconds = dt if dt > 0 else 0.0
        self.watched_s += seconds
        worse = self.last is None or raw > 3.0 * self.last[1]
        if self.options.rule == "budget":
            rested = self.last is None or time - self.last[0] > self.options.refractory_ns
            alarm = raw > threshold and (rested or worse)
            sunk = threshold * (1.0 - min(0.3 * self.options.rate_per_s * seconds, 0.5))
            self.threshold = max(sunk * (math.exp(0.3) if alarm else 1.0), 0.5)
        else:
            alarm = raw >= 1.0 and (self.armed or worse)
        if alarm:
            self.last = (time, raw)
            self.alarms += 1
            self.armed = False
        if raw < 0.8:
            self.armed = True
        return raw / threshold, alarm, threshold
