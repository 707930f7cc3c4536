"""The slow, obvious twin of detectors.anomaly.cusum: one row, one reading at a time, after its docstring."""

from __future__ import annotations

import math

from detectors.anomaly.cusum import Cusum
from detectors.durations import duration_ns

TO_SIGMA = math.sqrt(math.pi / 2)
NOTHING = (math.nan,) * 4


class Mean:
    """An exponential mean of errors, and how large it is on average."""

    def __init__(self, gain: float):
        self.gain = gain
        self.value = 0.0
        self.size = 0.0

    def take(self, error: float, weight: float) -> None:
        # a gain of 1 is the error itself, which the sum would round
        self.value = error if self.gain == 1 else self.value + self.gain * (error - self.value)
        self.size += weight * (abs(self.value) - self.size)

    def of_one_bin(self, learned: int) -> float:
        """The spread of single bins that would make a mean of independent ones this large; more where few are known."""
        unsure = {1.0: 1, 1 / 4: 2, 1 / 16: 3}[self.gain]
        return math.sqrt((2 - self.gain) / self.gain) * self.size * (1 + unsure / math.sqrt(learned))


class NaiveCusum:
    """One row. `judge` gives (score, expected, low, high, warm)."""

    def __init__(self, options: Cusum, rate_per_s: float):
        self.options = options
        self.rate_per_s = rate_per_s
        self.bin: list[tuple[float, bool]] = []
        self.start: int | None = None
        self.last: int | None = None
        self.starts: list[int] = []  # of the bins of the warm-up
        self.gaps: list[float] = []
        self.learned = 0
        self.warm = 0.0
        self.h: float | None = None
        self.location = 0.0
        self.sigma = 0.0
        self.means = [Mean(1.0), Mean(1 / 4), Mean(1 / 16)]
        self.up = self.down = 0.0
        self.alarmed: int | None = None
        self.away: list[float] = []

    def judge(self, time: int, x: float, dt: float, learn: bool) -> tuple[float, float, float, float, float]:
        """NaN where there is no opinion."""
        if math.isnan(x) or abs(x) >= 1e100:
            return (*NOTHING, self.warm)
        start = time // self.options.every * self.options.every
        if start != self.start:
            if self.start is not None:
                self._close(self.start, learn)
            self.start, self.bin = start, []
        self.bin.append((x, learn))
        return (*self._opinion(), self.warm)

    def _opinion(self) -> tuple[float, float, float, float]:
        if self.warm < 1 or self.h is None:
            return NOTHING
        k = self.options.shift / 2
        low = self.location - (self.h + k - self.down) * self.sigma
        high = self.location + (self.h + k - self.up) * self.sigma
        return max(self.up, self.down) / self.h, self.location, low, high

    def _close(self, start: int, learn: bool) -> None:
        total = 0.0
        for x, _ in self.bin:
            total += x
        mean = total / len(self.bin)
        error = mean - (self.location if self.learned else mean)
        if self.warm >= 1:
            self._sum_up(start, error)
        gap = max(start - self.last, 0) / 1e9 if self.last is not None else 0.0
        if learn and all(taught for _, taught in self.bin):
            self._learn(start, mean, error, gap)
        self.last = start

    def _sum_up(self, start: int, error: float) -> None:
        k = self.options.shift / 2
        self.h = self._decision(k)
        if self.sigma > 0:
            z = min(max(error, -2.5 * self.sigma), 2.5 * self.sigma) / self.sigma
        else:
            z = math.copysign(2.5, error) if error else 0.0
        self.up, self.down = max(0.0, self.up + z - k), max(0.0, self.down - z - k)
        worst = max(self.up, self.down)
        if self.alarmed is None and worst >= self.h:
            self.alarmed, self.away = start, []
        elif self.alarmed is not None and worst < 0.8 * self.h:
            self.alarmed = None
        self.up, self.down = min(self.up, 1.25 * self.h), min(self.down, 1.25 * self.h)

    def _decision(self, k: float) -> float:
        """The smallest h, in steps of .05 from 3 to 20, that keeps the budget."""
        interval = 0.0
        for i, gap in enumerate(self.gaps):
            interval += (gap - interval) / (i + 1)
        for i in range(340):
            h = 3 + 0.05 * i
            reach = 2 * k * (h + 1.166)
            one_side = (math.exp(reach) - reach - 1) / (2 * k * k)
            if interval * one_side / 2 >= 1 / self.rate_per_s:
                return h
        return 20.0

    def _learn(self, start: int, mean: float, error: float, gap: float) -> None:
        options = self.options
        tau = options.half_life / 1e9 / math.log(2)
        gain = max(1 / (self.learned + 1), min(gap / (gap + tau), 1 / 24))
        clipped = error
        if self.warm >= 1 and self.sigma > 0:
            clipped = min(max(error, -2.5 * self.sigma), 2.5 * self.sigma)
        if self.alarmed is None:
            if not self.learned:
                self.location = mean
                self.since = start
            self.location += gain * clipped
            self.learned += 1
            if self.learned > 1 and self.warm < 1:
                self.gaps.append(gap)
            self.warm = max(self.warm, self._warmth(start))
            weight = gain
        else:
            self.away.append(mean)
            weight = gain / 4
        for part in self.means:
            part.take(clipped, weight)
        if self.alarmed is not None and start - self.alarmed >= options.accept_after and len(self.away) >= 5:
            self._accept()
        wide = max(part.of_one_bin(self.learned) for part in self.means)
        self.sigma = max(TO_SIGMA * wide, options.floor * abs(self.location), options.resolution)

    def _warmth(self, start: int) -> float:
        warmup = self.options.warmup
        if isinstance(warmup, int):
            return min(self.learned / warmup, 1.0)
        if self.learned < 12:
            return 0.0
        return min((start - self.since + self.options.every) / duration_ns(warmup), 1.0)

    def _accept(self) -> None:
        """The new level is the mean of the bins in alarm; everything else starts at 0 but the spreads."""
        level = 0.0
        for i, mean in enumerate(self.away):
            level += (mean - level) / (i + 1)
        self.location, self.up, self.down, self.alarmed = level, 0.0, 0.0, None
        for part in self.means[1:]:
            part.value = 0.0
