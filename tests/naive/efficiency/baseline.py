"""An energy baseline from a list of all its periods: weighted least squares by elimination, figures by residuals."""

from __future__ import annotations

import math

NAN = math.nan
TO_SIGMA = math.sqrt(math.pi / 2)


def least_squares(rows: list[tuple[float, list[float], float]], p: int) -> tuple[list[float], list[int]]:
    """Coefficients of (weight, x, y) rows, and the columns that count: those not made up of the ones before."""
    columns: list[int] = []
    basis: list[list[float]] = []
    for j in range(p):
        column = [math.sqrt(w) * x[j] for w, x, _ in rows]
        rest = column[:]
        for b in basis:
            along = sum(u * v for u, v in zip(rest, b, strict=True))
            rest = [u - along * v for u, v in zip(rest, b, strict=True)]
        own = sum(u * u for u in rest)
        if own > 1e-9 * sum(u * u for u in column):
            columns.append(j)
            basis.append([u / math.sqrt(own) for u in rest])
    n = len(columns)
    system = [[sum(w * x[a] * x[b] for w, x, _ in rows) for b in columns] for a in columns]
    for i, a in enumerate(columns):
        system[i].append(sum(w * x[a] * y for w, x, y in rows))
    for i in range(n):
        best = max(range(i, n), key=lambda r: abs(system[r][i]))
        system[i], system[best] = system[best], system[i]
        for r in range(n):
            if r != i:
                factor = system[r][i] / system[i][i]
                system[r] = [u - factor * v for u, v in zip(system[r], system[i], strict=True)]
    found = [0.0] * p
    for i, a in enumerate(columns):
        found[a] = system[i][n] / system[i][i]
    return found, columns


class NaiveBaseline:
    """One baseline. `take` gives what was expected, NaN before the warm-up."""

    def __init__(self, outlier: float, warmup: int) -> None:
        self.outlier, self.warmup = outlier, warmup
        self.rows: list[tuple[float, list[float], float]] = []
        self.coefficients, self.columns = [0.0] * 4, [0]
        self.clipped: list[float] = []

    def take(self, energy: float, inputs: list[float]) -> float:
        if math.isnan(energy) or any(math.isnan(v) for v in inputs):
            return NAN
        x = [1.0, *inputs]
        expected = sum(b * v for b, v in zip(self.coefficients, x, strict=True))
        ready = len(self.rows) >= self.warmup
        error, weight = energy - expected, 1.0
        size = sum(abs(e) for e in self.clipped) / len(self.clipped) if self.clipped else 0.0
        bound = self.outlier * TO_SIGMA * size
        if ready and abs(error) > bound > 0:
            weight = bound / abs(error)
            error = math.copysign(bound, error)
        self.rows.append((weight, x, energy))
        if len(self.rows) > self.warmup // 2:
            self.clipped.append(error)
        self.coefficients, self.columns = least_squares(self.rows, 4)
        return expected if ready else NAN

    def figures(self) -> tuple[float, float, float, float]:
        """(R2, CV(RMSE), NMBE, autocorrelation)."""
        n, p = len(self.rows), len(self.columns)
        mean = sum(y for _, _, y in self.rows) / n
        errors = [y - sum(b * v for b, v in zip(self.coefficients, x, strict=True)) for _, x, y in self.rows]
        sse = sum(e * e for e in errors)
        sst = sum((y - mean) ** 2 for _, _, y in self.rows)
        pairs = sum(a * b for a, b in zip(self.clipped, self.clipped[1:], strict=False))
        lag = pairs / sum(e * e for e in self.clipped)
        return 1 - sse / sst, math.sqrt(sse / (n - p)) / mean, sum(errors) / ((n - p) * mean), lag


def naive_cusum(saved: list[float], sigma: float, reference: float) -> tuple[float, float, int, int]:
    """(towards less, towards more, periods of each since it was 0)."""
    less = more = 0.0
    less_for = more_for = 0
    for s in saved:
        if math.isnan(s):
            continue
        less, more = max(0.0, less + s / sigma - reference), max(0.0, more - s / sigma - reference)
        less_for = less_for + 1 if less > 0 else 0
        more_for = more_for + 1 if more > 0 else 0
    return less, more, less_for, more_for
