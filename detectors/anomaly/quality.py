"""Quality: too many readings that their source itself calls bad or uncertain."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import Batch, Detector, Floats, Verdict, option
from detectors.compiled import Kernel
from detectors.durations import SECOND, Duration

_AT_LEAST = 20.0
"""Memory in readings, at least: a few bad readings of a slow series are no share yet."""


class QualityState(NamedTuple):
    """One row each."""

    share: Floats  # of readings that are bad, exponentially weighted, 0..1


@Kernel
def _judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, quality: Any,
    score: Any, expected: Any, low: Any, high: Any, warm: Any, share: Any, limit: Any, tau: Any, uncertain: Any,
) -> None:  # fmt: skip
    for i in range(len(rows)):
        r = rows[i]
        gain = 1.0 / _AT_LEAST
        if dt[i] >= 0 and dt[i] / (dt[i] + tau) < gain:
            gain = dt[i] / (dt[i] + tau)
        code = quality[i]
        bad = 1.0 if code >= 2 else uncertain if code == 1 else 0.0
        if share[r] <= 0:  # the first one counts in full: of what came before it nothing is known to be bad
            gain = 1.0 / _AT_LEAST
        now = share[r] + gain * (bad - share[r])
        share[r] = now
        score[i] = now / limit
        expected[i] = math.nan
        low[i] = math.nan
        high[i] = math.nan
        warm[i] = 1.0


class Quality(Detector[QualityState]):
    """Share of readings of bad or uncertain quality, above what is tolerable.

    share += gain x (badness - share), badness 1 for bad, `uncertain` for uncertain, 0 for good; gain = dt / (dt +
    half_life / ln 2), at most 1/20. Score = share / limit. At the defaults a series that turns bad altogether is told
    after 3 minutes, or after five readings where it is slower than one in 20 s. Quality after OPC UA (Part 8, 5.3.3).
    Its value does not matter, an absent one counts by its quality. It keeps rows of series that were ever not good.

    Scale and shift: values do not enter.

    >>> d = Quality()
    >>> five = np.ones((5, 1))
    >>> code = np.full((5, 1), 2, dtype=np.uint8)
    >>> t = np.arange(5, dtype=np.int64)[:, None] * 60 * SECOND
    >>> b = Batch(t, five, 60 * five, five < 0, five.astype(np.int32), quality=code)
    >>> d.scan(d.init(1), b)[1].score[:, 0].round(2).tolist()
    [0.25, 0.49, 0.71, 0.93, 1.13]
    """

    health: ClassVar[bool] = True
    judges: ClassVar[Literal["value", "quality", "clock"]] = "quality"
    verdict_rows: ClassVar[bool] = False
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "1m"
    invariance: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})

    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = _judge

    kind: Literal["quality"] = "quality"
    limit: float = option(0.2, "Share of bad readings that scores 1.", gt=0, le=1)
    half_life: Duration = option("10m", "Time after which a reading counts half.", validate_default=True, gt=0)
    uncertain: float = option(0.5, "How much an uncertain reading counts, where a bad one counts 1.", ge=0, le=1)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> QualityState:
        """State of n rows."""
        return QualityState(np.zeros(n))

    def step(self, state: QualityState, batch: Batch) -> tuple[QualityState, Verdict]:
        """Take one reading of each row into its share, and score that."""
        return self.walk(state, np.arange(len(batch.time)), batch)

    def columns(self, batch: Batch) -> list[NDArray[Any]]:
        """The quality codes; all good where none are given."""
        return [np.zeros(len(batch.time), dtype=np.uint8) if batch.quality is None else batch.quality]

    def constants(self) -> tuple[float | bool, ...]:
        """What the kernel is given of the options."""
        return (self.limit, self.half_life / SECOND / math.log(2), self.uncertain)
