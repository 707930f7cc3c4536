"""CUSUM: sums of small distances from the learned level, which a slow drift or a small step lets grow."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from detectors.anomaly.average_run_length import LOWEST, STEP, shortest_intervals
from detectors.anomaly.cusum_kernel import (
    AT_LEAST,
    BACK,
    CLIP,
    FEWEST,
    HUGE,
    IN_ALARM,
    MOST,
    NONE,
    OF_QUICK,
    OF_SLOW,
    QUICK,
    SLOW,
    TO_SIGMA,
    UNSURE,
    UNSURE_QUICK,
    UNSURE_SLOW,
    CusumState,
    judge,
)
from detectors.base import Batch, Bools, Detector, Floats, Verdict, copied, option, put, take
from detectors.compiled import Kernel
from detectors.durations import SECOND, Duration, Warmup, budget_per_s, duration_ns, duration_text


class Cusum(Detector[CusumState]):
    """Two-sided tabular CUSUM on means of bins, standardized by a robust causal level and scale: drift, small steps.

    Readings are taken together in bins of `every`. z = (mean - location) / sigma, clipped at 2.5;
    up = max(0, up + z - k), down = max(0, down - z - k), k = `shift` / 2; score = max(up, down) / h. The decision
    interval h follows from the false-alarm budget (1/week where none is given) and from the mean time between bins
    in the warm-up, by Siegmund's average run length; 3 <= h <= 20.

    sigma is sqrt(pi/2) x the mean absolute error of a bin, or that of exponential means of errors (gains 1/4 and
    1/16) times sqrt((2 - gain) / gain), whichever is most: equal for independent bins, and the scale of the slow
    component for the others, so that waves within a day and slow noise need as much more to alarm. They are
    raised by 1 + 1, 2 and 3 / sqrt(bins learned); sigma is at least `floor` x |location| and `resolution`.

    The warm-up is learned in full. In alarm the level is not learned and the scale at a quarter of its pace; the sums
    stop at 1.25 h, so that a level that comes back ends the alarm (below .8 h) within a few bins. A level that lasts
    for `accept_after` is taken as normal and the sums start at 0. A score stays until the next bin closes; low and
    high are the bin means that would alarm.

    Use it for slow drift and small lasting steps, beside robust_zscore, which sees large ones at once. Limits: nothing
    below k sigmas is found, and slow noise hides what is smaller than itself: on 5-minute readings a drift of .1 sigma
    an hour takes 7 hours in white noise (median), 16 with a lag-1 autocorrelation of .9, 22 beside a daily swing, 38
    with .99; a step of 2 sigmas is found within 3 days in 4 of 10 series with .99 and in 1 of 10 random walks.
    Source: Page, Continuous Inspection Schemes (1954); Montgomery, Introduction to Statistical Quality Control,
    ch. 9; Siegmund, Sequential Analysis (1985); Huber (1964).

    Scale: x -> c x leaves the score as it is (resolution 0). Shift: it does where `floor` does not bind.

    >>> rng = np.random.default_rng(1)
    >>> hour = np.arange(200, dtype=np.int64)[:, None]
    >>> x = 20 + rng.normal(0, .1, (200, 1)) + np.where(hour >= 150, .15, 0)
    >>> d = Cusum()
    >>> one = np.full((200, 1), 3600.0)
    >>> _, v = d.scan(d.init(1), Batch(hour * 3600 * SECOND, x, one, one > 0, hour.astype(np.int32)))
    >>> bool(np.nanmax(v.score[:150]) < 1), bool(np.nanmax(v.score[150:162]) >= 1)
    (True, True)
    """

    invariance: ClassVar[frozenset[str]] = frozenset({"scale"})
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = judge

    kind: Literal["cusum"] = "cusum"
    every: Duration = option(
        "1h", "Length of a bin; its mean is what is judged.", validate_default=True, gt=0, resets=True
    )
    shift: float = option(1.0, "Step to find soonest, in sigmas of a bin; the reference value k is half of it.",
                          gt=0, le=4)  # fmt: skip
    half_life: Duration = option(
        "7d", "Time after which a bin counts half for level and scale.", validate_default=True, gt=0, resets=True
    )
    warmup: Warmup = option(
        "1d", "Bins, or time (then at least 12 bins), learned before it has an opinion.",
        validate_default=True, resets=True,
    )  # fmt: skip
    accept_after: Duration = option(
        "1d", "How long a level must stay in alarm, from 5 bins, to be taken as normal.", validate_default=True, gt=0
    )
    floor: float = option(1e-3, "Smallest sigma, as a share of the location: less is immaterial.", ge=0, lt=1)
    resolution: float = option(0.0, "Smallest sigma, in the series' unit (the sensor's resolution).", ge=0)

    _rate_per_s: float = PrivateAttr(default=budget_per_s("1/week"))

    def with_budget(self, rate_per_s: float) -> Self:
        """This detector for so many false alarms a second and row; it moves h from the next bin on."""
        told = self.model_copy()
        told._rate_per_s = rate_per_s
        return told

    def init(self, n: int, given: dict[str, Floats] | None = None) -> CusumState:
        """State of n rows."""
        made: list[Any] = [np.zeros(n) for _ in CusumState._fields]
        never = np.full(n, NONE, dtype=np.int64)
        return CusumState(*made)._replace(
            start=never, clean=np.ones(n, dtype=bool), last=never.copy(),
            since=np.zeros(n, dtype=np.int64), alarmed=never.copy(),
        )  # fmt: skip

    def named(self, before: dict[str, Any], reading: dict[str, Any]) -> tuple[str, dict[str, float | str]]:
        """cusum_up or cusum_down, with the mean of the bin that closed, the sum in sigmas and its limit."""
        after = self.retraced(before, reading)
        if after is None or not after.decision[0] > 0 or not before["filled"] > 0:
            return "cusum", {}
        up = bool(after.up[0] >= after.down[0])
        words: dict[str, float | str] = {
            "mean": float(before["total"] / before["filled"]), "every": duration_text(self.every),
            "sum": float(max(after.up[0], after.down[0])), "limit": float(after.decision[0]),
        }  # fmt: skip
        return "cusum_up" if up else "cusum_down", words

    def step(self, state: CusumState, batch: Batch) -> tuple[CusumState, Verdict]:
        """A reading's bin, if it is a new one, closes the one before; NaN and sizes from 1e100 are as if not there."""
        present = np.abs(batch.x) < HUGE
        opened = state.start
        none = opened == NONE
        age = batch.time - np.where(none, batch.time, opened)
        fresh = present & (none | (age < 0) | (age >= self.every))
        closing = np.flatnonzero(fresh & ~none)
        if len(closing):
            state = copied(state)
            put(state, closing, self._closed(take(state, closing), batch.learn[closing]))
        state = state._replace(
            start=np.where(fresh, batch.time - batch.time % self.every, state.start),
            total=np.where(fresh, 0.0, state.total) + np.where(present, batch.x, 0.0),
            filled=np.where(fresh, 0.0, state.filled) + present,
            clean=np.where(present, (state.clean | fresh) & batch.learn, state.clean),
        )
        ready = present & (state.warm >= 1) & (state.decision > 0)
        h, k, nan = state.decision, self.shift / 2, np.nan
        score = np.maximum(state.up, state.down) / np.where(ready, h, 1.0)
        return state, Verdict(
            np.where(ready, score, nan),
            np.where(ready, state.location, nan),
            np.where(ready, state.location - (h + k - state.down) * state.sigma, nan),
            np.where(ready, state.location + (h + k - state.up) * state.sigma, nan),
            state.warm.copy(),
        )

    def columns(self, batch: Batch) -> list[NDArray[Any]]:
        """The intervals between bins that ask for each decision interval."""
        return [self._enough()]

    def constants(self) -> tuple[float | bool, ...]:
        """What the kernel is given of the options; of the warm-up, 0 for the time that it is not."""
        tau, accept = self.half_life / SECOND / math.log(2), self.accept_after
        readings = float(self.warmup) if isinstance(self.warmup, int) else 1.0
        span = 0.0 if isinstance(self.warmup, int) else float(duration_ns(self.warmup))
        return (self.every, self.shift / 2, tau, accept, self.floor, self.resolution, readings, span)

    def _enough(self) -> Floats:
        return shortest_intervals(self.shift / 2, self._rate_per_s)

    def _closed(self, s: CusumState, learn: Bools) -> CusumState:
        """Each row's open bin judged, then learned."""
        every, k, tau, accept, floor, resolution, readings, span = self.constants()
        mean = s.total / s.filled
        known, width = s.learned, s.sigma
        place = np.where(known > 0, s.location, mean)
        error = mean - place
        bound = CLIP * width
        clipped = np.maximum(np.minimum(error, bound), -bound)

        ready = s.warm >= 1
        enough = self._enough()
        h = np.where(ready, LOWEST + STEP * np.searchsorted(-enough, -s.interval_s), s.decision)
        z = np.where(width > 0, clipped / np.where(width > 0, width, 1.0), CLIP * np.sign(error))
        more, less = np.maximum(s.up + z - k, 0.0), np.maximum(s.down - z - k, 0.0)
        worst = np.maximum(more, less)
        was = s.alarmed > NONE
        begins, ends = ready & ~was & (worst >= h), ready & was & (worst < BACK * h)
        alarmed = np.where(begins, s.start, np.where(ends, NONE, s.alarmed))
        away, away_count = np.where(begins, 0.0, s.away), np.where(begins, 0.0, s.away_count)
        up = np.where(ready, np.minimum(more, MOST * h), s.up)
        down = np.where(ready, np.minimum(less, MOST * h), s.down)

        timed = (s.last > NONE) & (s.start > s.last)
        gap = np.where(timed, s.start - np.where(timed, s.last, s.start), 0) / SECOND
        taught = s.clean & learn
        clipped = np.where(~ready | (width <= 0), error, clipped)
        gain = np.maximum(1.0 / (known + 1.0), np.minimum(gap / (gap + tau), 1.0 / AT_LEAST))
        normal, in_alarm = taught & (alarmed == NONE), taught & (alarmed > NONE)
        location = np.where(normal, place + gain * clipped, s.location)
        since = np.where(normal & (known <= 0), s.start, s.since)
        paced = normal & (known > 0) & ~ready
        interval = np.where(paced, s.interval_s + (gap - s.interval_s) / np.maximum(known, 1.0), s.interval_s)
        learned = known + normal
        done = learned / readings
        if span > 0:
            done = np.where(learned >= FEWEST, (s.start - since + every) / span, 0.0)
        warm = np.where(normal, np.maximum(np.minimum(done, 1.0), s.warm), s.warm)

        def mixed(spread: Floats, size: Floats) -> Floats:
            weight = np.where(normal, gain, IN_ALARM * gain)
            return np.where(taught, spread + weight * (np.abs(size) - spread), spread)

        quick = np.where(taught, s.quick + QUICK * (clipped - s.quick), s.quick)
        slow = np.where(taught, s.slow + SLOW * (clipped - s.slow), s.slow)
        spread = mixed(s.spread, clipped)
        quick_spread, slow_spread = mixed(s.quick_spread, quick), mixed(s.slow_spread, slow)
        away_count = away_count + in_alarm
        away = np.where(in_alarm, away + (mean - away) / np.maximum(away_count, 1.0), away)
        lasted = in_alarm & (away_count >= 5.0)
        accepted = lasted & (s.start - np.where(lasted, alarmed, s.start) >= accept)
        location = np.where(accepted, away, location)
        root = np.sqrt(np.maximum(learned, 1.0))
        wide = np.maximum(spread * (1.0 + UNSURE / root), OF_QUICK * quick_spread * (1.0 + UNSURE_QUICK / root))
        wide = TO_SIGMA * np.maximum(wide, OF_SLOW * slow_spread * (1.0 + UNSURE_SLOW / root))
        sigma = np.maximum(np.maximum(wide, floor * np.abs(location)), resolution)
        return CusumState(
            s.start, s.total, s.filled, s.clean, s.start, learned, since, warm, interval, h, location,
            np.where(taught, sigma, width), spread,
            np.where(accepted, 0.0, quick), quick_spread, np.where(accepted, 0.0, slow), slow_spread,
            np.where(accepted, 0.0, up), np.where(accepted, 0.0, down), np.where(accepted, NONE, alarmed),
            away, away_count,
        )  # fmt: skip
