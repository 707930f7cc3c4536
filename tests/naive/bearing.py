"""The slow, obvious twin of detectors.anomaly.bearing: one row, block by block, sums written out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from detectors.anomaly.bearing import Bearing

PARTS = ("inner_race", "outer_race", "ball", "cage")


@cache
def turning(n: int, bins: int, sign: int) -> Any:
    """(bins, n) e^(sign 2 pi i b t / n): a discrete Fourier transform is its product with the samples."""
    return np.array([[complex(math.cos(a), sign * math.sin(a)) for a in angles(b, n)] for b in range(bins)])


def angles(b: int, n: int) -> list[float]:
    return [2.0 * math.pi * (b * t % n) / n for t in range(n)]


def lines_of(x: Sequence[float], rate: float, top: float) -> list[list[float]]:
    """Per band, the lines of the squared envelope's spectrum over their local floor."""
    n, bins = len(x), int(top / (rate / len(x))) + 2
    mean = sum(x) / n
    centred = np.array([v - mean for v in x])
    if np.abs(centred).max() <= 1e-9 * max(abs(v) for v in x):
        return []
    half = n // 2
    spectrum = turning(n, half + 1, -1) @ (centred / np.abs(centred).max())
    found = []
    for level in range(4):
        band = half // 2**level
        if band < 2 * bins:
            break
        for b in range(2**level):
            signal = turning(band, band, 1).T @ spectrum[1 + b * band : 1 + (b + 1) * band] / band
            power = [abs(z) ** 2 for z in signal]
            level_of = sum(power) / band
            shaped = [(p - level_of) * (0.5 - 0.5 * math.cos(2 * math.pi * t / band)) for t, p in enumerate(power)]
            size = np.abs(turning(band, bins, -1) @ np.array(shaped)).tolist()
            found.append([s / floor_at(size, i) for i, s in enumerate(size)])
    return found


def floor_at(size: list[float], i: int) -> float:
    bins = len(size)
    points = [p for p in (2, 4, 6, *range(8, 80, 8)) if p < bins]
    points += [p for p in range(80, bins, 8) if p + 40 < bins]
    if i <= points[0]:
        return height(size, points[0])
    if i >= points[-1]:
        return height(size, points[-1])
    right = next(p for p in points if p >= i)
    left = max(p for p in points if p < i)
    return height(size, left) + (i - left) / (right - left) * (height(size, right) - height(size, left))


def height(size: list[float], point: int) -> float:
    around = min(max(point // 2, 8), 40)
    window = sorted(size[max(point - around, 2) : point + around + 1])
    return window[len(window) // 2]


class NaiveBearing:
    """One row."""

    def __init__(self, options: Bearing):
        self.options = options
        if options.balls is None:
            self.rates = [options.bpfi, options.bpfo, options.bsf, options.ftf]
        else:
            share = options.ball_diameter / options.pitch_diameter * math.cos(math.radians(options.contact_angle_deg))  # type: ignore[operator]
            spin = options.pitch_diameter / options.ball_diameter / 2 * (1 - share**2)  # type: ignore[operator]
            self.rates = [options.balls * (1 + share) / 2, options.balls * (1 - share) / 2, spin, (1 - share) / 2]
        self.blocks = self.learned = 0
        self.lasting, self.base, self.spread = [0.0] * 4, [0.0] * 4, [0.0] * 4

    def judge(self, x: Sequence[float], rate: float, rpm: float, learn: bool) -> tuple[float, list[float], float]:
        """Score, each part's share, and how warm."""
        o, warm = self.options, min(self.learned / self.options.warmup, 1.0)
        now = self.strengths(x, rate, rpm)
        if now is None:
            return math.nan, [0.0] * 4, warm
        self.blocks += 1
        count = min(self.blocks, 10)
        self.lasting = [m + (s - m) / count for m, s in zip(self.lasting, now, strict=True)]
        mean_scores = [0.0]
        if self.blocks >= 5:
            mean_scores = [m / o.lasting_ratio for m in self.lasting]
            if warm >= 1:
                own = zip(self.lasting, self.base, self.spread, strict=True)
                mean_scores += [(m - b) / (o.rise * max(s, 0.2)) for m, b, s in own]
        block, mean = max(now) / o.ratio, max(mean_scores)
        score = max(block, mean)
        shares = self.shares(now if block >= mean else self.lasting)
        if learn and score < 1:
            self.learned += 1
            count = min(self.learned, 500)
            for p in range(4):
                error = now[p] - self.base[p]
                self.spread[p] += ((abs(error) if self.learned > 1 else 0.0) - self.spread[p]) / count
                self.base[p] += error / count
        return score, shares, warm

    @staticmethod
    def shares(strength: Sequence[float]) -> list[float]:
        inner, outer, ball, cage = (max(s - 2.0, 0.0) for s in strength)
        if min(inner, outer) > 0 and min(inner, outer) >= 0.4 * max(inner, outer):
            ball = max(ball, inner + outer)
        total = inner + outer + ball + cage
        return [part / total if total > 0 else 0.0 for part in (inner, outer, ball, cage)]

    def strengths(self, x: Sequence[float], rate: float, rpm: float) -> list[float] | None:
        if not rpm > 0 and self.options.speed_rpm is None:
            return None
        if not all(abs(v) < 1e100 for v in x):
            return None
        shaft = (rpm if rpm > 0 else self.options.speed_rpm or 0.0) / 60
        top = (4 * 1.05 * max(self.rates[:2]) + 3) * shaft  # type: ignore[type-var, operator]
        if len(x) / rate * shaft < 8 or top > rate / 4:
            return None
        pieces = math.ceil(len(x) / rate * shaft / 160)
        if pieces > 1:
            n = len(x) // pieces
            each = [self.strengths(x[i * n : (i + 1) * n], rate, rpm) for i in range(pieces)]
            return None if None in each else [sum(s[p] for s in each if s) / pieces for p in range(4)]
        lines = lines_of(x, rate, top)
        if not lines:
            return None
        self.lines, self.per_order = lines, shaft / (rate / len(x))
        self.hidden: set[int] = set()
        inner, outer = self.part(0), self.part(1)
        first = 0 if inner[0] > outer[0] else 1
        order = (inner, outer)[first][1]
        bins = len(lines[0])
        for harmonic in range(1, int(bins / (order * self.per_order)) + 2):
            for side in (-2, -1, 0, 1, 2):
                at = (harmonic * order + side) * self.per_order
                self.hidden |= {b for b in range(bins) if abs(b - at) <= 2.6}
        return [(inner, outer)[p][0] if p == first else self.part(p)[0] for p in range(4)]

    def part(self, p: int) -> tuple[float, float]:
        """(strength, order) of the best fit of a part's lines."""
        ftf = float(self.rates[3] or 0.0)
        plain = [(h, 0.0) for h in (1, 2, 3, 4)]
        with_sides = {
            0: [(1, 0.0), (2, 0.0), (3, 0.0), (1, -1.0), (1, 1.0), (2, -1.0), (2, 1.0)],
            2: [(2, 0.0), (4, 0.0), (2, -ftf), (2, ftf), (4, -ftf), (4, ftf)],
        }
        families = [[(h, 0.0) for h in (1, 2, 4, 6)] if p == 2 else plain]
        families += [with_sides[p]] if p in with_sides else []
        best = (-1.0, 0.0)
        for family in families:
            found = self.fit(float(self.rates[p] or 0.0), family)
            best = found if found[0] > best[0] else best
        return best

    def fit(self, order: float, family: Sequence[tuple[int, float]]) -> tuple[float, float]:
        slip, best = self.options.slip, (-1.0, 0.0)
        spread = slip * order * self.per_order * max(h for h, _ in family)
        tries = math.ceil(2 * spread) if spread > 0.25 else 0
        for band in self.lines:
            for j in range(-tries, tries + 1):
                own = order * (1 + slip * j / max(tries, 1))
                heights = []
                for h, plus in family:
                    at = own * h + plus
                    bin_ = round(at * self.per_order)
                    nearest = round(at)
                    by_shaft = nearest >= 1 and abs(at - nearest) * self.per_order < 2.6
                    if 3 <= bin_ < len(band) and not by_shaft and bin_ not in self.hidden:
                        heights.append(band[bin_])
                enough = len(heights) >= max(2, len(family) // 2)
                strength = (sum(math.sqrt(v) for v in heights) / len(heights)) ** 2 if enough else 0.0
                if strength > best[0]:
                    best = (strength, own)
        return best
