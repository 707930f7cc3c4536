"""The slow, obvious twin of detectors.anomaly.limits: one row, one reading at a time, after its docstring."""

from __future__ import annotations

import math

from detectors.anomaly.limits import Limits

CAP = 1e6


class NaiveLimits:
    """One row. `judge` gives (score, low, high)."""

    def __init__(self, options: Limits, low: float | None = None, high: float | None = None, rate: float | None = None):
        self.low = options.low if low is None else low
        self.high = options.high if high is None else high
        self.rate = options.rate if rate is None else rate
        self.deadband = options.deadband
        self.last: float | None = None
        self.since = 0.0

    def judge(self, time: int, x: float, dt: float, learn: bool) -> tuple[float, float, float]:
        """NaN where there is no opinion, no low, no high."""
        if not math.isnan(dt):
            self.since += dt
        shown = (math.nan if self.low is None else self.low, math.nan if self.high is None else self.high)
        if math.isnan(x):
            return (math.nan, *shown)
        scores = []
        if self.low is not None or self.high is not None:
            scores.append(self._range(x))
        if self.rate is not None and self.last is not None and self.since > 0:
            scores.append(self._speed(x))
        self.last, self.since = x, 0.0
        return (max(scores) if scores else math.nan, *shown)

    def _range(self, x: float) -> float:
        beyond = max(-math.inf if self.low is None else self.low - x, -math.inf if self.high is None else x - self.high)
        if beyond > 0:
            return 1.0 + min(divided(beyond, self._span()), CAP)
        return 0.9 if beyond > -self.deadband else 0.0

    def _span(self) -> float:
        if self.low is not None and self.high is not None:
            span = self.high - self.low
        else:
            span = abs(self.high if self.low is None else self.low)  # type: ignore[arg-type]
        return span if span > 0 else 1.0

    def _speed(self, x: float) -> float:
        assert self.rate is not None
        assert self.last is not None
        speed = divided(abs(x - self.last), self.since)
        return min(divided(speed, self.rate), CAP) if speed > self.rate else 0.0


def divided(a: float, b: float) -> float:
    """a / b, infinite where it is too large for a number, as arrays have it."""
    try:
        return a / b
    except OverflowError:
        return math.inf
