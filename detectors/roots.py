"""Roots and logarithms by + - * / and sqrt alone: the same bits in numpy, compiled and plain Python."""

from __future__ import annotations

import numpy as np

from detectors.base import Floats

STEPS = 5
"""Newton's steps of the cube root: from 1/3 of an octave off to the last bits, for numbers up to 1e18."""


def cube_root(p: Floats) -> Floats:
    """Of numbers from 1 to 1e18, by Newton's method from p^(1/4 + 1/16 + 1/64).

    >>> cube_root(np.array([1.0, 27.0, 1e18])).round(6).tolist()
    [1.0, 3.0, 1000000.0]
    """
    fourth = np.sqrt(np.sqrt(p))
    sixteenth = np.sqrt(np.sqrt(fourth))
    y: Floats = fourth * sixteenth * np.sqrt(np.sqrt(sixteenth))
    for _ in range(STEPS):
        y = y - (y - p / (y * y)) / 3.0
    return y


HALVINGS = 8
"""A logarithm is that of the 256th root, times 256; an exponential the 256th power of that of a 256th."""
RANGE = float(2**HALVINGS)


def log(x: Floats) -> Floats:
    """Natural logarithm of numbers from 1e-9 to 1e9, within 1e-12: 256 x 2 artanh((y - 1) / (y + 1)), y = x^(1/256).

    >>> bool(np.allclose(log(np.array([1e-9, 0.7, 1e9])), np.log([1e-9, 0.7, 1e9]), rtol=1e-12))
    True
    """
    y = x
    for _ in range(HALVINGS):
        y = np.sqrt(y)
    t = (y - 1.0) / (y + 1.0)
    s = t * t
    return 2.0 * RANGE * t * (1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * (1.0 / 7.0 + s / 9.0))))


def exp(x: Floats) -> Floats:
    """Exponential of numbers from -25 to 25, within 1e-12: the Taylor series of x / 256 up to its eighth power, ^256.

    >>> bool(np.allclose(exp(np.array([-25.0, 0.7, 25.0])), np.exp([-25.0, 0.7, 25.0]), rtol=1e-12))
    True
    """
    h = x / RANGE
    y: Floats = 1.0 + h / 8.0
    for n in (7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0):
        y = 1.0 + h / n * y
    for _ in range(HALVINGS):
        y = y * y
    return y
