"""Energy by slot, nanosecond ranges as plain numbers, after the docstring of detectors.efficiency.slots."""

from __future__ import annotations

Span = tuple[int, int, float]


def filled(spans: list[Span], length: int, longest: int) -> list[tuple[int, float, bool]]:
    """Whole slots of one meter: begin, kWh, whether the span that made it whole made no later one whole."""
    spans = [(low, high, kwh) for low, high, kwh in spans if 0 < high - low <= longest]
    if not spans:
        return []
    out = []
    for start in range(spans[0][0] // length * length, spans[-1][1], length):
        known, kwh, newest = 0, 0.0, False
        for low, high, energy in spans:
            inside = min(high, start + length) - max(low, start)
            if inside > 0:
                known, kwh = known + inside, kwh + energy * inside / (high - low)
                newest = high < start + 2 * length
        if known == length:
            out.append((start, kwh, newest))
    return out
