"""Seasonal: distance from what this time of the day, or of the week, has brought so far."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from detectors.anomaly.seasonal_kernel import (
    CAP,
    CLIP,
    COARSER,
    DAY,
    DAYS,
    EVIDENCE_S,
    FINER,
    HUGE,
    LEAVE,
    LEVEL,
    LEVEL_S,
    MOST,
    NONE,
    OWN,
    STRANGE,
    TAKE,
    TO_SIGMA,
    WEEK,
    WEEKS,
    SeasonalState,
    judge,
)
from detectors.base import Batch, Bools, Detector, Floats, Ints, Verdict, copied, option, plain, put, take
from detectors.compiled import Kernel
from detectors.durations import SECOND, UNITS, Duration


class Seasonal(Detector[SeasonalState]):
    """Distance from the profile of the day or of the week, by local time and holiday calendar, in robust sigmas.

    The week has slots of `every`. Each slot's mean is learned when it has passed: in the weekly profile with a
    memory of 4 weeks, and in the profile of a working day or of a weekend day with a memory of 5 such days, which
    serves until the weekly one has been seen. Holidays come in the local time of the week as the day they are
    mapped to. z = (x - expected) / sigma, score = |z| / limit; sigma = sqrt(pi/2) x mean absolute error of what is
    used, at least `floor` x |level| and `resolution`.

    A profile is used only where it has foretold better than the level (memory 2 days) out of sample: it is taken up
    when its mean absolute error over a day or more is below .85 of the level's, and left above .95; the weekly one
    takes over from the daily one below 1.05 of its error, until above 1.15. Without a season it is thus a slow robust
    z-score. A slot that the profile in use has not seen has no opinion.

    Readings teach up to 3 sigmas from what was expected (Huber 1964), and those out of band nothing of the error.
    Once they have been out of band for `accept_after` (time in band counts twice against it), slots are learned in
    full and replaced at once. So is a slot of the week whose mean was more than 6 sigmas off the last time as well
    (a half shift on Fridays): from then on its own mean is used. Time between readings counts up to `every`.

    Use it for loads, consumption, temperatures of buildings, anything that follows shifts or the sun. Source: the
    day-of-week profile as a baseline, e.g. Hyndman and Athanasopoulos, Forecasting (2021), section 5.2 (seasonal
    naive method), with robust means.

    Scale: x -> c x leaves the score as it is (resolution 0). Shift: it does where `floor` does not bind.

    >>> hour = np.arange(24 * 10, dtype=np.int64)[:, None]
    >>> rng = np.random.default_rng(1)
    >>> x = 50 + 10 * np.sin(hour * np.pi / 12) + rng.normal(0, .5, hour.shape)
    >>> x[200] += 8  # well within the daily swing
    >>> dt, week_s = np.full(hour.shape, 3600.0), (hour * 3600 % 604800).astype(np.int32)
    >>> d = Seasonal()
    >>> _, v = d.scan(d.init(1), Batch(hour * 3600 * SECOND, x, dt, dt > 0, week_s))
    >>> np.flatnonzero(v.score[:, 0] >= 1).tolist()
    [200]
    """

    invariance: ClassVar[frozenset[str]] = frozenset({"scale"})
    kernel: ClassVar[Kernel | None] = judge

    kind: Literal["seasonal"] = "seasonal"
    every: Duration = option(
        "1h", "Length of a slot; a day is a whole number of them. 30m where shifts change at half past.",
        validate_default=True, ge=600 * SECOND, le=UNITS["d"], resets=True,
    )  # fmt: skip
    limit: float = option(6.0, "Distance from what is expected, in sigmas, that scores 1.", gt=0)
    warmup: Duration = option("2d", "Time learned before it has an opinion.", validate_default=True, gt=0, resets=True)
    half_life: Duration = option(
        "7d", "Time after which an error counts half for sigma and for the choice of profile.",
        validate_default=True, ge=UNITS["d"], resets=True,
    )  # fmt: skip
    accept_after: Duration = option(
        "2d", "How long readings must be out of band to be taken as normal.", validate_default=True, gt=0
    )
    floor: float = option(1e-3, "Smallest sigma, as a share of the level: less is immaterial.", ge=0, lt=1)
    resolution: float = option(0.0, "Smallest sigma, in the series' unit (the sensor's resolution).", ge=0)

    @model_validator(mode="after")
    def _whole_slots(self) -> Self:
        if UNITS["d"] % self.every or self.every % SECOND:
            raise ValueError('a day must be a whole number of `every`, in whole seconds, such as "15m", "30m", "1h"')
        return self

    def init(self, n: int, given: dict[str, Floats] | None = None) -> SeasonalState:
        """State of n rows."""
        wide = 9 * (UNITS["d"] // self.every)
        made: list[Any] = [np.zeros(n) for _ in SeasonalState._fields]
        whole = np.zeros(n, dtype=np.int64)
        return SeasonalState(*made)._replace(
            profile=np.zeros((n, wide)), visits=np.zeros((n, wide), dtype=np.uint8), slot=whole - 1,
            opened=whole, clean=np.ones(n, dtype=bool), closed=whole.copy(), since=whole + NONE, last=whole.copy(),
            used=whole.copy(),
        )  # fmt: skip

    def step(self, state: SeasonalState, batch: Batch) -> tuple[SeasonalState, Verdict]:
        """A reading of another slot closes the one before; NaN and sizes from 1e100 are as if not there."""
        _slots, every_s, tau, span, accept_s, limit, floor, resolution = self.constants()
        row = np.arange(len(batch.x))
        present = np.abs(batch.x) < HUGE
        begun = state.since > NONE
        passed = np.where(begun, batch.time - np.where(begun, state.since, batch.time), 0)
        warm = np.minimum(np.maximum(passed, 0) / span, 1.0)
        now = (batch.week_s // every_s).astype(np.int64)
        fresh = present & (now != state.slot)
        closing = np.flatnonzero(fresh & (state.slot >= 0) & state.clean & batch.learn)
        s = copied(state)
        if len(closing):
            put(s, closing, self._closed(take(s, closing)))

        shared = self._shared(now)
        known_level, known_day, known_week = s.learned > 0, s.visits[row, shared] > 0, s.visits[row, now] > 0
        of_day, of_week = s.profile[row, shared], s.profile[row, now]
        step_down = (s.used == WEEK) & ~known_week & (s.day_error < TAKE * s.level_error)
        own = (s.used == DAY) & (s.visits[row, now] & OWN > 0)
        mode = np.where(step_down, DAY, np.where(own, WEEK, s.used))
        known = np.where(mode == WEEK, known_week, np.where(mode == DAY, known_day, known_level))
        place = np.where(mode == WEEK, of_week, np.where(mode == DAY, of_day, s.level))
        error = np.where(mode == WEEK, s.week_error, np.where(mode == DAY, s.day_error, s.level_error))
        x = np.where(present, batch.x, place)
        off = x - place
        size = np.abs(off)
        sigma = np.maximum(np.maximum(TO_SIGMA * error, floor * np.abs(s.level)), resolution)
        with np.errstate(over="ignore"):
            ratio = np.where(sigma > 0, size / np.where(sigma > 0, sigma, 1.0), np.where(size > 0, CAP, 0.0))
            raw = np.minimum(ratio / limit, CAP)
        ready = present & known & (warm >= 1)
        most = CLIP * sigma
        held = np.where(ready & (off > most), place + most, np.where(ready & (off < -most), place - most, x))
        band, nan = limit * sigma, np.nan
        verdict = Verdict(
            np.where(ready, raw, nan),
            np.where(ready, place, nan),
            np.where(ready, place - band, nan),
            np.where(ready, place + band, nan),
            warm,
        )

        learn = present & batch.learn
        first = learn & ~begun
        last = np.where(first, batch.time, s.last)
        weight = np.minimum(np.where(learn, batch.time - last, 0) / SECOND, float(every_s))
        timed = learn & (weight > 0)
        out = ready & (raw > 1.0)
        away = np.maximum(np.where(out, s.away_s + weight, s.away_s - 2.0 * weight), 0.0)
        away = np.where(timed & ready, away, s.away_s)
        taught = timed & ~(out & (away < accept_s))
        errors = (
            _mixed(taught & known_level, np.abs(x - s.level), s.level_error, s.level_s, weight, tau),
            _mixed(taught & known_day, np.abs(x - of_day), s.day_error, s.day_s, weight, tau),
            _mixed(taught & known_week, np.abs(x - of_week), s.week_error, s.week_s, weight, tau),
        )
        return s._replace(
            slot=np.where(fresh, now, s.slot),
            opened=np.where(fresh, batch.time, s.opened),
            total=np.where(fresh, 0.0, s.total) + np.where(present, x, 0.0),
            held=np.where(fresh, 0.0, s.held) + np.where(present, held, 0.0),
            filled=np.where(fresh, 0.0, s.filled) + present,
            clean=np.where(present, (s.clean | fresh) & batch.learn, s.clean),
            since=np.where(first, batch.time, s.since),
            last=np.where(learn, batch.time, s.last),
            level_error=errors[0][0], day_error=errors[1][0], week_error=errors[2][0],
            level_s=errors[0][1], day_s=errors[1][1], week_s=errors[2][1],
            away_s=away,
        ), verdict  # fmt: skip

    def columns(self, batch: Batch) -> list[NDArray[Any]]:
        """The local time of the week."""
        return [batch.week_s]

    def constants(self) -> tuple[Any, ...]:
        """What the kernel is given of the options."""
        tau = self.half_life / SECOND / math.log(2)
        return (
            7 * (UNITS["d"] // self.every), self.every // SECOND, tau, float(self.warmup),
            self.accept_after / SECOND, self.limit, self.floor, self.resolution,
        )  # fmt: skip

    def explain(self, state: SeasonalState, row: int) -> dict[str, float | int | bool]:
        """A row's state with the open slot's place in the profiles, how often it was seen, and the profiles' skill."""
        told = super().explain(state, row)
        known = state.slot[row] >= 0
        if state.profile.shape[1] > 2:
            state, row = self.explained(state, np.array([row])), 0
        for place, name in enumerate(("week", "day")):
            told[f"profile_{name}"] = float(state.profile[row, place]) if known else math.nan
            told[f"visits_{name}"] = int(state.visits[row, place]) & MOST if known else 0
        level = float(state.level_error[row])
        told["skill_day"] = 1.0 - float(state.day_error[row]) / level if level > 0 else 0.0
        told["skill_week"] = 1.0 - float(state.week_error[row]) / level if level > 0 else 0.0
        return told

    def explained(self, state: SeasonalState, rows: Ints) -> SeasonalState:
        """Single numbers, and of the profiles (k, 2) those that the open slot has in that of the week and of a day."""
        slot = np.maximum(state.slot[rows], 0)
        of, place = rows[:, None], np.stack([slot, self._shared(slot)], axis=1)
        return plain(state, rows)._replace(profile=state.profile[of, place], visits=state.visits[of, place])

    def _shared(self, slot: Ints) -> Ints:
        """Where the profile of a working day or of a weekend day holds a slot of the week."""
        a_day = UNITS["d"] // self.every
        return 7 * a_day + np.where(slot // a_day >= 5, a_day, 0) + slot % a_day

    def _closed(self, s: SeasonalState) -> SeasonalState:
        """Each row's open slot learned, and the profile to be used chosen."""
        row = np.arange(len(s.slot))
        whole = s.away_s >= self.accept_after / SECOND
        mean = np.where(whole, s.total, s.held) / s.filled
        error = np.where(s.used == LEVEL, s.level_error, np.where(s.used == DAY, s.day_error, s.week_error))
        sigma = np.maximum(np.maximum(TO_SIGMA * error, self.floor * np.abs(s.level)), self.resolution)
        strange = np.abs(s.total - s.held) / s.filled > CLIP * sigma
        again = strange & (s.visits[row, s.slot] >= STRANGE)
        marks = (s.visits[row, s.slot] & OWN) | np.where(strange, STRANGE, 0) | np.where(again, OWN, 0)
        for place, memory, bits in ((s.slot, WEEKS, marks), (self._shared(s.slot), DAYS, 0)):
            n = (s.visits[row, place] & MOST).astype(np.int64) + 1
            gain = np.where(whole, 1.0, 1.0 / np.minimum(n, memory))
            was = s.profile[row, place]
            s.profile[row, place] = np.where(n > 1, was + gain * (mean - was), mean)
            s.visits[row, place] = np.minimum(n, MOST) | bits
        s.profile[row, s.slot] = np.where(again, s.total / s.filled, s.profile[row, s.slot])
        gap = np.where((s.learned > 0) & (s.opened > s.closed), s.opened - s.closed, 0) / SECOND
        gain = np.maximum(1.0 / (s.learned + 1.0), np.minimum(gap / (gap + LEVEL_S), 0.5))
        by_day, by_week = s.day_s >= EVIDENCE_S, s.week_s >= EVIDENCE_S
        of_day = np.where(
            s.day_error > LEAVE * s.level_error, LEVEL,
            np.where(by_week & (s.week_error < FINER * s.day_error), WEEK, DAY),
        )  # fmt: skip
        of_week = np.where(
            s.week_error > LEAVE * s.level_error, LEVEL,
            np.where(by_day & (s.week_error > COARSER * s.day_error), DAY, WEEK),
        )  # fmt: skip
        of_level = np.where(
            by_week & (s.week_error < TAKE * s.level_error), WEEK,
            np.where(by_day & (s.day_error < TAKE * s.level_error), DAY, LEVEL),
        )  # fmt: skip
        return s._replace(
            closed=s.opened,
            learned=s.learned + 1.0,
            level=np.where(s.learned > 0, s.level + gain * (mean - s.level), mean),
            used=np.where(s.used == DAY, of_day, np.where(s.used == WEEK, of_week, of_level)),
        )


def _mixed(
    taught: Bools, size: Floats, error: Floats, seconds: Floats, weight: Floats, tau: float
) -> tuple[Floats, Floats]:
    """A mean absolute error and the seconds it rests on, with one more size taken in where `taught`; (k,) each."""
    most = CLIP * TO_SIGMA * error
    size = np.where((error > 0) & (size > most), most, size)
    share = weight / np.where(taught, seconds + weight, 1.0)
    return np.where(taught, error + share * (size - error), error), np.where(
        taught, np.minimum(seconds + weight, tau), seconds
    )
