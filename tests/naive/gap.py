"""The slow, obvious twin of detectors.anomaly.gap: one row, reading by reading and deadline by deadline."""

from __future__ import annotations

from detectors.anomaly.gap import Gap

SECOND = 1_000_000_000


class NaiveGap:
    """One row. `silence` tells the gap between the last reading and `until`, `read` takes a reading in."""

    def __init__(self, options: Gap):
        self.options = options
        self.last: int | None = None
        self.mean = 0.0
        self.intervals = 0
        self.told = False
        self.longest = 0.0

    def silence(self, until: int) -> list[tuple[int, float]]:
        """(deadline, score) of what passed up to `until`: at most one a silence."""
        timeout = self.timeout_ns()
        if self.told or self.last is None or timeout is None or self.last + timeout > until:
            return []
        self.told = True
        return [(self.last + timeout, 1.0)]

    def timeout_ns(self) -> int | None:
        """None while it is not known."""
        if self.options.timeout is not None:
            return self.options.timeout
        if self.intervals < 5:
            return None
        return max(
            self.options.at_least, int(min(max(self.options.factor * self.mean, 3.0 * self.longest), 3.2e7) * SECOND)
        )

    def read(self, time: int, x: float, dt: float, learn: bool) -> float:
        """Score of a reading: it ends the silence whatever its value."""
        if learn and dt > 0:
            timeout = self.timeout_ns()
            # one that was reported counts as twice the longest before at most
            reported = self.intervals >= 5 and timeout is not None and dt * 1e9 >= timeout
            silence = min(dt, 2.0 * self.longest) if reported else dt
            self.longest = max(self.longest * max(1.0 - dt / (28 * 86_400.0), 0.0), silence)
            counted = min(dt, 3.0 * self.mean) if self.intervals >= 5 else dt
            self.intervals += 1
            self.mean += 1.0 / min(self.intervals, 50) * (counted - self.mean)
        self.last, self.told = time, False
        return 0.0
