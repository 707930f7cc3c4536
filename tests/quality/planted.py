"""The plant faults that are planted: what each does to a stretch of normal readings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DAY_NS = 86_400 * 10**9
DRIFT_AN_HOUR, STEP, SPIKE, NOISE = 0.1, 2.0, 5.0, 3.0
"""Sizes in standard deviations of the series; of noise, the factor."""
LATE_H = 6
"""Hours by which a shifted phase comes late."""
DAILY = 0.2
"""Share of the variance that the hours of the day explain, from which a series has a phase to shift."""


class Stretch(NamedTuple):
    """Where a fault is planted: rows [first, last) of a series x (n,) at times (n,), ns."""

    time: NDArray[np.int64]
    x: Floats
    first: int
    last: int

    @property
    def hours(self) -> Floats:
        """Time since its start."""
        hours: Floats = (self.time[self.first : self.last] - self.time[self.first]) / 3.6e12
        return hours


def drift(s: Stretch, rng: np.random.Generator) -> Floats:
    """Up or down by .1 standard deviations an hour."""
    return s.x[s.first : s.last] + rng.choice([-1, 1]) * DRIFT_AN_HOUR * np.std(s.x) * s.hours


def step(s: Stretch, rng: np.random.Generator) -> Floats:
    """Up or down by 2 standard deviations."""
    return s.x[s.first : s.last] + rng.choice([-1, 1]) * STEP * np.std(s.x)


def spike(s: Stretch, rng: np.random.Generator) -> Floats:
    """One reading up or down by 5 standard deviations."""
    x = s.x[s.first : s.last].copy()
    x[0] += rng.choice([-1, 1]) * SPIKE * np.std(s.x)
    return x


def stuck(s: Stretch, rng: np.random.Generator) -> Floats:
    """The first value, all the time."""
    return np.full(s.last - s.first, s.x[s.first])


def noise(s: Stretch, rng: np.random.Generator) -> Floats:
    """The noise between readings (by their mean absolute difference) is three times as large."""
    sigma = np.mean(np.abs(np.diff(s.x))) * np.sqrt(np.pi) / 2
    return s.x[s.first : s.last] + np.sqrt(NOISE**2 - 1) * sigma * rng.normal(size=s.last - s.first)


def phase(s: Stretch, rng: np.random.Generator) -> Floats:
    """What was there six hours before."""
    before = np.searchsorted(s.time, s.time[s.first : s.last] - LATE_H * 3_600 * 10**9)
    return s.x[before]


def other(s: Stretch, rng: np.random.Generator) -> Floats:
    """The series' own values of another time, so that they go no longer with those of the other series."""
    n = s.last - s.first
    begin = rng.choice([i for i in range(len(s.x) - n) if i + n <= s.first or i >= s.last])
    return s.x[begin : begin + n]


class Fault(NamedTuple):
    """A kind of fault, and how long it lasts."""

    name: str
    plant: Callable[[Stretch, np.random.Generator], Floats]
    hours: float  # 0: one reading, of which the two behind it may still tell


FAULTS = (
    Fault("drift", drift, 48), Fault("step", step, 24), Fault("spike", spike, 0), Fault("stuck", stuck, 24),
    Fault("noise", noise, 24), Fault("phase shift", phase, 24),
)  # fmt: skip
CORRELATION = Fault("correlation break", other, 24)


def daily(time: NDArray[np.int64], x: Floats) -> bool:
    """Whether the hours of the day explain a share of the variance."""
    hour = time % DAY_NS // (DAY_NS // 24)
    means = np.bincount(hour, x, minlength=24) / np.maximum(np.bincount(hour, minlength=24), 1)
    return bool(np.var(x - means[hour]) <= (1 - DAILY) * np.var(x))
