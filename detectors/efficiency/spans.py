"""Spans of time cut at edges: how what happened between two readings is booked on the cells of a calendar."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Pieces(NamedTuple):
    """Spans cut at edges, in their order."""

    span: Ints  # (m,) index of the span
    cell: Ints  # (m,) the edge that the piece's cell begins at
    low: Ints  # (m,) ns
    high: Ints


def cut(low: Ints, high: Ints, edges: Ints) -> Pieces:
    """Cut spans [low, high), (n,) in ns, at ascending edges that reach beyond all of them; empty spans vanish.

    >>> cut(np.array([5, 12]), np.array([12, 12]), np.array([0, 10, 20]))
    Pieces(span=array([0, 0]), cell=array([ 0, 10]), low=array([ 5, 10]), high=array([10, 12]))
    """
    first = np.searchsorted(edges, low, "right") - 1
    count = np.where(high > low, np.searchsorted(edges, high, "left") - first, 0)
    span = np.repeat(np.arange(len(low)), count)
    at = np.arange(len(span)) - np.repeat(np.cumsum(count) - count, count) + first[span]
    return Pieces(span, edges[at], np.maximum(low[span], edges[at]), np.minimum(high[span], edges[at + 1]))
