"""Grid factors and scope 2 of one window, by looking through the whole table."""

from __future__ import annotations

import math

from detectors.efficiency.carbon import Factor


def naive_factor(factors: list[Factor], grid: str, at: int, edition: int | None) -> tuple[float, bool]:
    """(kg CO2e/kWh, whether it is carried on beyond its end)."""
    best: Factor | None = None
    for f in factors:
        if f.grid == grid and f.valid_from <= at and (edition is None or f.edition <= edition):
            later = best is None or f.valid_from > best.valid_from
            if later or (best is not None and f.valid_from == best.valid_from and f.edition > best.edition):
                best = f
    return (math.nan, False) if best is None else (best.kg_per_kwh, at >= best.valid_to)


def naive_market(kwh: float, certificates: list[tuple[float, float]], residual: float) -> float:
    """`certificates` holds (kWh, kg CO2e/kWh) of each."""
    total = sum(c for c, _ in certificates)
    share = min(1.0, kwh / total) if total > 0 else 1.0
    kg = 0.0
    for covered, factor in certificates:
        kg += covered * share * factor
    rest = kwh - total * share
    return kg if total >= kwh else kg + rest * residual
