"""Chunks of three shapes, and banks that are past their warm-up, for `tests.bench.shapes`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import compiled
from detectors.bank import Bank
from detectors.base import Batch, Floats, Ints
from detectors.calibration import Calibration
from detectors.durations import SECOND, budget_per_s, duration_ns
from detectors.registry import build

INPUTS = 52
START = 1_767_600_000 * SECOND  # a Monday
DAY_S = 86_400.0


class Shape(NamedTuple):
    """What a chunk looks like."""

    name: str
    series: int
    readings: int  # of each series

    def chunks(self, fast: bool, joint: bool) -> int:
        """How many are timed in a round: enough to be measured, few enough to be done soon."""
        return max(1, (40_000 if joint else 100_000 if fast else 20_000) // (self.series * self.readings))


WIDE, SQUARE, DEEP = Shape("wide", 10_000, 1), Shape("square", 1_000, 100), Shape("deep", 1, 100_000)
SHAPES = (WIDE, SQUARE, DEEP)

OPTIONS: dict[str, dict[str, Any]] = {"limits": {"low": -1000, "high": 1000}, "cusum": {"warmup": "12h"}}
EVERY_S = {"auto": 60.0, "t2_spe": 60.0, "cusum": 1.0}
"""Seconds between readings; of `auto` its bins."""
TAUGHT_S = {"auto": 2_200 * 60.0, "t2_spe": 16_010 * 60.0, "cusum": 14 * 3600.0}
TAUGHT_EVERY_S = {"cusum": 60.0}
TAUGHT_ROWS, TAUGHT_MACHINES = 100, 5
"""Rows that are taught; the bank's are copies of them. Of t2_spe past its last fit, too."""


def kernels() -> bool:
    """Whether the extra `fast` is installed."""
    return _INSTALLED


_INSTALLED = compiled.available


class Load:
    """A bank of one detector in one shape, and the chunks that it is asked about."""

    def __init__(self, kind: str, shape: Shape, fast: bool) -> None:
        joint = kind == "t2_spe"
        self.shape = Shape(shape.name, max(1, shape.series // INPUTS), shape.readings) if joint else shape
        self.fast, self.inputs = fast, INPUTS if joint else None
        self.every_s = EVERY_S.get(kind, 1.0)
        self.bank = _bank(kind, self.inputs)
        self._rng = np.random.default_rng(7)
        self.at_s = 0.0
        self._teach(kind)
        self.level, self.spread = np.full(self.bank.rows, 20.0), np.full(self.bank.rows, 0.1)

    @property
    def state(self) -> float:
        """Bytes a series, calibration included."""
        saved = self.bank.snapshot()
        return sum(a.nbytes for a in (*saved["state"], *saved["calibration"], saved["learned_since"])) / self.bank.rows

    @contextmanager
    def way(self) -> Iterator[None]:
        """With or without compiled kernels."""
        compiled.available = self.fast
        try:
            yield
        finally:
            compiled.available = _INSTALLED

    def chunks(self) -> list[tuple[Ints, Batch]]:
        """The next ones of its stream: instant by instant, the series of each in one and the same odd order."""
        n, depth = self.shape.series, self.shape.readings
        depth = depth if self.fast or self.shape.series > 1 else depth // 10
        rows = np.tile(np.random.default_rng(3).permutation(n), depth)
        many = self.shape.chunks(self.fast, self.inputs is not None)
        return [(rows, self._batch(n, depth, self.every_s)) for _ in range(many)]

    def _teach(self, kind: str) -> None:
        """Past the warm-up, on a few rows; the others are copies."""
        few = min(TAUGHT_ROWS if self.inputs is None else TAUGHT_MACHINES, self.shape.series)
        every_s = TAUGHT_EVERY_S.get(kind, self.every_s)
        taught, left = _bank(kind, self.inputs), round(TAUGHT_S.get(kind, 200.0) / every_s)
        taught.grow(few)
        while left:
            depth = min(200, left)
            taught.run(np.tile(np.arange(few), depth), self._batch(few, depth, every_s))
            left -= depth
        self.bank.restore(Bank.gather([(taught.snapshot(), np.arange(self.shape.series) % few)]))

    def _batch(self, n: int, depth: int, every_s: float) -> Batch:
        """So many instants of n rows: a daily swing, noise, and of a machine's inputs what they share."""
        seconds = self.at_s + np.arange(depth) * every_s
        self.at_s += depth * every_s
        time = np.repeat(START + (seconds * SECOND).astype(np.int64), n)
        swing = np.repeat(20 + np.sin(seconds * 2 * np.pi / DAY_S), n)
        x: NDArray[np.float64] = swing + self._rng.normal(0, 0.1, len(swing))
        if self.inputs is not None:
            x = x[:, None] + self._rng.normal(0, 0.05, (len(swing), self.inputs))
        week_s = (time // SECOND % 604_800).astype(np.int32)
        return Batch(time, x, np.full(len(time), every_s), np.ones(len(time), dtype=bool), week_s)


def _bank(kind: str, inputs: int | None) -> Bank:
    detector = build({"kind": kind, **OPTIONS.get(kind, {})})
    rate, refractory = budget_per_s("1/week"), duration_ns(detector.refractory_default)
    return Bank(detector, Calibration(rule=detector.limit_rule, rate_per_s=rate, refractory_ns=refractory), inputs)


def numpy_pass(level: Floats, spread: Floats, rows: Ints, x: Floats) -> Floats:
    """Scores of readings against their rows' level and spread, which then follow them; what numpy takes at least."""
    value = x if x.ndim == 1 else x[:, 0]
    error = value - level[rows]
    size = np.abs(error)
    score: Floats = size / (6.0 * spread[rows])
    level[rows] += 0.01 * error
    spread[rows] += 0.01 * (size - spread[rows])
    return score
