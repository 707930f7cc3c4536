"""Stuck: a flat line where variation is expected."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from detectors.base import Batch, Detector, Floats, Ints, Verdict, no_opinion, option
from detectors.compiled import Kernel
from detectors.durations import SECOND, Duration

_MEMORY = 50.0
_LONGEST = 3.0
"""A run is not stuck until it is this many times the longest run remembered."""
_FORGET_S = 28 * 86_400.0
"""The longest run is forgotten over about this time."""
_TEACH = 2.0
"""A run that was reported may raise the longest run remembered at most this many times."""


class StuckState(NamedTuple):
    """One row each."""

    level: Floats  # value at the start of the flat run, NaN at first
    start: Ints  # its time, ns
    changes: Floats  # how many times the value has changed
    mean_s: Floats  # mean time between changes
    longest_s: Floats  # longest time between changes, slowly forgotten


@Kernel
def _judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, score: Any, expected: Any, low: Any, high: Any, warm: Any,
    level: Any, start: Any, changes: Any, mean: Any, longest: Any,
    after: Any, factor: Any, at_least: Any, warmup: Any, resolution: Any,
) -> None:  # fmt: skip
    """As `Stuck.step`, reading by reading."""
    for i in range(len(rows)):
        r = rows[i]
        v = x[i]
        expected[i] = math.nan
        low[i] = math.nan
        high[i] = math.nan
        known = changes[r]
        ready = 1.0
        if after <= 0.0:
            ready = known / warmup
            if ready > 1.0:
                ready = 1.0
        warm[i] = ready
        if v != v:
            score[i] = math.nan
            continue
        was = level[r]
        if was != was:
            level[r] = v
            start[r] = time[i]
            score[i] = 0.0 if ready >= 1.0 else math.nan
            continue
        moved = abs(v - was) > resolution
        if not moved and ready < 1.0:
            score[i] = math.nan
            continue
        age = float(time[i] - start[r]) / 1e9
        limit = after
        if after <= 0.0:
            limit = factor * mean[r]
            if _LONGEST * longest[r] > limit:
                limit = _LONGEST * longest[r]
            if at_least > limit:
                limit = at_least
        if not moved:
            score[i] = age / limit
            continue
        score[i] = 0.0 if ready >= 1.0 else math.nan
        level[r] = v
        start[r] = time[i]
        if learn[i]:
            run = age
            most = _TEACH * longest[r]
            if age >= limit and known >= warmup and most < run:
                run = most
            known = known + 1.0
            changes[r] = known
            mean[r] = mean[r] + 1.0 / (known if known < _MEMORY else _MEMORY) * (run - mean[r])
            kept = 1.0 - age / _FORGET_S
            kept = longest[r] * (kept if kept > 0.0 else 0.0)
            longest[r] = kept if kept > run else run


class Stuck(Detector[StuckState]):
    """A value that does not change for longer than this series' own past makes plausible.

    A run is flat while |x - its first value| <= resolution. Score = its age / limit, where limit is `after` if
    given, else max(at_least, factor x mean run, 3 x longest run remembered), and the detector has no opinion until
    it has seen `warmup` changes: a set-point or a closed valve that seldom moves is not expected to vary. A run
    that was reported raises the longest remembered at most 2-fold, so nightly stand-stills are accepted after a few
    nights and one long fault is not taken as normal.

    Scale and shift: neither changes the score where resolution is 0 (the default) and no rounding occurs.

    >>> d = Stuck(after="10s")
    >>> t = np.arange(13, dtype=np.int64)[:, None] * SECOND
    >>> x = np.where(t < 2 * SECOND, t * 1.0, 7.0)
    >>> one = np.ones((13, 1))
    >>> d.scan(d.init(1), Batch(t, x, one, one > 0, one.astype(np.int32)))[1].score[:, 0].max()
    np.float64(1.0)
    """

    health: ClassVar[bool] = True
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "1m"
    invariance: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})

    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = _judge

    kind: Literal["stuck"] = "stuck"
    after: Duration | None = option(None, "Age of a flat run that counts as stuck; learned where not given.", gt=0)
    factor: float = option(10.0, "Learned limit, in mean times between changes.", gt=1)
    at_least: Duration = option("5m", "Learned limit, at least.", validate_default=True, gt=0)
    warmup: int = option(30, "Changes of value needed before a learned limit speaks.", ge=1)
    resolution: float = option(
        0.0, "Largest movement that still counts as flat, in the series' unit.", ge=0, resets=True
    )

    def init(self, n: int, given: dict[str, Floats] | None = None) -> StuckState:
        """State of n rows."""
        return StuckState(np.full(n, np.nan), np.zeros(n, dtype=np.int64), np.zeros(n), np.zeros(n), np.zeros(n))

    def step(self, state: StuckState, batch: Batch) -> tuple[StuckState, Verdict]:
        """Score the age of the run that the reading belongs to, then learn a run that it ended."""
        level, start, changes, mean, longest = state
        present = ~np.isnan(batch.x)
        first = present & np.isnan(level)
        # infinity less infinity is NaN, which is no movement, as it should be
        with np.errstate(invalid="ignore", over="ignore"):
            moved = present & ~first & (np.abs(batch.x - level) > self.resolution)
        age = np.where(first | ~present, 0.0, (batch.time - start) / SECOND)
        limit = self._limit_s(state)
        warm = np.ones(len(age)) if self.after is not None else np.minimum(changes / self.warmup, 1.0)
        score = np.where(moved | first, 0.0, age / limit)
        learned = moved & batch.learn
        told = age >= limit
        run = np.where(told & (changes >= self.warmup), np.minimum(age, _TEACH * longest), age)
        count = changes + learned
        gain = 1.0 / np.minimum(np.maximum(count, 1.0), _MEMORY)
        kept = longest * np.maximum(1.0 - age / _FORGET_S, 0.0)
        state = StuckState(
            np.where(first | moved, batch.x, level),
            np.where(first | moved, batch.time, start),
            count,
            np.where(learned, mean + gain * (run - mean), mean),
            np.where(learned, np.maximum(kept, run), longest),
        )
        verdict = no_opinion(len(age))._replace(score=np.where(present & (warm >= 1), score, np.nan), warm=warm)
        return state, verdict

    def constants(self) -> tuple[float | bool, ...]:
        """What the kernel is given of the options; 0 for an age that is learned."""
        after_s = 0.0 if self.after is None else self.after / SECOND
        return (after_s, self.factor, self.at_least / SECOND, float(self.warmup), self.resolution)

    def _limit_s(self, state: StuckState) -> Floats:
        if self.after is not None:
            return np.full(len(state.level), self.after / SECOND)
        learned = np.maximum(self.factor * state.mean_s, _LONGEST * state.longest_s)
        return np.maximum(learned, self.at_least / SECOND)
