"""VUS-PR: the volume under the surface of precision and recall, over thresholds and widths of the labels' edges.

Paparrizos et al., Volume Under the Surface: A New Accuracy Evaluation Measure for Time-Series Anomaly Detection
(VLDB 2022), with the choices that TSB-AD 1.5 makes where the paper leaves some (written from the definition: that
package asks for numpy below 2 and for torch, and cannot stand beside this one in one environment).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

THRESHOLDS = 250


def vus_pr(label: NDArray[np.integer], score: NDArray[np.float64], window: int = 100) -> float:
    """Mean, over widths w = 0..window, of the area under precision and recall with labels widened by w.

    `label` (n,) is 1 in anomalies, else 0; `score` (n,), higher is more anomalous. Outside an anomaly, a row at
    distance a <= w / 2 from it has the label sqrt(1 - a / w); several add up to 1 at most. At a threshold, tp is the
    sum of the labels of the rows found, precision tp / rows found, and recall min(1, tp / p) x the share of
    (widened) anomalies of which any row is found, where p is the mean of the anomalous rows and of those with the
    widened labels found. Thresholds are 250 ranks of the scores, from the highest to the lowest.

    >>> label = np.repeat([0, 1, 0], 100)
    >>> round(vus_pr(label, label * 1.0), 2), vus_pr(label, -label * 1.0) < 0.4
    (1.0, True)
    """
    n, inside = len(label), np.asarray(label) > 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], inside.astype(int), [0]))))
    begin, end = edges[::2], edges[1::2] - 1  # first and last row of each anomaly
    if not len(begin):
        raise ValueError("no anomaly is labelled: precision and recall mean nothing")
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    bars = ranked[np.linspace(0, n - 1, THRESHOLDS).astype(int)]
    found = np.searchsorted(-ranked, -bars, side="right")  # rows at or above each bar
    hits = np.cumsum(inside[order])[found - 1]
    areas = []
    for w in range(window + 1):
        edge = _edge(begin, end, n, w)
        edge[inside] = 0.0
        soft = np.cumsum(edge[order])[found - 1]
        tp = hits + soft
        recall = np.minimum(tp / (inside.sum() + soft / 2), 1.0) * _seen(begin, end, score, bars, w)
        areas.append(np.sum(np.diff(recall, prepend=0.0) * tp / found))
    return float(np.mean(areas))


def _edge(begin: NDArray[np.int64], end: NDArray[np.int64], n: int, w: int) -> NDArray[np.float64]:
    """(n,) labels that the widening by w gives, beside the anomalies."""
    out = np.zeros(n)
    away = np.arange(1, w // 2 + 1)
    slope = np.sqrt(1.0 - away / max(w, 1))
    for b, e in zip(begin.tolist(), end.tolist(), strict=True):
        after, before = e + away, b - away
        out[after[after < n]] += slope[after < n]
        out[before[before >= 0]] += slope[before >= 0]
    return np.minimum(out, 1.0)


def _seen(
    begin: NDArray[np.int64], end: NDArray[np.int64], score: NDArray[np.float64], bars: NDArray[np.float64], w: int
) -> NDArray[np.float64]:
    """Share of anomalies, widened by w and joined where they then touch, that each bar finds."""
    first, last = begin - w // 2, end + w // 2
    apart = last[:-1] < first[1:]
    first, last = first[np.concatenate(([True], apart))], last[np.concatenate((apart, [True]))]
    peaks = np.sort([score[max(a, 0) : b + 1].max() for a, b in zip(first, last, strict=True)])
    return 1.0 - np.searchsorted(peaks, bars, side="left") / len(peaks)
