"""Robust z-score: distance from an exponentially weighted robust location, in units of a robust scale."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from detectors.base import Batch, Detector, Floats, Ints, Verdict, option
from detectors.compiled import Kernel
from detectors.durations import SECOND, Duration, Warmup, duration_ns

_TO_SIGMA = math.sqrt(math.pi / 2)
"""Mean absolute deviation to standard deviation, for a normal distribution."""
_CLIP = 3.0
"""Errors learned for learning up to this many sigmas (Huber's psi)."""
_OPEN = 8.0
"""The first readings learned in full: there is no scale yet to clip by."""
_AT_LEAST = 50.0
"""Memory in readings, at least: with few readings a half-life the scale would be noise."""
_CAP = 1e6
"""Highest score: keeps a jump on a constant signal a number that calibration can work with."""

_HUGE = 1e100
"""Larger numbers are no measurement and would overflow."""


class RobustZscoreState(NamedTuple):
    """One row each."""

    learned: Floats  # readings learned
    since: Ints  # time of the first reading learned, ns
    location: Floats
    spread: Floats  # mean absolute deviation
    away_s: Floats  # how long the value has been out of band
    away_count: Floats  # readings out of band; 0 = in band
    away_location: Floats  # the level that it may be moving to
    away_spread: Floats


@Kernel
def _judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, score: Any, expected: Any, low: Any, high: Any, warm: Any,
    learned: Any, since: Any, location: Any, spread: Any,
    away_s: Any, away_count: Any, away_location: Any, away_spread: Any,
    limit: Any, floor: Any, resolution: Any, tau: Any, accept_s: Any, readings: Any, span: Any,
) -> None:  # fmt: skip
    """As `RobustZscore.step`, reading by reading."""
    for i in range(len(rows)):
        r = rows[i]
        v = x[i]
        known = learned[r]
        wide = spread[r]
        present = abs(v) < _HUGE
        if not present:
            v = location[r]
        if known <= 0:
            location[r] = v
        place = location[r]
        sigma = _TO_SIGMA * wide
        if floor * abs(place) > sigma:
            sigma = floor * abs(place)
        if resolution > sigma:
            sigma = resolution
        error = v - place
        size = abs(error)
        raw = size / sigma / limit if sigma > 0 else (_CAP if size > 0 else 0.0) / limit
        if raw > _CAP:
            raw = _CAP
        if readings > 0:
            done = known / readings
        elif known < _OPEN:
            done = 0.0
        else:
            passed = time[i] - since[r]
            done = float(passed if passed > 0 else 0) / span
        if done > 1.0:
            done = 1.0
        warm[i] = done
        ready = present and done >= 1.0
        if ready:
            band = limit * sigma
            score[i] = raw
            expected[i] = place
            low[i] = place - band
            high[i] = place + band
        else:
            score[i] = math.nan
            expected[i] = math.nan
            low[i] = math.nan
            high[i] = math.nan
        if not (present and learn[i]):
            continue
        if known <= 0:
            since[r] = time[i]
        gap = dt[i]
        if not gap > 0:
            gap = 0.0
        if ready and raw > 1.0:
            # a level that lasts: its own location and scale grow beside, and take over after accept_after
            count = away_count[r] + 1.0
            if count > 1.0:
                away_s[r] = away_s[r] + gap
                off = v - away_location[r]
                step = 1.0 / (count if count < _AT_LEAST else _AT_LEAST)
                away_location[r] = away_location[r] + step * off
                away_spread[r] = away_spread[r] + step * (abs(off) - away_spread[r])
            else:
                away_location[r] = v
                away_spread[r] = 0.0
            if away_s[r] >= accept_s and count >= 5.0:
                location[r] = away_location[r]
                if away_spread[r] > wide:
                    spread[r] = away_spread[r]
                away_s[r] = 0.0
                count = 0.0
            away_count[r] = count
            continue
        gain = gap / (gap + tau)
        if gain > 1.0 / _AT_LEAST:
            gain = 1.0 / _AT_LEAST
        if 1.0 / (known + 1.0) > gain:
            gain = 1.0 / (known + 1.0)
        clipped = error
        if not (known < _OPEN or sigma <= 0):
            bound = _CLIP * sigma
            if clipped < -bound:
                clipped = -bound
            if clipped > bound:
                clipped = bound
        location[r] = place + gain * clipped
        spread[r] = wide + gain * (abs(clipped) - wide)
        learned[r] = known + 1.0
        if away_count[r] > 0 or away_s[r] > 0:
            left = away_s[r] - 2.0 * gap
            if not left > 0:
                left = 0.0
                away_count[r] = 0.0
            away_s[r] = left


class RobustZscore(Detector[RobustZscoreState]):
    """Exponentially weighted robust location and scale.

    z = (x - location) / sigma, score = |z| / limit. sigma = sqrt(pi/2) x mean absolute deviation, at least `floor`
    x |location| and `resolution`. It scores before it learns; errors teach up to 3 sigma (Huber 1964); readings
    out of band (score > 1) teach nothing at all, until they have lasted `accept_after` and are five or more: then
    their own location and scale are taken as the new level. Time in band counts against time out of band, twice.
    The memory is `half_life`, at least 50 readings; weights are dt / (dt + half_life / ln 2), so irregular sampling
    is handled by itself.

    Use it for steady signals: temperatures under control, pressures, currents of one mode. Source: Huber, Robust
    Estimation of a Location Parameter (1964), with exponential weights.

    Scale: x -> c x leaves the score as it is (resolution 0). Shift: it does where `floor` does not bind.

    >>> rng = np.random.default_rng(1)
    >>> x = 20 + rng.normal(0, .1, 500); x[400] = 25
    >>> d = RobustZscore()
    >>> t = np.arange(500, dtype=np.int64)[:, None] * SECOND
    >>> one = np.ones((500, 1))
    >>> _, v = d.scan(d.init(1), Batch(t, x[:, None], one, one > 0, one.astype(np.int32)))
    >>> int(np.nanargmax(v.score)), bool(np.nanmax(np.delete(v.score, 400)) < 1)
    (400, True)
    """

    invariance: ClassVar[frozenset[str]] = frozenset({"scale"})

    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = _judge

    kind: Literal["robust_zscore"] = "robust_zscore"
    half_life: Duration = option(
        "4h", "Time after which a reading counts half.", validate_default=True, gt=0, resets=True
    )
    limit: float = option(6.0, "Distance from the location, in sigmas, that scores 1.", gt=0)
    warmup: Warmup = option(
        50, "Readings, or time, learned before it has an opinion.", validate_default=True, resets=True
    )
    accept_after: Duration = option(
        "1h", "How long a new level must last to be taken as normal.", validate_default=True, gt=0
    )
    floor: float = option(1e-3, "Smallest sigma, as a share of the location: less is immaterial.", ge=0, lt=1)
    resolution: float = option(0.0, "Smallest sigma, in the series' unit (the sensor's resolution).", ge=0)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> RobustZscoreState:
        """State of n rows."""
        zero = np.zeros(n)
        return RobustZscoreState(
            zero,
            np.zeros(n, dtype=np.int64),
            zero.copy(),
            zero.copy(),
            zero.copy(),
            zero.copy(),
            zero.copy(),
            zero.copy(),
        )

    def step(self, state: RobustZscoreState, batch: Batch) -> tuple[RobustZscoreState, Verdict]:
        """Score one reading of each row, then learn it; NaN and sizes from 1e100 have no opinion and teach nothing."""
        learned, since, location, spread, away_s, away_count, away_location, away_spread = state
        present = np.abs(batch.x) < _HUGE
        x = np.where(present, batch.x, location)
        started = learned > 0
        location = np.where(started, location, x)
        sigma = np.maximum(np.maximum(_TO_SIGMA * spread, self.floor * np.abs(location)), self.resolution)
        error = x - location
        size = np.abs(error)
        divisor = np.where(sigma > 0, sigma, 1.0)
        ratio = np.where(sigma > 0, size / divisor, np.where(size > 0, _CAP, 0.0))
        raw = np.minimum(ratio / self.limit, _CAP)
        warm = self._warm(learned, since, batch.time)
        ready = present & (warm >= 1)
        score = np.where(ready, raw, np.nan)

        learn = present & batch.learn
        out = learn & ready & (raw > 1.0)
        normal = learn & ~out
        dt = np.where(batch.dt > 0, batch.dt, 0.0)
        tau = self.half_life / SECOND / math.log(2)
        gain = np.maximum(1.0 / (learned + 1.0), np.minimum(dt / (dt + tau), 1.0 / _AT_LEAST))
        bound = np.where((learned < _OPEN) | (sigma <= 0), np.inf, _CLIP * sigma)
        clipped = np.minimum(np.maximum(error, -bound), bound)
        next_location = np.where(normal, location + gain * clipped, location)
        next_spread = np.where(normal, spread + gain * (np.abs(clipped) - spread), spread)

        # a level that lasts: its own location and scale grow beside, and take over after accept_after
        was_away = away_count > 0
        away_s = np.where(out & was_away, away_s + dt, np.where(normal, np.maximum(away_s - 2.0 * dt, 0.0), away_s))
        away_count = np.where(out, away_count + 1.0, np.where(normal & (away_s <= 0), 0.0, away_count))
        step = 1.0 / np.minimum(np.maximum(away_count, 1.0), _AT_LEAST)
        off = x - np.where(was_away, away_location, x)
        away_location = np.where(out, np.where(was_away, away_location + step * off, x), away_location)
        away_spread = np.where(
            out, np.where(was_away, away_spread + step * (np.abs(off) - away_spread), 0.0), away_spread
        )
        accept = out & (away_s >= self.accept_after / SECOND) & (away_count >= 5.0)
        state = RobustZscoreState(
            learned + normal,
            np.where(learn & ~started, batch.time, since),
            np.where(accept, away_location, next_location),
            np.where(accept, np.maximum(away_spread, spread), next_spread),
            np.where(accept, 0.0, away_s),
            np.where(accept, 0.0, away_count),
            away_location,
            away_spread,
        )
        band = self.limit * sigma
        nan = np.nan
        verdict = Verdict(
            score,
            np.where(ready, location, nan),
            np.where(ready, location - band, nan),
            np.where(ready, location + band, nan),
            warm,
        )
        return state, verdict

    def constants(self) -> tuple[float | bool, ...]:
        """What the kernel is given of the options; of the warm-up, 0 for the readings or the time that it is not."""
        readings = float(self.warmup) if isinstance(self.warmup, int) else 0.0
        span = 1.0 if isinstance(self.warmup, int) else float(duration_ns(self.warmup))
        tau, accept_s = self.half_life / SECOND / math.log(2), self.accept_after / SECOND
        return (self.limit, self.floor, self.resolution, tau, accept_s, readings, span)

    def _warm(self, learned: Floats, since: Ints, time: Ints) -> Floats:
        if isinstance(self.warmup, int):
            return np.minimum(learned / self.warmup, 1.0)
        passed = np.where(learned > 0, time - since, 0)
        return np.where(learned < _OPEN, 0.0, np.minimum(np.maximum(passed, 0) / duration_ns(self.warmup), 1.0))
