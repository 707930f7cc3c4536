"""Trend: how fast a series drifts, robustly, and how long until it reaches a limit (remaining useful life)."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.special import ndtri

from detectors.anomaly.trend_rul_kernel import CAP, HUGE, NONE, POINTS, TrendRulState, judge
from detectors.base import Batch, Detector, Floats, Verdict, copied, option, pick, put, take
from detectors.compiled import Kernel
from detectors.durations import SECOND, Duration


class TrendRul(Detector[TrendRulState]):
    """Robust trend and time to a limit: Theil-Sen's slope of a bounded window, with its interval.

    Readings are thinned to means of 42 buckets a `window` (their median time and value carry the line); the slope is
    the median of the slopes of all pairs of points, its interval that of Sen at `confidence`, its variance widened
    by (1 + r) / (1 - r) for a lag-1 autocorrelation r of what the line leaves. The time to the limit has an interval
    too: from the slope's bounds, through the median point. Score = horizon / the time to the limit at the steepest
    slope that is plausible, at most 100: 1 where the limit may be reached within `horizon`. It is 0 while the
    slope's interval holds 0, or leads away from the limit; without `limit` there is no opinion, only the line.

    expected is the line, low and high the lines of the slope's bounds. `least` points are needed (4 days of 14). All
    are fitted anew as each bucket closes, at a cost of some 50 microseconds; a reading between costs next to nothing.

    Use it for wear, fouling, leaks, filling: slow and lasting. A jump (a new tool) makes the interval wide and the
    detector silent until the window has passed. Wear that speeds up is reached sooner than a line says.
    Source: Theil (1950); Sen, Estimates of the Regression Coefficient Based on Kendall's Tau (1968); the widened
    variance after Hamed and Rao (1998); the bias of r after Marriott and Pope (1954).

    Scale: x -> c x and limit -> c limit leave the score as it is; so does a shift of both, but for rounding.

    >>> hour = np.arange(24 * 14, dtype=np.int64)[:, None]
    >>> x = 20 + .01 * hour + np.random.default_rng(1).normal(0, .2, hour.shape)
    >>> d = TrendRul(limit=24.0, horizon="5d")
    >>> dt = np.full(hour.shape, 3600.0)
    >>> state, v = d.scan(d.init(1), Batch(hour * 3600 * SECOND, x, dt, dt > 0, hour.astype(np.int32)))
    >>> first = int(np.argmax(v.score[:, 0] >= 1))  # 5 days before hour 400, and a little sooner
    >>> 270 < first < 290, round(d.explain(state, 0)["slope_per_day"], 2)
    (True, 0.24)
    """

    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "1d"
    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = judge

    kind: Literal["trend_rul"] = "trend_rul"
    limit: float | None = option(None, "Value that must not be reached, in the series' unit.")
    side: Literal["above", "below"] = option("above", "On which side of the limit the fault lies.")
    horizon: Duration = option(
        "7d", "Score 1 when the limit may be reached within this time.", validate_default=True, gt=0
    )
    window: Duration = option(
        "14d", "Time that the trend is taken over.", validate_default=True, ge=SECOND, resets=True
    )
    confidence: float = option(0.95, "Of the slope's interval.", ge=0.5, lt=1)
    least: int = option(12, "Points, of 42 a window, before it has an opinion.", ge=4, le=POINTS, resets=True)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> TrendRulState:
        """State of n rows."""
        whole = {"points", "start", "at"}
        made: list[Any] = [np.zeros(n, dtype=np.int64 if name in whole else float) for name in TrendRulState._fields]
        return TrendRulState(*made)._replace(
            times=np.zeros((n, POINTS), dtype=np.int64), values=np.zeros((n, POINTS)),
            start=np.full(n, NONE, dtype=np.int64),
        )  # fmt: skip

    def step(self, state: TrendRulState, batch: Batch) -> tuple[TrendRulState, Verdict]:
        """A reading of another bucket closes the one before, which is a new point; NaN is as if not there."""
        every, _, _, side, limit, horizon, _ = self.constants()
        present = np.abs(batch.x) < HUGE
        taught = present & batch.learn
        none = state.start == NONE
        age = batch.time - np.where(none, batch.time, state.start)
        fresh = taught & (none | (age < 0) | (age >= every))
        start = np.where(fresh, batch.time - batch.time % every, state.start)
        since = np.where(taught, batch.time - np.where(taught, start, batch.time), 0) / SECOND
        s = state._replace(
            start=start,
            total=np.where(fresh, 0.0, state.total) + np.where(taught, batch.x, 0.0),
            age_s=np.where(fresh, 0.0, state.age_s) + since,
            filled=np.where(fresh, 0.0, state.filled) + taught,
        )
        ready = present & (s.warm >= 1)
        ahead = np.where(ready, batch.time - np.where(ready, s.at, batch.time), 0) / SECOND - s.pivot_s
        fast, slow = (s.slope_high, s.slope_low) if side > 0 else (-s.slope_low, -s.slope_high)
        left = side * (limit - s.middle) - fast * ahead
        near = (left <= 0) | (horizon * fast >= CAP * left)
        rate = np.where(near, CAP, horizon * fast / np.where(near, 1.0, left))
        nan = np.nan
        verdict = Verdict(
            np.where(ready & (limit == limit), np.where(slow > 0, rate, 0.0), nan),
            np.where(ready, s.middle + s.slope * ahead, nan),
            np.where(ready, s.middle + s.slope_low * ahead, nan),
            np.where(ready, s.middle + s.slope_high * ahead, nan),
            s.warm.copy(),
        )
        closing = np.flatnonzero(fresh & ~none)
        if len(closing):  # seldom: the lines are fitted by the kernel
            part, said = self.walk(take(state, closing), np.arange(len(closing)), pick(batch, closing))
            s = copied(s)
            put(s, closing, part)
            for whole, piece in zip(verdict[:5], said[:5], strict=True):
                whole[closing] = piece
        return s, verdict

    def constants(self) -> tuple[Any, ...]:
        """What the kernel is given of the options."""
        deviates = float(ndtri((1 + self.confidence) / 2))
        limit = math.nan if self.limit is None else float(self.limit)
        side = 1.0 if self.side == "above" else -1.0
        return (max(self.window // POINTS, 1), self.window, deviates, side, limit, self.horizon / SECOND, self.least)

    def named(self, before: dict[str, Any], reading: dict[str, Any]) -> tuple[str, dict[str, float | str]]:
        """trend_rul_up or trend_rul_down, with the slope a day and the time left, or trend_rul_reached.

        The soonest time is that of the score, which is of the reading; the others are of the last fit before it.
        """
        words: dict[str, float | str] = {} if self.limit is None else {"limit": float(self.limit)}
        score = reading.get("score", math.nan)
        if not 0 < score < math.inf or "slope_per_day" not in before:
            return self.kind, words
        if score >= CAP:
            return "trend_rul_reached", words
        soonest = self.horizon / SECOND / score
        likely = max(before.get("time_to_limit_s", math.inf), soonest)
        latest = max(before.get("time_to_limit_s_high", math.inf), likely)
        slope = float(before["slope_per_day"])
        words |= {"slope": abs(slope), "left": _interval(soonest, likely, latest)}
        return "trend_rul_up" if slope > 0 else "trend_rul_down", words

    def explain(self, state: TrendRulState, row: int) -> dict[str, float | int | bool]:
        """A row's state, its slope a day, and the time to the limit from the newest point, each with its interval."""
        told = super().explain(state, row)
        if state.warm[row] < 1:
            return told
        of = {"": state.slope, "_low": state.slope_low, "_high": state.slope_high}
        told |= {f"slope_per_day{name}": 86_400.0 * float(a[row]) for name, a in of.items()}
        if self.limit is None:
            return told
        side = 1.0 if self.side == "above" else -1.0
        names = {"": "", "_low": "_high" if side > 0 else "_low", "_high": "_low" if side > 0 else "_high"}
        for name, bound in names.items():  # the shortest time is that of the steepest slope
            slope = side * float(of[bound][row])
            left = side * (self.limit - float(state.middle[row])) + slope * float(state.pivot_s[row])
            if slope > 0:
                told[f"time_to_limit_s{name}"] = max(left, 0.0) / slope
        return told


def _interval(soonest_s: float, likely_s: float, latest_s: float) -> str:
    """A time with its interval, in the unit that suits the soonest.

    >>> _interval(432000.0, 518400.0, math.inf), _interval(3600.0, 5400.0, 7200.0)
    ('6 d (>= 5)', '1.5 h (1-2 h)')
    """
    unit, size = next((u, s) for u, s in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)) if soonest_s >= s or s == 60)
    soonest, likely, latest = (f"{t / size:.2g}" for t in (soonest_s, likely_s, latest_s))
    if likely_s == math.inf:
        return f">= {soonest} {unit}"
    return f"{likely} {unit} ({soonest}-{latest} {unit})" if latest_s < math.inf else f"{likely} {unit} (>= {soonest})"
