"""Calibration: from raw scores to alarms within the false-alarm budget a person stated. The only owner of `alarm`."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from detectors.base import NARROW, Bools, Floats, Ints

GAIN = 0.3
"""How far one alarm moves the threshold, as a natural logarithm."""
RAISE = math.exp(GAIN)
FLOOR = 0.5
"""The threshold never falls below half of the detector's own limit: a materiality floor."""
WORSE = 3.0
"""Inside the refractory time only a score above this many times that of the last alarm is an alarm again."""
REARM = 0.8
"""A detector with a limit of its own is armed again once its score has fallen below this."""


class CalibrationState(NamedTuple):
    """One row each."""

    threshold: Floats
    alarmed: Ints  # time of the last alarm, ns; the smallest int64 = never
    height: Floats  # raw score at the last alarm
    armed: Bools  # own limits only: was below REARM since the last alarm
    alarms: Ints  # how many so far
    watched_s: Floats  # seconds with an opinion so far: alarms / watched_s is the actual rate


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

    def init(self, n: int) -> CalibrationState:
        """State of n rows."""
        return CalibrationState(
            np.ones(n),
            np.full(n, np.iinfo(np.int64).min, dtype=np.int64),
            np.zeros(n),
            np.ones(n, dtype=bool),
            np.zeros(n, dtype=np.int64),
            np.zeros(n),
        )

    def step(self, state: CalibrationState, time: Ints, raw: Floats, dt: Floats) -> tuple[CalibrationState, Calibrated]:
        """Judge one raw score of each row; arrays (k,)."""
        threshold, alarmed, height, armed, alarms, watched = state
        opinion = ~np.isnan(raw)
        z = np.where(opinion, raw, 0.0)
        seconds = np.where(opinion & (dt > 0), dt, 0.0)
        worse = z > WORSE * height
        if self.rule == "budget":
            # never - time overflows: compare from the other side
            rested = alarmed < time - self.refractory_ns
            alarm = opinion & (z > threshold) & (rested | worse)
            sink = 1.0 - np.minimum(GAIN * self.rate_per_s * seconds, 0.5)
            moved = np.maximum(threshold * sink * np.where(alarm, RAISE, 1.0), FLOOR)
            after = np.where(opinion, moved, threshold)
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
        )
        return state, Calibrated(raw / threshold, alarm, threshold)

    def scan(self, state: CalibrationState, time: Ints, raw: Floats, dt: Floats) -> tuple[CalibrationState, Calibrated]:
        """Judge t raw scores of each row; arrays (t, k); the same bits as a loop over `step`."""
        if 0 < raw.shape[1] <= NARROW:
            return self._walk_rows(state, time, raw, dt)
        score, alarm, threshold = np.empty_like(raw), np.empty(raw.shape, dtype=bool), np.empty_like(raw)
        for t in range(len(time)):
            state, out = self.step(state, time[t], raw[t], dt[t])
            score[t], alarm[t], threshold[t] = out
        return state, Calibrated(score, alarm, threshold)

    def _walk_rows(
        self, state: CalibrationState, time: Ints, raw: Floats, dt: Floats
    ) -> tuple[CalibrationState, Calibrated]:
        """A few rows, each in plain numbers."""
        rows = zip(*(a.tolist() for a in state), strict=True)
        walked = [
            self._walk(*columns) for columns in zip(rows, time.T.tolist(), raw.T.tolist(), dt.T.tolist(), strict=True)
        ]
        after = zip(*(row for row, _, _ in walked), strict=True)
        fields: list[Any] = [np.array(a, dtype=old.dtype) for a, old in zip(after, state, strict=True)]
        alarm, threshold = np.array([a for _, a, _ in walked]).T, np.array([t for _, _, t in walked]).T
        return CalibrationState(*fields), Calibrated(raw / threshold, alarm, threshold)

    def _walk(
        self, row: tuple[Any, ...], time: list[int], raw: list[float], dt: list[float]
    ) -> tuple[tuple[Any, ...], list[bool], list[float]]:
        threshold, alarmed, height, armed, alarms, watched = row
        budget, slope, refractory = self.rule == "budget", GAIN * self.rate_per_s, self.refractory_ns
        told, limits = [], []
        for t, z, gap in zip(time, raw, dt, strict=True):
            limits.append(threshold)
            if z != z:
                told.append(False)
                continue
            seconds = gap if gap > 0 else 0.0
            worse = z > WORSE * height
            if budget:
                alarm = z > threshold and (alarmed < t - refractory or worse)
                sink = 1.0 - min(slope * seconds, 0.5)
                threshold = max(threshold * sink * (RAISE if alarm else 1.0), FLOOR)
            else:
                alarm = z >= 1.0 and (armed or worse)
            armed = (armed and not alarm) or z < REARM
            if alarm:
                alarmed, height, alarms = t, z, alarms + 1
            watched = watched + seconds
            told.append(alarm)
        return (threshold, alarmed, height, armed, alarms, watched), told, limits
