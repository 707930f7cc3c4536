"""Single precision by + - * alone: kept in half the memory, and the same bits in numpy, compiled and plain Python."""

from __future__ import annotations

import numpy as np

from detectors.base import Floats

SPLIT = 2.0**29 + 1.0
"""Veltkamp's constant for the upper 24 of a double's 53 bits."""
TINY = 1e-30
"""Smaller numbers are taken as 0: single precision would round them otherwise than a double."""
LARGEST = 1e30
"""Numbers of this size and more do not fit single precision with room for sums; they are no measurement."""


def single(x: Floats) -> Floats:
    """Doubles (any shape) rounded to 24 bits, so that keeping them as float32 changes nothing.

    By Veltkamp's splitting (Dekker, A floating-point technique for extending the available precision, 1971). Sizes
    from `LARGEST` are not for it.

    >>> x = single(np.array([1 / 3, 1e-40]))
    >>> x.tolist() == x.astype(np.float32).tolist(), x.tolist()[1]
    (True, 0.0)
    """
    carried = x * SPLIT
    rounded = carried - (carried - x)
    return np.where(np.abs(rounded) < TINY, 0.0, rounded)
