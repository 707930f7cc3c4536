"""Auto: how new the last hours look, measured against all that the series has shown; for signals nobody described."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly import box_memory, weekly_residual
from detectors.anomaly.auto_kernel import judge
from detectors.anomaly.auto_state import (
    DISCOUNT,
    FAST,
    FITTED,
    HOLD,
    PERCENT,
    SHRINK,
    SLOW,
    STEADY,
    UNIT_S,
    WEIGHT,
    AutoState,
    fresh,
)
from detectors.anomaly.pace import follow, weigh
from detectors.anomaly.windows import slide
from detectors.base import Batch, Bools, Detector, Floats, Verdict, option
from detectors.compiled import Kernel
from detectors.durations import SECOND, Duration
from detectors.single import LARGEST, single


class Auto(Detector[AutoState]):
    """Novelty of the recent course against all courses seen so far; needs no description of the signal.

    Two sources are made of the value: its weekly residual (value less what the local hour of the week adds, where
    that helps) and a band-pass (mean over 25 units less mean over 400). Of each, windows of four means over 1, 4 and
    16 units are remembered as up to 24 hyper-boxes. D = growth that the nearest box needs to hold the new window,
    as a share of the source's range; novelty = cube root of (1 + 100 D1) (1 + 100 D4) (1 + 100 D16), the larger of
    the two sources; score = (novelty - 1) / (1 + 5 x mean change from reading to reading as a share of the range).
    It reads: by how many per cent of its own range this course is new. The false-alarm budget sets the threshold.

    A unit is five minutes; data slower than that count a reading as a unit, faster data count for less. The interval
    is learned. It learns all it sees, the anomalies too: what lasts or comes back becomes normal.

    Use it for any numeric series. Shifts whose length or start varies widen what it takes as normal: name the mode
    with `when` or `by`. Boxes after fuzzy ART (Carpenter, Grossberg and Rosen 1991).

    Scale: x -> c x leaves the score as it is (resolution 0).

    >>> rng = np.random.default_rng(1)
    >>> minutes = np.arange(0, 6 * 1440, 5)
    >>> x = 20 + 5 * np.sin(minutes * 2 * np.pi / 1440) + rng.normal(0, .1, len(minutes)); x[1500:1506] += 4
    >>> time, one = minutes[:, None] * 60 * SECOND, np.ones((len(x), 1))
    >>> batches = Batch(time, x[:, None], 300 * one, one > 0, (time // SECOND % 604_800).astype(np.int32))
    >>> d = Auto()
    >>> _, v = d.scan(d.init(1), batches)
    >>> 1500 <= int(np.nanargmax(v.score)) <= 1506
    True
    """

    invariance: ClassVar[frozenset[str]] = frozenset({"scale"})
    binned: ClassVar[bool] = True
    refractory_default: ClassVar[str] = "12h"
    kernel: ClassVar[Kernel | None] = judge

    kind: Literal["auto"] = "auto"
    every: Duration | Literal["auto"] = option(
        "auto",
        "Length of the bins that it judges; auto: each reading where they come a minute or more apart, else a minute.",
        validate_default=True,
        resets=True,
    )
    warmup: Duration = option(
        "1000m",
        "What it learns before it has an opinion; of data slower than five minutes, a reading counts as five.",
        validate_default=True,
        gt=0,
        resets=True,
    )
    floor: float = option(1e-4, "Smallest range, as a share of the mean: less is immaterial.", ge=0, lt=1)
    resolution: float = option(0.0, "Smallest range, in the series' unit (the sensor's resolution).", ge=0)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> AutoState:
        """State of n rows."""
        return fresh(n)

    def constants(self) -> tuple[float | bool, ...]:
        """Units of warm-up, and the smallest ranges."""
        return (self.warmup / SECOND / UNIT_S, self.floor, self.resolution)

    def columns(self, batch: Batch) -> list[NDArray[Any]]:
        """The local time of the week."""
        return [batch.week_s]

    def step(self, state: AutoState, batch: Batch) -> tuple[AutoState, Verdict]:
        """Score one reading of each row, then learn it; NaN and sizes from 1e30 have no opinion and change nothing."""
        present = np.abs(batch.x) < LARGEST
        teach = present & batch.learn
        first = present & (state.passed <= 0)
        x = np.where(present, batch.x, 0.0)
        known = state.learned > 0
        needed = self.constants()[0]
        warm = np.minimum(state.learned / needed, 1.0)
        hour = batch.week_s // 3600
        mean = np.where(known, state.middle, x)

        gap = np.where(first | ~present, 0, batch.time - np.where(first, batch.time, state.newest)) / 1e9
        interval_s, intervals = follow(state.interval_s, state.intervals, gap, present)
        weight, readings = weigh(interval_s)
        week = weekly_residual.fit(state, x, mean, hour, weight)
        add = week.offset
        passed = state.passed + weight
        fast = state.fast + weight / np.minimum(passed, FAST) * (x - state.fast)
        slow = state.slow + weight / np.minimum(passed, SLOW) * (x - state.slow)
        sources = [single(x - add), single(fast - slow)]
        slid = slide(state, sources, readings, present, first)
        smallest = np.maximum(self.floor * np.abs(state.level), self.resolution)
        spans = [np.maximum(state.high[:, s] - state.low[:, s], smallest) for s in (1, 2)]
        boxes, novelty, (low, high) = box_memory.compare(state, slid.windows, spans, weight, teach)

        ready = present & (warm >= 1)
        discount = 1.0 + DISCOUNT * state.noise
        rise = 1.0 + discount
        margin = (rise * rise * rise - 1.0) / PERCENT * WEIGHT * spans[0]
        verdict = Verdict(
            np.where(ready, np.maximum(novelty - 1.0, 0.0) / discount, np.nan),
            np.where(ready, (low + high) / 2.0 + add, np.nan),
            np.where(ready, low - margin + add, np.nan),
            np.where(ready, high + margin + add, np.nan),
            warm,
        )
        gain = weight / np.minimum(state.learned + weight, FITTED)
        after = AutoState(
            np.where(present, batch.time, state.newest),
            interval_s,
            intervals,
            np.where(present, passed, state.passed),
            np.where(present, x, state.last),
            np.where(present, fast, state.fast),
            np.where(present, slow, state.slow),
            slid.at,
            slid.phase,
            slid.units,
            slid.recent,
            slid.quarter,
            slid.coarse,
            np.where(teach, state.learned + weight, state.learned),
            state.ticks + teach,
            *_steady(state, x, weight, teach),
            *_ranges(state, np.stack([x, *sources], axis=1), weight, teach),
            np.where(teach, mean + gain * (x - mean), state.middle),
            np.where(teach, week.error, state.error),
            np.where(teach, week.spread, state.spread),
            *weekly_residual.learn(state, x, hour, weight, teach),
            *boxes,
        )
        return after, verdict


def _steady(state: AutoState, x: Floats, weight: Floats, teach: Bools) -> tuple[Floats, Floats]:
    """Level and noise after values (k,), where `teach`."""
    gain = weight / np.minimum(state.learned + weight, STEADY)
    wide = state.high[:, 0] - state.low[:, 0]
    change = np.abs(x - state.last)
    share = np.where(change < wide, change / np.where(change < wide, wide, 1.0), np.where(change > 0, 1.0, 0.0))
    share = np.where(state.learned > 0, share, 0.0)
    return (
        np.where(teach, state.level + gain * (x - state.level), state.level),
        np.where(teach, state.noise + gain * (share - state.noise), state.noise),
    )


def _ranges(state: AutoState, values: Floats, weight: Floats, teach: Bools) -> tuple[Floats, Floats]:
    """Lowest and highest of the value and its sources (k, 3), where `teach`; they slowly close in on each other."""
    known = (state.learned > 0)[:, None]
    wide = state.high - state.low
    closer = np.where((state.learned >= HOLD)[:, None], 0.5 * wide * weight[:, None] / SHRINK, 0.0)
    high = np.where(known & ~(values > state.high), state.high - closer, values)
    low = np.where(known & ~(values < state.low), state.low + closer, values)
    return np.where(teach[:, None], low, state.low), np.where(teach[:, None], high, state.high)
