"""The slow, obvious twin of detectors.anomaly.t2_spe: one row, one instant at a time, after its docstring."""

from __future__ import annotations

import math
from statistics import fmean, median, pstdev
from typing import NamedTuple

import numpy as np

from detectors.anomaly.t2_spe import T2Spe

LAMBDAS = (1.0, 0.3, 0.1)
CLIP = 100.0
Row = list[float]


class Said(NamedTuple):
    """Of one instant; score NaN where there is no opinion."""

    score: float
    shares: Row
    warm: float
    clear: bool  # which index is largest, and on which side of the limit, is beyond doubt of rounding


class Model:
    """Fitted members: means, inverses, weights of the sum of squares, and a limit for each index."""

    def __init__(self, members: list[list[Row]]):
        self.fits = [fit(rows) for rows in members]
        n = len(members[0])
        sizes = [n // 4 + (b < n % 4) for b in range(4)]
        self.unseen: list[Row] = []
        begin = 0
        for size in sizes:
            end = begin + size
            fits = [fit(rows[:begin] + rows[end:]) for rows in members]
            self.unseen += [indexes(fits, [rows[i] for rows in members]) for i in range(begin, end)]
            begin = end
        self.limits = [max(float(np.quantile(each, 0.995)), 1e-9) for each in zip(*self.unseen, strict=True)]
        largest = [max(i / limit for i, limit in zip(row, self.limits, strict=True)) for row in self.unseen]
        self.base = float(np.quantile(largest, 0.8))
        self.excess = fmean([i - self.base for i in largest if i > self.base] or [0.0])
        self.top = float(np.quantile(largest, 0.995))


class Fit(NamedTuple):
    mean: Row
    inverse: list[Row]
    variance: Row


def fit(rows: list[Row]) -> Fit:
    n, p = len(rows), len(rows[0])
    mean = [sum(row[j] for row in rows) / n for j in range(p)]
    c = [[sum((r[i] - mean[i]) * (r[j] - mean[j]) for r in rows) / max(n - 1, 1) for j in range(p)] for i in range(p)]
    least = max(1e-3 * sum(c[j][j] for j in range(p)) / p, 1e-9)
    variance = [max(c[j][j], least) for j in range(p)]
    for j in range(p):
        c[j][j] += 0.02 * variance[j]
    return Fit(mean, np.linalg.inv(np.array(c)).tolist(), variance)


def indexes(fits: list[Fit], row: list[Row], offset: Row | None = None) -> Row:
    """One index a member, then the sum of squares of the first."""
    out = []
    for one, x in zip(fits, row, strict=True):
        d = distance(one, x, offset)
        out.append(sum(d[i] * one.inverse[i][j] * d[j] for i in range(len(d)) for j in range(len(d))))
    d = distance(fits[0], row[0], offset)
    return [*out, sum(e * e / v for e, v in zip(d, fits[0].variance, strict=True))]


def distance(one: Fit, x: Row, offset: Row | None) -> Row:
    return [a - m - (offset[j] if offset else 0.0) for j, (a, m) in enumerate(zip(x, one.mean, strict=True))]


class NaiveT2Spe:
    """One row of p inputs."""

    def __init__(self, options: T2Spe, rate_per_s: float):
        self.options, self.rate = options, rate_per_s
        self.raw: list[Row] = []  # of the warm-up
        self.times: list[int] = []
        self.rows: list[list[Row]] = []  # every instant learned: a value of each input for each lambda
        self.model: Model | None = None
        self.alarmed = 0

    def judge(self, time: int, x: Row, learn: bool) -> Said:
        """`x` holds NaN where an input is absent."""
        o = self.options
        here = [abs(v) < 1e30 for v in x]
        warm = min(len(self.rows if self.model else self.raw) / o.warmup, 1.0)
        nothing = Said(math.nan, [0.0] * len(x), warm, True)
        if self.model is None:
            if learn and sum(here) >= o.least * len(x):
                self.raw.append([v if h else math.nan for v, h in zip(x, here, strict=True)])
                self.times.append(time)
                if len(self.raw) == o.warmup:
                    self._begin()
            return nothing
        here = [h and self.scale[j] < math.inf for j, h in enumerate(here)]
        if sum(here) < o.least * len(x):
            return nothing
        z = [self._standardized(j, v) if here[j] else math.nan for j, v in enumerate(x)]
        z = self._complete(z, self.model.fits[0], self.offset)
        row = [z] + [[e + w * (v - e) for e, v in zip(s, z, strict=True)]
                     for s, w in zip(self.smooth, LAMBDAS[1:], strict=True)]  # fmt: skip
        self.smooth = row[1:]
        index = [i / m for i, m in zip(indexes(self.model.fits, row, self.offset), self.model.limits, strict=True)]
        score = min(math.sqrt(max(*index, 0.0) / self._limit()), 1e6)
        second, first = sorted(index)[-2:]
        clear = abs(score - 1) > 1e-3 and first - second > 1e-2 * first
        shares = self._shares(row, index.index(max(index)), here)
        if learn and o.adapt:
            self._learn(row, score)
        return Said(score, shares, warm, clear)

    def _begin(self) -> None:
        p = len(self.raw[0])
        self.location, self.scale = [0.0] * p, [math.inf] * p
        for j in range(p):
            known = [row[j] for row in self.raw if not math.isnan(row[j])]
            if not known:
                continue
            self.location[j] = median(known)
            least = max(1e-12 * max(map(abs, known)), 1e-30)
            robust = 3 * 1.4826 * median(abs(v - self.location[j]) for v in known)
            sigma = min(pstdev(known), robust) if robust > least else pstdev(known)
            self.scale[j] = sigma if max(known) - min(known) > least else 0.0
        z = [[math.nan if math.isnan(v) else self._standardized(j, v) for j, v in enumerate(row)] for row in self.raw]
        full = [[0.0 if math.isnan(v) else v for v in row] for row in z]
        for _ in range(2):
            one = fit(full)
            full = [self._complete(row, one, None) for row in z]
        smooth = [full[0]] * 3
        for row in full:
            smooth = [[e + w * (v - e) for e, v in zip(s, row, strict=True)]
                      for s, w in zip(smooth, LAMBDAS, strict=True)]  # fmt: skip
            self.rows.append(smooth)
        self.smooth = smooth[1:]
        self._fit()

    def _fit(self) -> None:
        """By as many instants as the warm-up had, evenly out of all learned."""
        kept = self.rows[:: len(self.rows) // self.options.warmup]
        kept = kept[min(10, len(kept) // 6) :]
        self.model = Model([[row[member] for row in kept] for member in range(3)])
        self.offset = [0.0] * len(self.location)

    def _standardized(self, j: int, v: float) -> float:
        away = v - self.location[j]
        if self.scale[j] == math.inf:
            return math.nan
        if self.scale[j] > 0:
            return min(max(away / self.scale[j], -CLIP), CLIP)
        return math.copysign(CLIP, away) if abs(away) > max(1e-12 * abs(self.location[j]), 1e-30) else 0.0

    def _complete(self, z: Row, one: Fit, offset: Row | None) -> Row:
        """Absent inputs at their conditional mean; those that were never there at 0."""
        out = [j for j, v in enumerate(z) if math.isnan(v)]
        known = [j for j in range(len(z)) if j not in out]
        centre = [m + (offset[j] if offset else 0.0) for j, m in enumerate(one.mean)]
        full = list(z)
        pull = [-sum(one.inverse[i][j] * (z[j] - centre[j]) for j in known) for i in out]
        found = np.linalg.solve([[one.inverse[i][j] for j in out] for i in out], pull) if out else []
        for i, d in zip(out, found, strict=True):
            full[i] = min(max(centre[i] + float(d), -CLIP), CLIP)
            if offset is None and self.scale[i] == math.inf:
                full[i] = 0.0
        return full

    def _limit(self) -> float:
        assert self.model is not None
        if self.options.margin is not None:
            return max(self.options.margin * self.model.top, 1e-9)
        rare = min(max(self.rate * self._interval_s(), 1e-12), 0.05)
        return max(self.model.base + math.log(0.2 / rare) * self.model.excess, 1e-9)

    def _interval_s(self) -> float:
        mean = 0.0
        for n in range(1, len(self.times)):
            gap = (self.times[n] - self.times[n - 1]) / 1e9
            if n > 1:
                gap = min(gap, 3 * mean)
            if gap > 0:
                mean += (gap - mean) / n
        return mean

    def _shares(self, row: list[Row], worst: int, here: list[bool]) -> Row:
        assert self.model is not None
        member = worst % 3  # the sum of squares, the last, is of the first
        one = self.model.fits[member]
        d = distance(one, row[member], self.offset)
        if worst == 3:
            part = [e * e / v for e, v in zip(d, one.variance, strict=True)]
        else:
            pull = [sum(k * e for k, e in zip(line, d, strict=True)) for line in one.inverse]
            part = [g * g / one.inverse[j][j] for j, g in enumerate(pull)]
        part = [a if h else 0.0 for a, h in zip(part, here, strict=True)]
        return [a / sum(part) for a in part] if sum(part) > 0 else [0.0] * len(part)

    def _learn(self, row: list[Row], score: float) -> None:
        assert self.model is not None
        self.alarmed = self.alarmed + 1 if score > 1 else max(self.alarmed - 1, 0)
        if score > 1 and self.alarmed <= self.options.frozen:
            return
        away = distance(self.model.fits[0], row[0], self.offset)
        self.offset = [o + a / min(max(len(self.rows), 1000), 16000) for o, a in zip(self.offset, away, strict=True)]
        if len(self.rows) < self.options.warmup * self.options.grow:
            self.rows.append(row)
            factor = len(self.rows) / self.options.warmup
            if factor in {2**i for i in range(1, 13)}:
                self._fit()
