"""Unit swaps: what a value becomes when it is sent in another unit than before."""

from __future__ import annotations

from typing import NamedTuple


class Swap(NamedTuple):
    """value now = scale x value in the unit of before + offset."""

    name: str  # as messages say it
    scale: float
    offset: float = 0.0


SWAPS: tuple[Swap, ...] = (
    Swap("x 1000", 1e3),
    Swap("/ 1000", 1e-3),
    Swap("x 100", 1e2),
    Swap("/ 100", 1e-2),
    Swap("x 1000000", 1e6),
    Swap("/ 1000000", 1e-6),
    Swap("°C -> °F", 1.8, 32.0),
    Swap("°F -> °C", 1 / 1.8, -32.0 / 1.8),
    Swap("°C -> K", 1.0, 273.15),
    Swap("K -> °C", 1.0, -273.15),
    Swap("bar -> psi", 14.503773773),
    Swap("psi -> bar", 1 / 14.503773773),
)
"""Prefixes (kW and W, mV and V), hundredths (% and ratio, bar and kPa, m and cm), temperatures, bar and psi.

Not more: each further factor is one more that some jump of a process hits by chance.

Factors: NIST Special Publication 811, appendix B.
"""
