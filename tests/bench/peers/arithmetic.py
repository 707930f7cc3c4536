"""What a user of these frameworks would write for the default site: one series, gate and robust z-score, plain Python.

The same formulas as detectors/anomaly (limits, stuck, robust_zscore) and detectors/calibration.py, for good readings of
one series with the default options; tests/bench/test_arithmetic.py compares them. Standard library only.
"""

import math
from datetime import datetime

TO_SIGMA = math.sqrt(math.pi / 2)
TAU_S = 4 * 3600 / math.log(2)
RATE_PER_S = 1 / (7 * 86_400)  # one false alarm a week
REFRACTORY_S = 3600.0


def seconds(time):
    """Seconds since the epoch of an RFC 3339 time."""
    return datetime.fromisoformat(time).timestamp()


class Series:
    """One series: `judge` takes its readings in order and says which watches alarm."""

    __slots__ = (
        "alarmed", "away_count", "away_location", "away_s", "away_spread", "changes", "height", "high", "last",
        "learned", "level", "location", "longest", "low", "mean", "spread", "start", "stuck_armed", "stuck_height",
        "threshold", "time",
    )  # fmt: skip

    def __init__(self, low=-math.inf, high=math.inf):
        self.low, self.high, self.last, self.time = low, high, 0.0, None
        self.level, self.start, self.changes, self.mean, self.longest = None, 0.0, 0.0, 0.0, 0.0
        self.stuck_armed, self.stuck_height = True, 0.0
        self.learned = self.location = self.spread = 0.0
        self.away_s = self.away_count = self.away_location = self.away_spread = 0.0
        self.threshold, self.alarmed, self.height = 1.0, -math.inf, 0.0

    def judge(self, time, x):
        """Alarms of one reading, `time` in seconds: (limits, stuck, robust_zscore)."""
        dt = 0.0 if self.time is None else time - self.time
        self.time = time
        outside = x < self.low or x > self.high
        flat = self._stuck(time, x)
        if outside or (flat is not None and flat >= 1.0):
            return outside, self._edge(flat), False
        self._edge(flat)
        return False, False, self._robust(time, x, dt)

    def _stuck(self, time, x):
        """Age of the flat run over its limit; None while it is not known."""
        warm = self.changes >= 30
        if self.level is None:
            self.level, self.start = x, time
            return 0.0 if warm else None
        age = time - self.start
        limit = max(10.0 * self.mean, 3.0 * self.longest, 300.0)
        if x == self.level:
            return age / limit if warm else None
        self.level, self.start = x, time
        run = min(age, 4.0 * self.longest) if age >= limit and warm else age
        self.changes += 1.0
        self.mean += 1.0 / min(self.changes, 50.0) * (run - self.mean)
        self.longest = max(self.longest * max(1.0 - age / 2_419_200.0, 0.0), run)
        return 0.0 if self.changes > 30 else None

    def _edge(self, score):
        """Whether a score against a limit of its own is an alarm."""
        if score is None:
            return False
        alarm = score >= 1.0 and (self.stuck_armed or score > 3.0 * self.stuck_height)
        self.stuck_armed = (self.stuck_armed and not alarm) or score < 0.8
        if alarm:
            self.stuck_height = score
        return alarm

    def _robust(self, time, x, dt):
        """Score, learn, calibrate; whether it is an alarm."""
        if self.learned <= 0:
            self.location = x
        location, spread = self.location, self.spread
        sigma = max(TO_SIGMA * spread, 1e-3 * abs(location))
        error = x - location
        size = abs(error)
        raw = min((size / sigma if sigma > 0 else 1e6 if size > 0 else 0.0) / 6.0, 1e6)
        ready = self.learned >= 50
        if ready and raw > 1.0:
            self._away(x, dt)
        else:
            gain = max(1.0 / (self.learned + 1.0), min(dt / (dt + TAU_S), 0.02))
            if self.learned >= 8 and sigma > 0:
                error = min(max(error, -3.0 * sigma), 3.0 * sigma)
            self.location = location + gain * error
            self.spread = spread + gain * (abs(error) - spread)
            self.learned += 1.0
            self.away_s = max(self.away_s - 2.0 * dt, 0.0)
            if self.away_s <= 0:
                self.away_count = 0.0
        return ready and self._calibrated(time, raw, dt)

    def _away(self, x, dt):
        if self.away_count > 0:
            self.away_s += dt
            self.away_count += 1.0
            step = 1.0 / min(self.away_count, 50.0)
            off = x - self.away_location
            self.away_location += step * off
            self.away_spread += step * (abs(off) - self.away_spread)
        else:
            self.away_count, self.away_location, self.away_spread = 1.0, x, 0.0
        if self.away_s >= 3600.0 and self.away_count >= 5:
            self.location, self.spread = self.away_location, max(self.away_spread, self.spread)
            self.away_s = self.away_count = 0.0

    def _calibrated(self, time, raw, dt):
        alarm = raw > self.threshold and (self.alarmed < time - REFRACTORY_S or raw > 3.0 * self.height)
        sink = 1.0 - min(0.3 * RATE_PER_S * dt, 0.5)
        self.threshold = max(self.threshold * sink * (math.exp(0.3) if alarm else 1.0), 0.5)
        if alarm:
            self.alarmed, self.height = time, raw
        return alarm
