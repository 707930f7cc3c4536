"""Key figures of utilities: the leak share of compressed air, and what a chiller delivers for the power it takes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from detectors.base import Floats
from detectors.efficiency.stated import NO_COOLING, NO_ENERGY, NO_TIME, Stated, ratio

WATER_KJ_PER_KG_K = 4.186
"""Specific heat of water at about 15 Cel."""
KW_PER_RT = 3.517
"""A refrigeration ton, 12,000 Btu/h."""


def leak_share(load_s: ArrayLike, unload_s: ArrayLike) -> Stated:
    """Share of a compressor's output that leaks, T_load / (T_load + T_unload), (k,), while nothing asks for air.

    `load_s` and `unload_s` are the times of load and of idling at no demand, in one unit. Source: US Department of
    Energy, Improving Compressed Air System Performance (2003), fact sheet 7.

    >>> leak_share([8.0], [48.0]).value.round(3)
    array([0.143])
    """
    load = np.asarray(load_s, dtype=np.float64)
    return ratio(load, load + np.asarray(unload_s, dtype=np.float64), NO_TIME)


class Chiller(NamedTuple):
    """Each (k,)."""

    cooling_kw: Floats
    kw_per_rt: Stated
    cop: Stated


def cooling_kw(flow_kg_s: ArrayLike, return_cel: ArrayLike, supply_cel: ArrayLike) -> Floats:
    """Cooling Q = m x 4.186 x (T_return - T_supply) in kW, (k,); negative where the water is warmed.

    `flow_kg_s` is the chilled water's mass flow.

    >>> cooling_kw([24.0], [12.0], [7.0]).round(2)
    array([502.32])
    """
    warmed = np.asarray(return_cel, dtype=np.float64) - np.asarray(supply_cel, dtype=np.float64)
    return np.asarray(np.asarray(flow_kg_s, dtype=np.float64) * WATER_KJ_PER_KG_K * warmed)


def delivered(cooling: ArrayLike, power_kw: ArrayLike) -> Chiller:
    """Power by refrigeration ton, Q / 3.517, and COP = Q / power, of a chiller that takes `power_kw`, (k,).

    `cooling` is in kW; where it is not positive no ratio is formed.

    >>> said = delivered([351.7, 0.0], [60.0, 60.0])
    >>> said.kw_per_rt.value, said.cop.why()
    (array([0.6, nan]), ['', 'no cooling was delivered'])
    """
    cooling = np.asarray(cooling, dtype=np.float64)
    tons = cooling / KW_PER_RT
    cop = ratio(np.where(cooling > 0, cooling, np.nan), power_kw, NO_ENERGY)
    cop.reason[np.asarray(cooling <= 0)] = NO_COOLING
    return Chiller(cooling, ratio(power_kw, tons, NO_COOLING), cop)
