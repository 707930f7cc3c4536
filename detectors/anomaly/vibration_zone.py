"""Vibration zones: RMS velocity of a machine against the limits of its class, from blocks of samples or as given."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import model_validator

from detectors.base import Batch, Detector, Floats, Verdict, option

_HUGE = 1e100
"""Larger numbers are no measurement and would overflow."""
_CAP = 1e6
"""Highest score."""
_TO_MM_S2 = {"m/s2": 1e3, "mm/s2": 1.0, "g": 9806.65}
_ZONE_D = 4.0
"""Score at the boundary of zone D: two doublings, so severity 601, high, from there on."""
_PERIODS = 2.0
"""Periods of the lowest frequency that a block must hold."""


class VibrationState(NamedTuple):
    """One row each."""

    judged: Floats  # how many


class Zones(Detector[VibrationState]):
    """What both kinds share: the limits, and the score by zone."""

    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "10m"
    calendar: ClassVar[bool] = False
    measured_unit: ClassVar[str | None] = "mm/s"

    zone_b: float = option(1.4, "RMS velocity at which zone B begins, mm/s.", gt=0)
    zone_c: float = option(2.8, "RMS velocity at which zone C begins, mm/s: the alarm.", gt=0)
    zone_d: float = option(4.5, "RMS velocity at which zone D begins, mm/s.", gt=0)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if not self.zone_b < self.zone_c < self.zone_d:
            raise ValueError(f"expected zone_b < zone_c < zone_d, got {self.zone_b}, {self.zone_c}, {self.zone_d}")
        return self

    def zone(self, velocity: float) -> str:
        """The letter of the zone that an RMS velocity (mm/s) lies in.

        >>> [VelocityZone().zone(v) for v in (1.0, 1.4, 3.0, 4.5)]
        ['A', 'B', 'C', 'D']
        """
        return "ABCD"[sum(velocity >= limit for limit in (self.zone_b, self.zone_c, self.zone_d))]

    def init(self, n: int, given: dict[str, Floats] | None = None) -> VibrationState:
        """State of n rows."""
        return VibrationState(np.zeros(n))

    def judge(self, state: VibrationState, velocity: Floats) -> tuple[VibrationState, Verdict]:
        """Score RMS velocities (k,) in mm/s, NaN where there is none."""
        fine = (velocity >= 0) & (velocity < _HUGE)
        v = np.where(fine, velocity, 0.0)
        between = 1.0 + (_ZONE_D - 1.0) * ((v - self.zone_c) / (self.zone_d - self.zone_c))
        above = np.where(v >= self.zone_d, _ZONE_D * (v / self.zone_d), between)
        raw = np.where(v >= self.zone_c, above, v / self.zone_c)
        nan = np.full(len(v), np.nan)
        high = np.where(fine, self.zone_c, np.nan)
        score = np.where(fine, np.minimum(raw, _CAP), np.nan)
        verdict = Verdict(score, nan, np.where(fine, 0.0, np.nan), high, np.ones(len(v)))
        return VibrationState(state.judged + fine), verdict

    def measured(self, verdict: Verdict) -> Floats:
        """(k,) the RMS velocity in mm/s that has this score."""
        s = verdict.score
        between = self.zone_c + (s - 1.0) / (_ZONE_D - 1.0) * (self.zone_d - self.zone_c)
        return np.where(s >= _ZONE_D, s / _ZONE_D * self.zone_d, np.where(s >= 1.0, between, s * self.zone_c))


class VelocityZone(Zones):
    """RMS velocity in mm/s as a sensor or gateway gives it, in zones A to D of ISO 20816-3; a watch on a series.

    Zones and score are those of `vibration_zone`, which takes blocks of acceleration samples. Readings below 0 have
    no opinion.

    Scale and shift: the limits do not move with the data.

    >>> d = VelocityZone()
    >>> one = np.ones(3)
    >>> _, v = d.step(d.init(3), Batch(np.arange(3), np.array([1.4, 2.8, 9.0]), one, one > 0, one.astype(np.int32)))
    >>> v.score.tolist()
    [0.5, 1.0, 8.0]
    """

    kind: Literal["velocity_zone"] = "velocity_zone"

    def step(self, state: VibrationState, batch: Batch) -> tuple[VibrationState, Verdict]:
        """Score one reading of each row, x (k,) in mm/s."""
        return self.judge(state, batch.x)


class VibrationZone(Zones):
    """RMS velocity in 10 to 1000 Hz of blocks of vibration samples, in zones A to D of ISO 20816-3.

    The spectrum of a block (Hann window, mean removed) is divided by 2 pi f where the samples are acceleration, and
    its power between `lowest_hz` and `highest_hz` summed: RMS velocity in mm/s. Score: velocity / `zone_c` below zone
    C (the alarm: not for long-term operation), 1 to 4 linearly through zone C, 4 x velocity / `zone_d` in zone D
    (damage); so severity is low to medium in zone C, high and critical in zone D.

    Defaults are for group 2 (15 to 300 kW) on rigid supports: 1.4, 2.8, 4.5 mm/s. Group 2 flexible and group 1 (above
    300 kW) rigid: 2.3, 4.5, 7.1; group 1 flexible: 3.5, 7.1, 11 (ISO 20816-3:2022 and ISO 10816-3:2009, annex A).
    Blocks are judged each by itself, (samples,) in `unit`; shorter than two periods of `lowest_hz` they have no
    opinion. Sampled below twice `highest_hz`, the band ends at half the rate. A velocity that a sensor gives as a
    series is for the kind `velocity_zone`.

    Scale and shift: the limits do not move with the data; a constant offset is removed.

    >>> t = np.arange(8192) / 8192
    >>> one = np.ones(1)
    >>> x = 2.0 * np.sin(2 * np.pi * 50 * t)  # m/s2, so 2000 / (2 pi 50) / sqrt(2) = 4.5 mm/s
    >>> d = VibrationZone()
    >>> _, v = d.step(d.init(1), Batch(np.array([0]), x[None], one, one > 0, one.astype(np.int32), 8192 * one, one))
    >>> round(d.measured(v).item(), 3), round(v.score.item(), 2)
    (4.502, 4.0)
    """

    shape: ClassVar[Literal["series", "joint", "peers", "waveform"]] = "waveform"
    invariance: ClassVar[frozenset[str]] = frozenset({"shift"})

    kind: Literal["vibration_zone"] = "vibration_zone"
    unit: Literal["m/s2", "mm/s2", "g", "mm/s"] = option(
        "m/s2", "Unit of the samples; mm/s: they are velocity already."
    )
    lowest_hz: float = option(10.0, "Lowest frequency that counts.", gt=0)
    highest_hz: float = option(1000.0, "Highest frequency that counts.", gt=0)

    @model_validator(mode="after")
    def _a_band(self) -> Self:
        if self.lowest_hz >= self.highest_hz:
            raise ValueError(f"lowest_hz must be below highest_hz, got {self.lowest_hz} and {self.highest_hz}")
        return self

    def velocity(self, x: Floats, rate_hz: float) -> float:
        """RMS velocity of a block (samples,) in mm/s, NaN where it cannot tell."""
        n = len(x)
        if not 0 < rate_hz < _HUGE or not (np.abs(x) < _HUGE).all():
            return math.nan
        first, last = math.ceil(self.lowest_hz * n / rate_hz), math.floor(self.highest_hz * n / rate_hz)
        if n * self.lowest_hz < _PERIODS * rate_hz or first > n // 2:
            return math.nan
        centred = x - x.sum() / n
        size = np.abs(centred).max()
        if size <= 0:
            return 0.0
        window = 0.5 - 0.5 * np.cos(2.0 * np.pi / n * np.arange(n))
        spectrum = np.fft.rfft(centred / size * window)[first : last + 1]
        power = spectrum.real * spectrum.real + spectrum.imag * spectrum.imag
        scale = 1.0
        if self.unit != "mm/s":
            hz = (first + np.arange(len(power))) * (rate_hz / n)
            power = power / (2.0 * np.pi * hz) / (2.0 * np.pi * hz)
            scale = _TO_MM_S2[self.unit]
        # a line's power stands in both halves of the spectrum, of which one is summed; 3/8 is the window's own power
        return float(np.sqrt(2.0 * power.sum() / (0.375 * n)) / math.sqrt(n) * scale * size)

    def step(self, state: VibrationState, batch: Batch) -> tuple[VibrationState, Verdict]:
        """Score one block of each row, x (k, samples)."""
        assert batch.rate_hz is not None
        blocks = zip(batch.x, batch.rate_hz.tolist(), strict=True)
        return self.judge(state, np.array([self.velocity(np.ascontiguousarray(x), rate) for x, rate in blocks]))
