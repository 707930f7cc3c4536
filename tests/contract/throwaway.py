"""Throw-away detectors of the shapes that the shipped ones do not have: they prove the engine's shape, nothing else."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from detectors.base import NEVER, Batch, Detector, Floats, Ints, Verdict, no_opinion, option
from detectors.durations import SECOND, Duration

NONE = np.iinfo(np.int64).min


class SpreadState(NamedTuple):
    """One row each."""

    seen: Floats  # instants judged


class Spread(Detector[SpreadState]):
    """Joint: score = the largest difference between two inputs / limit; the two that differ most share the blame.

    >>> d = Spread(limit=2.0, warmup=1)
    >>> one = np.ones(1)
    >>> b = Batch(np.array([0]), np.array([[1.0, 5.0, 2.0]]), one, one > 0, one.astype(np.int32))
    >>> state, _ = d.step(d.init(1), b)
    >>> _, v = d.step(state, b)
    >>> v.score.tolist(), v.contribution.tolist()
    ([2.0], [[0.5, 0.5, 0.0]])
    """

    shape: ClassVar[Literal["series", "joint", "peers", "waveform"]] = "joint"
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "0s"
    invariance: ClassVar[frozenset[str]] = frozenset({"shift"})

    kind: Literal["spread"] = "spread"
    limit: float = option(1.0, "Difference that scores 1.", gt=0)
    warmup: int = option(3, "Instants seen before it has an opinion.", ge=1, resets=True)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> SpreadState:
        return SpreadState(np.zeros(n))

    def step(self, state: SpreadState, batch: Batch) -> tuple[SpreadState, Verdict]:
        k = len(batch.x)
        there = np.isfinite(batch.x) & (np.abs(batch.x) < 1e100)
        low = np.where(there, batch.x, np.inf).min(axis=1)
        high = np.where(there, batch.x, -np.inf).max(axis=1)
        fine = there.sum(axis=1) >= 2
        size = np.where(fine, high, 0.0) - np.where(fine, low, 0.0)
        warm = np.minimum(state.seen / self.warmup, 1.0)
        ready = fine & (warm >= 1)
        extreme = there & ((batch.x == low[:, None]) | (batch.x == high[:, None])) & ready[:, None]
        shares = extreme / np.maximum(extreme.sum(axis=1), 1)[:, None]
        verdict = no_opinion(k)._replace(
            score=np.where(ready, np.minimum(size / self.limit, 1e6), np.nan),
            expected=np.where(ready, 0.0, np.nan),
            warm=warm,
            contribution=shares,
        )
        return SpreadState(state.seen + (batch.learn & fine)), verdict


class WeekProfileState(NamedTuple):
    """One row each."""

    count: Floats  # (k, 168)
    mean: Floats  # (k, 168)


class WeekProfile(Detector[WeekProfileState]):
    """Series: |x - mean of its local hour of the week| / limit."""

    refractory_default: ClassVar[str] = "30m"
    invariance: ClassVar[frozenset[str]] = frozenset({"shift"})

    kind: Literal["week_profile"] = "week_profile"
    limit: float = option(10.0, "Distance from the hour's mean that scores 1.", gt=0)
    least: int = option(3, "Readings of an hour needed before it speaks.", ge=1, resets=True)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> WeekProfileState:
        return WeekProfileState(np.zeros((n, 168)), np.zeros((n, 168)))

    def step(self, state: WeekProfileState, batch: Batch) -> tuple[WeekProfileState, Verdict]:
        row, hour = np.arange(len(batch.x)), batch.week_s // 3600
        count, mean = state.count[row, hour], state.mean[row, hour]
        present = np.abs(batch.x) < 1e100
        x = np.where(present, batch.x, mean)
        warm = np.minimum(count / self.least, 1.0)
        ready = present & (warm >= 1)
        learned = count + (present & batch.learn)
        step = np.where(present & batch.learn, (x - mean) / np.maximum(learned, 1.0), 0.0)
        nan = np.nan
        verdict = Verdict(
            np.where(ready, np.abs(x - mean) / self.limit, nan),
            np.where(ready, mean, nan),
            np.where(ready, mean - self.limit, nan),
            np.where(ready, mean + self.limit, nan),
            warm,
        )
        counts, means = state.count.copy(), state.mean.copy()
        counts[row, hour], means[row, hour] = learned, mean + step
        return WeekProfileState(counts, means), verdict


class RmsState(NamedTuple):
    """One row each."""

    blocks: Floats


class Rms(Detector[RmsState]):
    """Waveform: root mean square of the samples after `skip`, against a limit."""

    shape: ClassVar[Literal["series", "joint", "peers", "waveform"]] = "waveform"
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "1s"

    kind: Literal["rms"] = "rms"
    limit: float = option(10.0, "Root mean square that scores 1.", gt=0)
    skip: Duration = option("0s", "Time at the start of a block that is left out.", validate_default=True)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> RmsState:
        return RmsState(np.zeros(n))

    def step(self, state: RmsState, batch: Batch) -> tuple[RmsState, Verdict]:
        assert batch.rate_hz is not None
        k, d = batch.x.shape
        kept = np.arange(d)[None, :] >= (self.skip / SECOND * batch.rate_hz)[:, None]
        usable = np.isfinite(batch.x) & (np.abs(batch.x) < 1e100)
        fine = (usable | ~kept).all(axis=1) & kept.any(axis=1)
        square = np.where(kept & usable, batch.x, 0.0) ** 2
        rms = np.sqrt(square.sum(axis=1) / np.maximum(kept.sum(axis=1), 1))
        high = np.full(k, self.limit)
        score = np.where(fine, np.minimum(rms / self.limit, 1e6), np.nan)
        return RmsState(state.blocks + 1), no_opinion(k)._replace(score=score, high=high)


class DeadmanState(NamedTuple):
    """One row each."""

    last: Ints  # time of the last reading, ns; the smallest int64 = none yet
    told: Ints  # how many deadlines of this silence were spoken of


class Deadman(Detector[DeadmanState]):
    """By tick: speaks again after every further `timeout` of the same silence, up to `times`, each worse."""

    judges_silence: ClassVar[bool] = True
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "0s"
    invariance: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})

    kind: Literal["deadman"] = "deadman"
    timeout: Duration = option("10s", "Silence after which it speaks, again and again.", validate_default=True, gt=0)
    times: int = option(20, "How often at most.", ge=1)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> DeadmanState:
        return DeadmanState(np.full(n, NONE, dtype=np.int64), np.zeros(n, dtype=np.int64))

    def step(self, state: DeadmanState, batch: Batch) -> tuple[DeadmanState, Verdict]:
        k = len(batch.time)
        verdict = no_opinion(k)._replace(score=np.zeros(k))
        return DeadmanState(batch.time.copy(), np.zeros(k, dtype=np.int64)), verdict

    def deadline(self, state: DeadmanState) -> Ints:
        speaks = (state.last > NONE) & (state.told < self.times)
        return np.where(speaks, np.where(speaks, state.last, 0) + (state.told + 1) * self.timeout, NEVER)

    def tick(self, state: DeadmanState, time: Ints) -> tuple[DeadmanState, Verdict]:
        passed = np.where(state.last > NONE, time - np.where(state.last > NONE, state.last, time), 0) // self.timeout
        told = np.minimum(passed, self.times)
        verdict = no_opinion(len(time))._replace(score=np.where(told > 0, told * 1.0, np.nan))
        return state._replace(told=np.maximum(state.told, told)), verdict


REGISTRY: dict[str, type[Detector[Any]]] = {
    "spread": Spread,
    "week_profile": WeekProfile,
    "rms": Rms,
    "deadman": Deadman,
}
