"""What a forecast of demand means: kW to shed to stay under a target, and the money at risk."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.base import Floats


def demand_kw(kwh: ArrayLike, window_h: ArrayLike) -> Floats:
    """Demand of a window, (k,) kW: its kWh over its length in hours."""
    return np.asarray(np.asarray(kwh, dtype=np.float64) / np.asarray(window_h))


def shed_kw(end_kwh: ArrayLike, target_kw: ArrayLike, left: ArrayLike, window_h: ArrayLike) -> Floats:
    """kW to take off for the rest of the window so that its demand ends at the target, (k,); 0 where it will anyway.

    `end_kwh` is the forecast (or its upper bound, to be careful), `left` the share of the window still to come. inf
    where nothing is left of a window that is above its target.

    >>> shed_kw([600.0, 400.0], 1000.0, [1 / 3, 1 / 3], 0.5).round(6)
    array([600.,   0.])
    """
    over = np.asarray(end_kwh, dtype=np.float64) - np.asarray(target_kw) * np.asarray(window_h)
    hours = np.broadcast_to(np.asarray(left, dtype=np.float64) * np.asarray(window_h), over.shape)
    spread = np.divide(over, hours, out=np.full(over.shape, np.inf), where=hours > 0)
    return np.where(over > 0, spread, np.where(np.isnan(over), np.nan, 0.0))


def money_at_risk(end_kwh: ArrayLike, highest_kw: ArrayLike, price_per_kw: ArrayLike, window_h: ArrayLike) -> Floats:
    """What the month's bill rises by if the window ends as said, (k,): price x what it lies above the highest so far.

    `highest_kw` is the month's maximum demand so far, or the target where that is higher.

    >>> money_at_risk([600.0, 400.0], 1000.0, 97.06, 0.5)
    array([19412.,     0.])
    """
    above = demand_kw(end_kwh, window_h) - np.asarray(highest_kw)
    return np.asarray(np.maximum(above, 0.0) * np.asarray(price_per_kw))
