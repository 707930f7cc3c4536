"""Limits: a range and a rate of change that a value must keep to."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import model_validator

from detectors.base import Batch, Bools, Detector, Floats, Verdict, option
from detectors.compiled import Kernel

_HELD = 0.9
"""Score of a value inside its limits but within the deadband: keeps an episode open, opens none."""

_CAP = 1e6
"""Highest score."""


class LimitsState(NamedTuple):
    """One row each; the limits stand here because each series may declare its own."""

    low: Floats  # -inf where there is none
    high: Floats  # +inf where there is none
    rate: Floats  # +inf where there is none
    last: Floats  # last value, NaN at first
    since: Floats  # seconds since `last`


@Kernel
def _judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, score: Any, expected: Any, lows: Any, highs: Any, warm: Any,
    low: Any, high: Any, rate: Any, last: Any, since: Any, deadband: Any,
) -> None:  # fmt: skip
    """As `Limits.step`, reading by reading."""
    for i in range(len(rows)):
        r = rows[i]
        v = x[i]
        lo = low[r]
        hi = high[r]
        bounded_low = lo > -math.inf
        bounded_high = hi < math.inf
        expected[i] = math.nan
        lows[i] = lo if bounded_low else math.nan
        highs[i] = hi if bounded_high else math.nan
        warm[i] = 1.0
        gap = dt[i]
        if gap == gap:
            since[r] = since[r] + gap
        if v != v:
            score[i] = math.nan
            continue
        was = last[r]
        passed = since[r]
        timed = was == was and passed > 0 and rate[r] < math.inf
        last[r] = v
        since[r] = 0.0
        if not (bounded_low or bounded_high or timed):
            score[i] = math.nan
            continue
        beyond = lo - v if bounded_low else -math.inf
        if bounded_high and v - hi > beyond:
            beyond = v - hi
        said = 0.0
        if beyond > 0:
            span = hi - lo if bounded_low and bounded_high else abs(hi) if bounded_high else abs(lo)
            said = beyond / (span if span > 0 else 1.0)
            said = 1.0 + (_CAP if said > _CAP else said)
        elif beyond > -deadband:
            said = _HELD
        if timed:
            moved = abs(v - was) / passed
            if moved > rate[r]:
                faster = moved / rate[r]
                if faster > _CAP:
                    faster = _CAP
                if faster > said:
                    said = faster
        score[i] = said


class Limits(Detector[LimitsState]):
    """Range and rate-of-change limits, with a deadband.

    Outside [low, high] the score is 1 + distance / span, where span is high - low, or for a lone limit its own
    size (1 where that is 0). A rate above `rate` scores |dx/dt| / rate. Inside, within `deadband` of a limit, it
    is .9, which keeps an episode open and opens none; else 0. Rows without any limit have no opinion. Limits
    declared by a series (low, high, rate in its table) come before those of the watch.

    Use it for what is known: the sensor's range, the process' engineering limits. Source: limit alarms and alarm
    deadband after ANSI/ISA-18.2-2016 (clause 10, basic alarm design) and IEC 62682.

    Scale and shift: the limits do not move with the data, so neither leaves the score as it is.

    >>> d = Limits(low=0, high=100)
    >>> b = Batch(np.array([0]), np.array([150.0]), np.array([np.nan]), np.array([True]), np.array([0], dtype=np.int32))
    >>> d.step(d.init(1), b)[1].score
    array([1.5])
    """

    health: ClassVar[bool] = True
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "1m"
    per_row: ClassVar[tuple[str, ...]] = ("low", "high", "rate")

    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = _judge

    kind: Literal["limits"] = "limits"
    low: float | None = option(None, "Lowest value allowed, in the series' unit.")
    high: float | None = option(None, "Highest value allowed, in the series' unit.")
    rate: float | None = option(None, "Largest rate of change allowed, in the series' unit per second.", gt=0)
    deadband: float = option(0.0, "How far inside a limit a value must be before it counts as back, in its unit.", ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low must be below high, got low = {self.low:g} and high = {self.high:g}")
        return self

    def init(self, n: int, given: dict[str, Floats] | None = None) -> LimitsState:
        """State of n rows; `given` may hold low, high and rate of each row, NaN where a series declares none."""

        def of(name: str, fallback: float | None, none: float) -> Floats:
            default = np.full(n, none if fallback is None else fallback)
            own = None if given is None else given.get(name)
            return default if own is None else np.where(np.isnan(own), default, own)

        return LimitsState(
            of("low", self.low, -np.inf), of("high", self.high, np.inf), of("rate", self.rate, np.inf),
            np.full(n, np.nan), np.zeros(n),
        )  # fmt: skip

    def step(self, state: LimitsState, batch: Batch) -> tuple[LimitsState, Verdict]:
        """Score, then remember the value for its rate of change; NaN has no opinion and is not remembered."""
        low, high, rate, last, since = state
        present = ~np.isnan(batch.x)
        x = np.where(present, batch.x, 0.0)
        bounded_low, bounded_high = low > -np.inf, high < np.inf
        lo, hi = np.where(bounded_low, low, 0.0), np.where(bounded_high, high, 0.0)
        limit = np.where(rate < np.inf, rate, 1.0)
        since = since + np.where(np.isnan(batch.dt), 0.0, batch.dt)
        timed = present & ~np.isnan(last) & (since > 0) & (rate < np.inf)
        # infinity minus a limit stays infinite, infinity less infinity has not moved; the cap keeps a score a number
        with np.errstate(over="ignore", invalid="ignore"):
            beyond = np.maximum(np.where(bounded_low, lo - x, -np.inf), np.where(bounded_high, x - hi, -np.inf))
            outside = 1.0 + np.minimum(beyond / _span(lo, hi, bounded_low, bounded_high), _CAP)
            moved = np.abs(x - np.where(timed, last, x)) / np.where(timed, since, 1.0)
            faster = np.minimum(moved / limit, _CAP)
        score = np.where(beyond > 0, outside, np.where(beyond > -self.deadband, _HELD, 0.0))
        score = np.maximum(score, np.where(timed & (moved > rate), faster, 0.0))
        opinion = present & (bounded_low | bounded_high | timed)
        state = LimitsState(low, high, rate, np.where(present, x, last), np.where(present, 0.0, since))
        verdict = Verdict(
            np.where(opinion, score, np.nan),
            np.full(len(x), np.nan),
            np.where(bounded_low, low, np.nan),
            np.where(bounded_high, high, np.nan),
            np.ones(len(x)),
        )
        return state, verdict

    def constants(self) -> tuple[float | bool, ...]:
        """What the kernel is given of the options."""
        return (self.deadband,)


def _span(lo: Floats, hi: Floats, bounded_low: Bools, bounded_high: Bools) -> Floats:
    """The size that a distance beyond a limit is measured against, > 0."""
    size = np.where(bounded_low & bounded_high, hi - lo, np.abs(np.where(bounded_high, hi, lo)))
    return np.where(size > 0, size, 1.0)
