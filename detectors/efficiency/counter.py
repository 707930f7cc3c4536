"""Counters: what one counted between two readings, though it is reset or begins again at 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def risen(was: Floats, value: Floats, modulus: Floats | float) -> Floats:
    """What a counter has counted between two readings (n,): what it rose by.

    Where it fell it has passed its modulus, if that makes less than half a turn; else it was reset, and counted what
    it shows.

    >>> risen(np.array([7.0, 98.0, 98.0]), np.array([9.0, 3.0, 3.0]), np.array([0.0, 100.0, 0.0]))
    array([2., 5., 3.])
    """
    rise = value - was
    turned = rise + modulus
    over = np.where((modulus > 0) & (turned >= 0) & (turned < 0.5 * np.asarray(modulus)), turned, np.maximum(value, 0))
    return np.where(rise >= 0, rise, over)
