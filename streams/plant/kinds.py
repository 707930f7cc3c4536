"""All kinds of machines of the plant, in the order in which they are modelled: who draws power before who sums it."""

from __future__ import annotations

from streams.plant.machining import CNC
from streams.plant.power import METER
from streams.plant.smt import OVEN
from streams.plant.spec import Kind, Series
from streams.plant.utilities import CHILLER, COMPRESSOR

KINDS: tuple[Kind, ...] = (CNC, OVEN, COMPRESSOR, CHILLER, METER)

STEADY = frozenset({"oven", "compressor", "chiller", "meter"})
"""Kinds that run round the clock."""

POWER_SERIES = {"cnc": "active_power", "oven": "active_power", "compressor": "motor_power", "chiller": "active_power"}


def series_of(asset: str, series: str) -> Series:
    """The declaration of one series. Raises KeyError with the names there are.

    >>> series_of("penang/smt/line1/oven-1", "zone8_temp").high
    257.0
    """
    for kind in KINDS:
        if asset in kind.assets:
            for declared in kind.series:
                if declared.name == series:
                    return declared
            raise KeyError(f"{asset} has no series {series!r}; it has {', '.join(s.name for s in kind.series)}")
    raise KeyError(f"no asset {asset!r}; there are {', '.join(a for kind in KINDS for a in kind.assets)}")
