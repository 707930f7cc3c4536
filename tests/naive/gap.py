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
        self.ragged = 0.0
        self.pauses: list[float] = []  # the mean of pauses after each

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
        settled = len(self.pauses) >= 20 and self.longest <= 2.0 * self.pauses[-1]
        if self.ragged > 2.0 and not settled:
            return None  # sent on change
        return self.learned_ns()

    def learned_ns(self) -> int:
        """What the timeout is by the intervals so far."""
        return max(
            self.options.at_least, int(min(max(self.options.factor * self.mean, 3.0 * self.longest), 3.2e7) * SECOND)
        )

    def read(self, time: int, x: float, dt: float, learn: bool) -> float:
        """Score of a reading: it ends the silence whatever its value."""
        if learn and dt > 0:
            timeout = self.options.timeout if self.options.timeout is not None else self.learned_ns()
            # one that was reported counts as twice the longest before at most
            reported = self.intervals >= 5 and dt * 1e9 >= timeout
            silence = min(dt, 2.0 * self.longest) if reported else dt
            self.longest = max(self.longest * max(1.0 - dt / (28 * 86_400.0), 0.0), silence)
            if self.intervals:
                uneven = dt > 3.0 * self.mean or 3.0 * dt < self.mean
                self.ragged = min(self.ragged + 1.0, 20.0) if uneven else max(self.ragged - 0.02, 0.0)
                if dt > 1.5 * self.mean:
                    mean = self.pauses[-1] if self.pauses else 0.0
                    self.pauses.append(mean + 1.0 / min(len(self.pauses) + 1, 50) * (silence - mean))
            counted = min(dt, 3.0 * self.mean) if self.intervals >= 5 else dt
            self.intervals += 1
            self.mean += 1.0 / min(self.intervals, 50) * (counted - self.mean)
        self.last, self.told = time, False
        return 0.0
