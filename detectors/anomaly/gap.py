"""Gap: a series that has fallen silent."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from detectors.base import NARROW, NEVER, Batch, Bools, Detector, Floats, Ints, Verdict, Walked, no_opinion, option
from detectors.durations import SECOND, Duration

_NONE = np.iinfo(np.int64).min
_MEMORY = 50.0
_OUTLIER = 3.0
"""An interval counts for the learned one up to this many times it: a pause must not teach its own normality."""
_LEARNED = 5
"""Intervals needed before a learned timeout speaks."""


class GapState(NamedTuple):
    """One row each."""

    last: Ints  # time of the last reading, ns; the smallest int64 = none yet
    interval_s: Floats  # learned mean interval
    intervals: Floats  # how many were learned
    told: Bools  # this silence has been spoken of


class Gap(Detector[GapState]):
    """No data: nothing for longer than `timeout` since the last reading. Speaks by `tick`, never by a reading.

    Without `timeout` it is learned: max(at_least, factor x mean interval), the mean over about 50 intervals, each
    counted up to 3 x the mean so far; silent until 5 are known. At the deadline the score is 1 and grows with the
    silence; the next reading scores 0, which ends the episode. Also known as a deadman check.

    Scale and shift: values do not enter.

    >>> d = Gap(timeout="1m")
    >>> b = Batch(np.array([0]), np.array([5.0]), np.array([np.nan]), np.array([True]), np.array([0], dtype=np.int32))
    >>> state, _ = d.step(d.init(1), b)
    >>> int(d.deadline(state)[0]) // SECOND
    60
    """

    health: ClassVar[bool] = True
    judges_silence: ClassVar[bool] = True
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "0s"
    invariance: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})

    kind: Literal["gap"] = "gap"
    timeout: Duration | None = option(
        None, "Silence that counts as a gap; learned from the series' own pace where not given.", gt=0
    )
    factor: float = option(10.0, "Learned timeout, in mean intervals.", gt=1)
    at_least: Duration = option("1m", "Learned timeout, at least.", validate_default=True, gt=0)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> GapState:
        """State of n rows."""
        return GapState(
            np.full(n, np.iinfo(np.int64).min, dtype=np.int64), np.zeros(n), np.zeros(n), np.zeros(n, dtype=bool)
        )

    def step(self, state: GapState, batch: Batch) -> tuple[GapState, Verdict]:
        """A reading ends the silence (score 0) and teaches the interval; its value does not matter, NaN included."""
        timed = (batch.dt > 0) & batch.learn
        count = state.intervals + timed
        known = state.intervals >= _LEARNED
        dt = np.where(timed, batch.dt, 0.0)
        dt = np.where(known, np.minimum(dt, _OUTLIER * state.interval_s), dt)
        gain = 1.0 / np.minimum(np.maximum(count, 1.0), _MEMORY)
        interval = np.where(timed, state.interval_s + gain * (dt - state.interval_s), state.interval_s)
        k = len(batch.time)
        verdict = no_opinion(k)._replace(score=np.zeros(k), warm=self._warm(count))
        return GapState(batch.time, interval, count, np.zeros(k, dtype=bool)), verdict

    def deadline(self, state: GapState) -> Ints:
        """(k,) when silence becomes a gap: last + timeout; NEVER once told, or while not known."""
        speaks = ~state.told & (state.last > np.iinfo(np.int64).min) & (self._warm(state.intervals) >= 1)
        timeout = self._timeout_ns(state)
        # near the end of what int64 holds a sum would wrap round to the past
        return np.where(speaks, np.minimum(np.where(speaks, state.last, 0), NEVER - timeout) + timeout, NEVER)

    def tick(self, state: GapState, time: Ints) -> tuple[GapState, Verdict]:
        """Rows whose deadline is at or before `time` score silence / timeout; the others have no opinion."""
        fresh = state._replace(told=np.zeros(len(time), dtype=bool))
        due = self.deadline(fresh) <= time
        silence = np.where(due, time - np.where(due, state.last, time), 0)
        score = np.where(due, silence / self._timeout_ns(state), np.nan)
        verdict = no_opinion(len(time))._replace(score=score, warm=self._warm(state.intervals))
        return state._replace(told=state.told | due), verdict

    def walk(self, row: tuple[Any, ...], time: list[int], x: list[float], dt: list[float], learn: list[bool]) -> Walked:
        """As `step`, reading by reading along one row."""
        return self._walk(row, time, dt, learn)[0]

    def deadlines(self, state: GapState, batches: Batch) -> Ints:
        """(t, k) the deadline in force before each reading of a block, where none passes on the way."""
        if batches.time.shape[1] > NARROW:
            return super().deadlines(state, batches)
        rows = zip(*(a.tolist() for a in state), strict=True)
        columns = (a.T.tolist() for a in (batches.time, batches.dt, batches.learn))
        found = [self._walk(row, *column)[1] for row, *column in zip(rows, *columns, strict=True)]
        return np.array(found, dtype=np.int64).T

    def _walk(
        self, row: tuple[Any, ...], time: list[int], dt: list[float], learn: list[bool]
    ) -> tuple[Walked, list[int]]:
        last, interval, count, told = row
        nothing = [math.nan] * len(time)
        out = Walked((), [0.0] * len(time), nothing, nothing, nothing, [])
        deadlines = []
        for t, gap, teach in zip(time, dt, learn, strict=True):
            speaks = not told and last > _NONE and (self.timeout is not None or count >= _LEARNED)
            timeout = self.timeout
            if timeout is None:
                timeout = max(int(min(self.factor * interval, 3.2e7) * SECOND), self.at_least)
            deadlines.append(min(last + timeout, NEVER) if speaks else NEVER)
            if gap > 0 and teach:
                if count >= _LEARNED:
                    gap = min(gap, _OUTLIER * interval)
                count = count + 1.0
                interval = interval + 1.0 / min(max(count, 1.0), _MEMORY) * (gap - interval)
            last, told = t, False
            out.warm.append(1.0 if self.timeout is not None else min(count / _LEARNED, 1.0))
        return out._replace(state=(last, interval, count, told)), deadlines

    def _warm(self, count: Floats) -> Floats:
        return np.ones(len(count)) if self.timeout is not None else np.minimum(count / _LEARNED, 1.0)

    def _timeout_ns(self, state: GapState) -> Ints:
        if self.timeout is not None:
            return np.full(len(state.last), self.timeout, dtype=np.int64)
        # a year at most, so that a deadline cannot overflow
        learned = np.minimum(self.factor * state.interval_s, 3.2e7) * SECOND
        return np.maximum(learned.astype(np.int64), self.at_least)
