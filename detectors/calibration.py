"""Calibration: from raw scores to alarms within the false-alarm budget a person stated. The only owner of `alarm`."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from detectors import compiled
from detectors.base import NARROW, Bools, Floats, Ints, copied
from detectors.compiled import Kernel

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
        n = len(rows)
        after = copied(state)
        out = Calibrated(np.empty(n), np.empty(n, dtype=bool), np.empty(n))
        constants = (self.rule == "budget", GAIN * self.rate_per_s, self.refractory_ns)
        _judge.run([rows, time, raw, dt], [*out, *after], constants)
        return after, out


@Kernel
def _judge(
    rows: Any, time: Any, raw: Any, dt: Any, score: Any, alarm: Any, limit: Any,
    threshold: Any, alarmed: Any, height: Any, armed: Any, alarms: Any, watched: Any,
    budget: Any, slope: Any, refractory: Any,
) -> None:  # fmt: skip
    """As `Calibration.step`, one by one."""
    for i in range(len(rows)):
        r = rows[i]
        z = raw[i]
        bar = threshold[r]
        limit[i] = bar
        score[i] = z / bar
        alarm[i] = False
        if z != z:
            continue
        seconds = dt[i]
        if seconds > 0:
            watched[r] = watched[r] + seconds
        else:
            seconds = 0.0
        if budget:
            sink = slope * seconds
            sink = 1.0 - (sink if sink < 0.5 else 0.5)
            moved = bar * sink
            if z > bar and (alarmed[r] < time[i] - refractory or z > WORSE * height[r]):
                alarm[i] = True
                moved = moved * RAISE
            threshold[r] = moved if moved > FLOOR else FLOOR
        elif z >= 1.0 and (armed[r] or z > WORSE * height[r]):
            alarm[i] = True
        if alarm[i]:
            alarmed[r] = time[i]
            height[r] = z
            alarms[r] = alarms[r] + 1
            armed[r] = z < REARM
        elif z < REARM:
            armed[r] = True
