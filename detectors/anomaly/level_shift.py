"""Level shift: a step between two steady levels that is unlike all steps seen so far."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from detectors.anomaly.level_shift_kernel import KNOWN, LOOK, WAIT, WINDOW, LevelShiftState, judge
from detectors.base import Batch, Detector, Floats, Verdict, option
from detectors.compiled import Kernel
from detectors.durations import Duration


class LevelShift(Detector[LevelShiftState]):
    """Distance of the last change of level from all changes of level known, in robust sigmas of such changes.

    Level = mean of the last 4 bins of `every`. It is steady where the means of its halves differ by at most 4 sigmas
    of such differences: windows that a shift, a ramp or a spike cuts through say nothing and teach nothing. Shift =
    steady level less the level of before: the newest steady one that ended 4 to 13 bins ago, averaged with those that
    ended 8 and 12 ago where they are within 4 sigma of it. Score = distance from the nearest of up to 12 ranges of
    known shifts / (limit x sigma). sigma = sqrt(pi/2) x mean size of shifts, each up to 3 sigma (Huber 1964), at least
    1 % of the span of what is known, `floor` x |level| and `resolution`.

    A shift is learned 8 bins later: into the nearest range where that is within 2 sigma, else as a range of its own;
    of more than 12 the two closest become one. Edges of a range come in by 1/8000 with each use. So what a machine
    does each day (shifts of work, set-points, on and off) becomes known from the first time on, whenever it comes, and
    a step to a level between two of its modes stands out. After a silence of 4 usual intervals levels start afresh.
    Bins longer than the interval of the data need no more than 4 of them in a step to find it.

    Use it for any numeric series, beside `auto`: steps that last 20 minutes or more, against modes that nobody
    declared. It says nothing of slow drift (`cusum`), nor of spikes (`robust_zscore`). Source: novelty detection by
    one-dimensional fuzzy ART boxes (Carpenter, Grossberg and Rosen 1991) on differences of adjacent window means, as
    in Basseville and Nikiforov, Detection of Abrupt Changes (1993), section 2.2.

    Scale: x -> c x leaves the score as it is (resolution 0). Shift: it does where `floor` does not bind.

    >>> rng = np.random.default_rng(1)
    >>> n = np.arange(6 * 288)  # 6 days of 5 minutes: two modes, and on the last day a level between them
    >>> x = 20 + 10 * (n % 288 // 96 == 1) + rng.normal(0, .5, len(n)); x[1560:1570] -= 5
    >>> t, one = n[:, None] * 300 * 10**9, np.full((len(n), 1), 300.0)
    >>> d = LevelShift()
    >>> _, v = d.scan(d.init(1), Batch(t, x[:, None], one, one > 0, one.astype(np.int32)))
    >>> np.flatnonzero(v.score[:, 0] >= 1).tolist()
    [1563, 1564, 1565, 1566, 1572, 1573, 1574, 1575]
    """

    invariance: ClassVar[frozenset[str]] = frozenset({"scale"})
    binned: ClassVar[bool] = True
    refractory_default: ClassVar[str] = "12h"

    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = judge

    kind: Literal["level_shift"] = "level_shift"
    every: Duration = option(
        "5m", "Length of the bins; data that come more seldom are judged reading by reading.",
        validate_default=True, gt=0, resets=True,
    )  # fmt: skip
    warmup: Duration = option(
        "1d", "What it learns before it has an opinion; of data slower than `every`, a reading counts as one bin.",
        validate_default=True, gt=0, resets=True,
    )  # fmt: skip
    limit: float = option(2.5, "Distance from the known shifts, in sigmas, that scores 1.", gt=0)
    floor: float = option(1e-3, "Smallest sigma, as a share of the level: less is immaterial.", ge=0, lt=1)
    resolution: float = option(0.0, "Smallest sigma, in the series' unit (the sensor's resolution).", ge=0)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> LevelShiftState:
        """State of n rows."""
        whole = np.zeros(n, dtype=np.int64)
        return LevelShiftState(
            whole, np.zeros(n), np.zeros(n), np.zeros(n), whole.copy(),
            np.zeros((n, WINDOW)), np.full((n, LOOK), np.nan), np.full((n, WAIT), np.nan),
            np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n),
            whole.copy(), np.zeros((n, KNOWN)), np.zeros((n, KNOWN)),
        )  # fmt: skip

    def step(self, state: LevelShiftState, batch: Batch) -> tuple[LevelShiftState, Verdict]:
        """Judge one bin of each row, then learn it; NaN and sizes from 1e100 have no opinion and change nothing."""
        return self.walk(state, np.arange(len(batch.time)), batch)

    def constants(self) -> tuple[float | bool, ...]:
        """Bins of warm-up, the limit, and the smallest sigmas."""
        return (self.warmup / self.every, self.limit, self.floor, self.resolution)
