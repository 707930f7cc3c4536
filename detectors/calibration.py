"""Calibration: from raw scores to alarms within the false-alarm budget a person stated. The only owner of `alarm`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from detectors import compiled, tail
from detectors.base import NARROW, Bools, Floats, Ints, copied
from detectors.calibration_kernel import FLOOR, GAIN, RAISE, REARM, WORSE
from detectors.calibration_kernel import judge as _judge


class CalibrationState(NamedTuple):
    """One row each."""

    threshold: Floats
    alarmed: Ints  # time of the last alarm, ns; the smallest int64 = never
    height: Floats  # raw score at the last alarm
    armed: Bools  # own limits only: was below REARM since the last alarm
    alarms: Ints  # how many so far
    watched_s: Floats  # seconds with an opinion so far: alarms / watched_s is the actual rate
    events: Floats  # (n, 7) see `detectors.tail`, with `hold` only, else (n, 0)
    peaks: Floats  # (n, 32) logarithms of the last peaks, with `hold` only, else (n, 0)


class Calibrated(NamedTuple):
    """What calibration makes of raw scores."""

    score: Floats  # raw / threshold
    alarm: Bools
    threshold: Floats  # in force at this reading


class Calibration(BaseModel):
    """The false-alarm controller, or a fixed limit; parameters are frozen, the state is explicit.

    Budget rule: an alarm where raw > threshold and none in the last `refractory_ns`, or raw > 3 x the last
    alarm's. threshold *= exp(.3 alarm) x (1 - .3 rate dt), never below .5. In balance the alarms equal the budget
    (a stochastic-approximation quantile tracker, Robbins and Monro 1951, in the logarithm of the threshold).
    With `hold` (tail rule, `detectors.tail`): peaks are the raw scores that pass the refractory rule among themselves;
    threshold = median x (peaks a second / 2 / rate)^gamma of the last 32, x a factor that moves as above, within e^-3
    and e^6; never below .5. It keeps closer to the budget from the first week on.
    Own rule: an alarm where raw >= 1 and the row was below .8 since its last alarm, or raw > 3 x that one's.

    Rows without an opinion (NaN) change nothing. A reading after a long silence lowers the threshold by at most half.

    >>> c = Calibration(rule="budget", rate_per_s=1e-5, refractory_ns=0)
    >>> state, out = c.step(c.init(1), np.array([0]), np.array([2.0]), np.array([np.nan]))
    >>> out.alarm.item(), round(state.threshold.item(), 3)
    (True, 1.35)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["budget", "own"]
    rate_per_s: float
    refractory_ns: int
    hold: bool = False

    @property
    def holds(self) -> bool:
        """Whether the tail rule sets the threshold."""
        return self.hold and self.rule == "budget"

    def init(self, n: int) -> CalibrationState:
        """State of n rows."""
        events, peaks = np.zeros((n, 0)), np.zeros((n, 0))
        if self.holds:
            events, peaks = tail.unseen(n, self.rate_per_s, self.refractory_ns), np.zeros((n, tail.PEAKS))
        return CalibrationState(
            np.maximum(events[:, tail.BASE], FLOOR) if self.holds else np.ones(n),
            np.full(n, np.iinfo(np.int64).min, dtype=np.int64),
            np.zeros(n),
            np.ones(n, dtype=bool),
            np.zeros(n, dtype=np.int64),
            np.zeros(n),
            events,
            peaks,
        )

    def adopt(self, saved: Sequence[NDArray[Any]]) -> CalibrationState:
        """State that was made with other options or by an earlier version: thresholds stay, what is missing is made."""
        state = self.init(len(saved[0]))
        width = state.events.shape[1]
        if len(saved) == len(state) and saved[6].shape[1] == width:
            return CalibrationState(*saved)
        state = state._replace(**dict(zip(CalibrationState._fields[:6], saved[:6], strict=True)))
        if width:
            factor = state.threshold / state.events[:, tail.BASE]
            state.events[:, tail.CORRECTION] = np.minimum(np.maximum(factor, tail.LOWEST), tail.HIGHEST)
        return state

    def step(self, state: CalibrationState, time: Ints, raw: Floats, dt: Floats) -> tuple[CalibrationState, Calibrated]:
        """Judge one raw score of each row; arrays (k,)."""
        threshold, alarmed, height, armed, alarms, watched, events, peaks = state
        opinion = ~np.isnan(raw)
        z = np.where(opinion, raw, 0.0)
        seconds = np.where(opinion & (dt > 0), dt, 0.0)
        worse = z > WORSE * height
        if self.rule == "budget":
            # never - time overflows: compare from the other side
            rested = alarmed < time - self.refractory_ns
            alarm = opinion & (z > threshold) & (rested | worse)
            sink = (1.0 - np.minimum(GAIN * self.rate_per_s * seconds, 0.5)) * np.where(alarm, RAISE, 1.0)
            moved = threshold * sink
            if self.holds:
                events, peaks = self._followed(state, time, z, seconds, sink, opinion)
                moved = events[:, tail.BASE] * events[:, tail.CORRECTION]
            after = np.where(opinion, np.maximum(moved, FLOOR), threshold)
        else:
            alarm = opinion & (z >= 1.0) & (armed | worse)
            after = threshold
        armed = np.where(opinion, (armed & ~alarm) | (z < REARM), armed)
        state = CalibrationState(
            after,
            np.where(alarm, time, alarmed),
            np.where(alarm, z, height),
            armed,
            alarms + alarm,
            watched + seconds,
            events,
            peaks,
        )
        return state, Calibrated(raw / threshold, alarm, threshold)

    def _followed(
        self, state: CalibrationState, time: Ints, z: Floats, seconds: Floats, sink: Floats, opinion: Bools
    ) -> tuple[Floats, Floats]:
        """The tail rule's part of the state after raw scores (k,)."""
        rested = state.events[:, tail.TIME] < (time - self.refractory_ns).astype(np.float64)
        event = opinion & (z > tail.LEAST) & (rested | (z > WORSE * state.events[:, tail.HEIGHT]))
        events, peaks = tail.follow(
            state.events, state.peaks, time, z, seconds, event, opinion, self.rate_per_s, self.refractory_ns
        )
        factor = np.minimum(np.maximum(events[:, tail.CORRECTION] * sink, tail.LOWEST), tail.HIGHEST)
        events[:, tail.CORRECTION] = np.where(opinion, factor, events[:, tail.CORRECTION])
        return events, peaks

    def scan(self, state: CalibrationState, time: Ints, raw: Floats, dt: Floats) -> tuple[CalibrationState, Calibrated]:
        """Judge t raw scores of each row; arrays (t, k); the same bits as a loop over `step`."""
        t, k = raw.shape
        if compiled.available or 0 < k <= NARROW:
            after, out = self.walk(state, np.tile(np.arange(k), t), time.reshape(-1), raw.reshape(-1), dt.reshape(-1))
            return after, Calibrated(out.score.reshape(t, k), out.alarm.reshape(t, k), out.threshold.reshape(t, k))
        score, alarm, threshold = np.empty_like(raw), np.empty(raw.shape, dtype=bool), np.empty_like(raw)
        for i in range(t):
            state, out = self.step(state, time[i], raw[i], dt[i])
            score[i], alarm[i], threshold[i] = out
        return state, Calibrated(score, alarm, threshold)

    def walk(
        self, state: CalibrationState, rows: Ints, time: Ints, raw: Floats, dt: Floats
    ) -> tuple[CalibrationState, Calibrated]:
        """Judge n raw scores in order, of the rows (n,) of `state`; the same bits as `step`, one by one."""
        after = copied(state)
        return after, self.walk_on(after, rows, time, raw, dt)

    def walk_on(self, state: CalibrationState, rows: Ints, time: Ints, raw: Floats, dt: Floats) -> Calibrated:
        """As `walk`, of a state that is changed in place."""
        n = len(rows)
        out = Calibrated(np.empty(n), np.empty(n, dtype=bool), np.empty(n))
        constants = (self.rule == "budget", self.holds, self.rate_per_s, self.refractory_ns)
        _judge.run([rows, time, raw, dt], [*out, *state], constants)
        return out
