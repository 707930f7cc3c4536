"""The slow, obvious twin of what episodes cost: one episode's readings, integrated from its start to a time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

HOUR = 3_600_000_000_000

Rated = tuple[int, float]
"""Time of a reading (ns), and what an hour costs from then on."""


def total(rated: Sequence[Rated], until: int, hold: int | None = None) -> float:
    """What has come together by `until`, each rate held until the next reading, for `hold` at most."""
    ends = [time for time, _ in rated[1:]] + [until]
    whole = Fraction(0)
    for (time, rate), end in zip(rated, ends, strict=True):
        length = min(end, until) - time
        if hold is not None:
            length = min(length, hold)
        whole += Fraction(rate) * max(length, 0) / HOUR
    return float(whole)
