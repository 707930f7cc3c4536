"""SKAB valve1: 16 runs of a pump whose first 400 rows are normal; F1, false-alarm and missed-alarm rates by row.

`python -m tests.quality.skab`. Rows of the warm-up are not counted. Rates are over all rows of all runs together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tests.quality.joint import data, judge

WARMUP = 400
INTERVAL_S = 1.0
_ANOMALY = 8
"""Column of the label, behind the eight sensors."""


class Figures(NamedTuple):
    """Rates are shares of rows."""

    f1: float
    false: float  # alarmed rows among the normal
    missed: float  # silent rows among the anomalous
    seconds: float


def measure(**options: Any) -> Figures:
    """Each run as a stream of its own."""
    found, truth, seconds = [], [], 0.0
    for path in sorted(data("skab", "valve1").glob("*.csv")):
        rows = np.genfromtxt(path, delimiter=";", skip_header=1, usecols=range(1, 11))
        judged = judge(rows[:, :_ANOMALY], INTERVAL_S, warmup=WARMUP, **options)
        found.append(judged.score[WARMUP:] >= 1)
        truth.append(rows[WARMUP:, _ANOMALY] > 0)
        seconds += judged.seconds
    said, is_so = np.concatenate(found), np.concatenate(truth)
    right, false, missed = (said & is_so).sum(), (said & ~is_so).sum(), (~said & is_so).sum()
    return Figures(
        float(2 * right / (2 * right + false + missed)), float(false / (~is_so).sum()), float(missed / is_so.sum()),
        seconds,
    )  # fmt: skip


if __name__ == "__main__":
    f = measure()
    rates = f"F1 {f.f1:.3f} FAR {f.false:.1%} MAR {f.missed:.1%}"
    print(f"SKAB valve1 at defaults, warm-up {WARMUP}: {rates}; {f.seconds:.1f} s")
