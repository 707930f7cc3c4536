"""The slow, obvious twin of detectors.anomaly.vibration_zone: line by line of the spectrum, zone by zone."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence

from detectors.anomaly.vibration_zone import VibrationZone, Zones


def score_of(options: Zones, velocity: float) -> float:
    """1 where zone C begins, 4 where zone D does."""
    if not 0 <= velocity < 1e100:
        return math.nan
    if velocity < options.zone_c:
        score = velocity / options.zone_c
    elif velocity < options.zone_d:
        score = 1 + 3 * (velocity - options.zone_c) / (options.zone_d - options.zone_c)
    else:
        score = 4 * velocity / options.zone_d
    return min(score, 1e6)


def velocity_of(options: VibrationZone, x: Sequence[float], rate: float) -> float:
    """RMS velocity of a block in mm/s: each line's own, squared and summed."""
    n = len(x)
    if not all(abs(v) < 1e100 for v in x) or n / rate < 2 / options.lowest_hz:
        return math.nan
    mean = sum(x) / n
    shaped = [(v - mean) * math.sin(math.pi * t / n) ** 2 for t, v in enumerate(x)]
    per_unit = {"m/s2": 1000.0, "mm/s2": 1.0, "g": 9806.65, "mm/s": 1.0}[options.unit]
    total = 0.0
    for b in range(1, n // 2 + 1):
        hz = b * rate / n
        if options.lowest_hz <= hz <= options.highest_hz:
            line = sum(v * cmath.exp(-2j * math.pi * (b * t % n) / n) for t, v in enumerate(shaped))
            amplitude = abs(line) * 2 / n * per_unit / (1.0 if options.unit == "mm/s" else 2 * math.pi * hz)
            total += amplitude**2 / 2 / 0.375
    return math.sqrt(total)
