"""Gap: a series that has fallen silent."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from detectors import compiled
from detectors.base import (
    NARROW,
    NEVER,
    Batch,
    Bools,
    Detector,
    Floats,
    Ints,
    Verdict,
    copied,
    flat,
    no_opinion,
    option,
)
from detectors.compiled import Kernel
from detectors.durations import SECOND, Duration

_NONE = np.iinfo(np.int64).min
_SECOND = float(SECOND)
_YEAR_S = 3.2e7
"""A learned timeout is a year at most, so that a deadline cannot overflow."""
_MEMORY = 50.0
_OUTLIER = 3.0
"""An interval counts for the learned one up to this many times it: a pause must not teach its own normality."""
_LEARNED = 5
"""Intervals needed before a learned timeout speaks."""
_LONGEST = 3.0
"""A silence is no gap until it is this many times the longest remembered."""
_FORGET_S = 28 * 86_400.0
"""The longest is forgotten over about this time."""
_TEACH = 2.0
"""A silence that was reported may raise the longest remembered at most this many times."""


_RAGGED = 2.0
"""More uneven intervals than this, in hand, and the series has no pace of its own: it is sent on change."""
_EVEN = 0.02
"""What an even interval pays off of an uneven one: 1 in 50 may be uneven."""
_MOST = 20.0
"""Uneven intervals held against a series, at most."""
_PAUSE = 1.5
"""Intervals from so many means on are the pauses of a series."""
_PAUSES, _ALIKE = 20, 2.0
"""After so many pauses, of which the longest is at most so many times the mean one, they are its pace."""


class GapState(NamedTuple):
    """One row each."""

    last: Ints  # time of the last reading, ns; the smallest int64 = none yet
    interval_s: Floats  # learned mean interval
    intervals: Floats  # how many were learned
    told: Bools  # this silence has been spoken of
    longest_s: Floats  # longest interval, slowly forgotten
    ragged: Floats  # uneven intervals, less what even ones have paid off
    pause_s: Floats  # mean pause
    pauses: Floats  # how many there were


@Kernel
def _judge(
    rows: Any, time: Any, dt: Any, learn: Any, warm: Any, deadline: Any,
    last: Any, interval: Any, intervals: Any, told: Any, longest: Any, ragged: Any, pause: Any, pauses: Any,
    timeout: Any, factor: Any, at_least: Any,
) -> None:  # fmt: skip
    """As `Gap.step`, reading by reading; `deadline` is the one in force before each."""
    for i in range(len(rows)):
        r = rows[i]
        count = intervals[r]
        pace = interval[r]
        deadline[i] = NEVER
        limit = timeout
        if timeout <= 0:
            seconds = factor * pace
            if _LONGEST * longest[r] > seconds:
                seconds = _LONGEST * longest[r]
            limit = int((seconds if seconds < _YEAR_S else _YEAR_S) * _SECOND)
            if limit < at_least:
                limit = at_least
        paced = ragged[r] <= _RAGGED or (pauses[r] >= _PAUSES and longest[r] <= _ALIKE * pause[r])
        if not told[r] and last[r] > _NONE and (timeout > 0 or (count >= _LEARNED and paced)):
            # near the end of what int64 holds a sum would wrap round to the past
            deadline[i] = last[r] + limit if last[r] < NEVER - limit else NEVER
        gap = dt[i]
        if gap > 0 and learn[i]:
            silence = gap
            most = _TEACH * longest[r]
            if count >= _LEARNED and gap * _SECOND >= limit and most < silence:
                silence = most
            kept = 1.0 - gap / _FORGET_S
            kept = longest[r] * (kept if kept > 0.0 else 0.0)
            longest[r] = kept if kept > silence else silence
            if count > 0:
                if gap > _OUTLIER * pace or _OUTLIER * gap < pace:
                    debt = ragged[r] + 1.0
                    ragged[r] = debt if debt < _MOST else _MOST
                else:
                    debt = ragged[r] - _EVEN
                    ragged[r] = debt if debt > 0.0 else 0.0
                if gap > _PAUSE * pace:
                    more = pauses[r] + 1.0
                    pauses[r] = more
                    pause[r] = pause[r] + 1.0 / (more if more < _MEMORY else _MEMORY) * (silence - pause[r])
            if count >= _LEARNED and gap > _OUTLIER * pace:
                gap = _OUTLIER * pace
            count = count + 1.0
            intervals[r] = count
            interval[r] = pace + 1.0 / (count if count < _MEMORY else _MEMORY) * (gap - pace)
        last[r] = time[i]
        told[r] = False
        done = count / _LEARNED
        warm[i] = 1.0 if timeout > 0 or done > 1.0 else done


class Gap(Detector[GapState]):
    """No data: nothing for longer than `timeout` since the last reading. Speaks by `tick`, never by a reading.

    Without `timeout` it is learned: max(at_least, factor x mean interval, 3 x longest interval), the mean over about
    50 intervals, each counted up to 3 x the mean so far; the longest is forgotten over 28 days, and a silence that was
    reported raises it at most 2-fold, so a machine's stand-stills are accepted and one long fault is not taken as
    normal. Silent until 5 intervals are known. At the deadline the score is 1 and grows with the silence; the next
    reading scores 0, which ends the episode. Also known as a deadman check.

    A series without a pace of its own is sent on change: its longest interval grows for ever, as records do, and no
    silence of it means anything, so none is told unless `timeout` is given. Those are series with more than about 1
    interval in 50 beyond 3 x the mean or below a third of it; but after 20 pauses (from 1.5 x the mean on) of which the
    longest is at most twice the mean one, they are its pace, as of a sensor that wakes up to send a few readings.

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

    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = _judge

    state_version: ClassVar[int] = 3

    kind: Literal["gap"] = "gap"
    timeout: Duration | None = option(
        None, "Silence that counts as a gap; learned from the series' own pace where not given.", gt=0
    )
    factor: float = option(10.0, "Learned timeout, in mean intervals.", gt=1)
    at_least: Duration = option("1m", "Learned timeout, at least.", validate_default=True, gt=0)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> GapState:
        """State of n rows."""
        return GapState(
            np.full(n, np.iinfo(np.int64).min, dtype=np.int64), np.zeros(n), np.zeros(n), np.zeros(n, dtype=bool),
            *(np.zeros(n) for _ in GapState._fields[4:]),
        )  # fmt: skip

    def step(self, state: GapState, batch: Batch) -> tuple[GapState, Verdict]:
        """A reading ends the silence (score 0) and teaches the interval; its value does not matter, NaN included."""
        timed = (batch.dt > 0) & batch.learn
        count = state.intervals + timed
        known = state.intervals >= _LEARNED
        dt = np.where(timed, batch.dt, 0.0)
        reported = known & (dt * _SECOND >= self._timeout_ns(state))
        silence = np.where(reported, np.minimum(dt, _TEACH * state.longest_s), dt)
        kept = state.longest_s * np.maximum(1.0 - dt / _FORGET_S, 0.0)
        longest = np.where(timed, np.maximum(kept, silence), state.longest_s)
        ragged, pause_s, pauses = self._pauses(state, dt, silence, timed & (state.intervals > 0))
        dt = np.where(known, np.minimum(dt, _OUTLIER * state.interval_s), dt)
        gain = 1.0 / np.minimum(np.maximum(count, 1.0), _MEMORY)
        interval = np.where(timed, state.interval_s + gain * (dt - state.interval_s), state.interval_s)
        k = len(batch.time)
        verdict = no_opinion(k)._replace(score=np.zeros(k), warm=self._warm(count))
        told = np.zeros(k, dtype=bool)
        return GapState(batch.time, interval, count, told, longest, ragged, pause_s, pauses), verdict

    def _pauses(self, state: GapState, dt: Floats, silence: Floats, seen: Bools) -> tuple[Floats, Floats, Floats]:
        """What an interval (k,) says of how even they are, and of the pauses between bursts."""
        pace = state.interval_s
        uneven = (dt > _OUTLIER * pace) | (_OUTLIER * dt < pace)
        debt = np.where(uneven, np.minimum(state.ragged + 1.0, _MOST), np.maximum(state.ragged - _EVEN, 0.0))
        is_pause = seen & (dt > _PAUSE * pace)
        pauses = state.pauses + is_pause
        gain = 1.0 / np.minimum(np.maximum(pauses, 1.0), _MEMORY)
        pause_s = np.where(is_pause, state.pause_s + gain * (silence - state.pause_s), state.pause_s)
        return np.where(seen, debt, state.ragged), pause_s, pauses

    def deadline(self, state: GapState) -> Ints:
        """(k,) when silence becomes a gap: last + timeout; NEVER once told, while not known, or without a pace."""
        speaks = ~state.told & (state.last > np.iinfo(np.int64).min) & (self._warm(state.intervals) >= 1)
        if self.timeout is None:
            settled = (state.pauses >= _PAUSES) & (state.longest_s <= _ALIKE * state.pause_s)
            speaks &= (state.ragged <= _RAGGED) | settled
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

    def walk_on(self, state: GapState, rows: Ints, batch: Batch) -> Verdict:
        """As `step`, reading by reading, of a state that is changed in place."""
        return self._walk(state, rows, batch)[0]

    def walk_silent(self, state: GapState, rows: Ints, batch: Batch) -> tuple[GapState, Verdict, Ints]:
        """As `walk`, with the deadline in force before each reading (n,)."""
        after = copied(state)
        return after, *self._walk(after, rows, batch)

    def _walk(self, state: GapState, rows: Ints, batch: Batch) -> tuple[Verdict, Ints]:
        n = len(rows)
        nothing, score, warm, deadline = np.full(n, np.nan), np.zeros(n), np.empty(n), np.empty(n, dtype=np.int64)
        timeout = 0 if self.timeout is None else self.timeout
        _judge.run(
            [rows, batch.time, batch.dt, batch.learn], [warm, deadline, *state], (timeout, self.factor, self.at_least)
        )
        return Verdict(score, nothing, nothing, nothing, warm), deadline

    def deadlines(self, state: GapState, batches: Batch) -> Ints:
        """(t, k) the deadline in force before each reading of a block, where none passes on the way."""
        t, k = batches.time.shape
        if not compiled.available and k > NARROW:
            return super().deadlines(state, batches)
        return self.walk_silent(state, np.tile(np.arange(k), t), flat(batches))[2].reshape(t, k)

    def migrate(self, saved: list[Any], version: int) -> GapState | None:
        """Version 1 did not remember the longest interval, version 2 not how even intervals were."""
        if version not in (1, 2):
            return None
        more = [np.zeros(len(saved[0])) for _ in GapState._fields[len(saved) :]]
        return GapState(*saved, *more)

    def _warm(self, count: Floats) -> Floats:
        return np.ones(len(count)) if self.timeout is not None else np.minimum(count / _LEARNED, 1.0)

    def _timeout_ns(self, state: GapState) -> Ints:
        if self.timeout is not None:
            return np.full(len(state.last), self.timeout, dtype=np.int64)
        learned = np.maximum(self.factor * state.interval_s, _LONGEST * state.longest_s)
        learned = np.minimum(learned, _YEAR_S) * SECOND
        return np.maximum(learned.astype(np.int64), self.at_least)
