"""Severity of an episode, 1 to 1000 in OPC UA's bands, from its score."""

from __future__ import annotations

import math

from schemas.anomaly import BANDS


def severity_of(score: float) -> int:
    """201 at score 1, and one band (200) more with each doubling; at most 1000.

    >>> [severity_of(s) for s in (1.0, 2.0, 4.0, 8.0, 1e9)]
    [201, 401, 601, 801, 1000]
    """
    return max(1, min(1000, 201 + math.floor(200.0 * math.log2(max(score, 0.5)))))


def band_index(severity: int) -> int:
    """Rank of the severity's band, 0 = info to 4 = critical."""
    return sum(severity >= least for least, _ in BANDS) - 1
