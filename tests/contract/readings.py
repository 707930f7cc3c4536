"""Streams that detectors are proved on: everything a sensor, a gateway and a network make of readings."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.bank import Bank
from detectors.base import Batch, Detector, Verdict, pick
from detectors.calibration import Calibration
from detectors.durations import SECOND, duration_ns
from detectors.judgement import Judgement
from tests.contract.blocks import vibration

INPUTS = 3
"""Inputs of a joint row, samples of a waveform."""
START = 1_767_600_000 * SECOND


class Stream(NamedTuple):
    """r readings in log order; `rows` (r,) says whose each is."""

    rows: NDArray[np.int64]
    batch: Batch

    def part(self, where: Any) -> Stream:
        """The readings at some places."""
        return Stream(self.rows[where], pick(self.batch, where))


def stream(
    seed: int, detector: Detector[Any], r: int = 120, rows: int = 4, *, tame: bool = False, learn: bool | None = None
) -> Stream:
    """A random stream: levels, noise, flat runs, steps, spikes, NaN, infinity, huge values, irregular time, pauses.

    `tame`: finite values on a grid of 1/1024, so that scaling by powers of two and shifting by whole numbers is exact.
    """
    rng = np.random.default_rng(seed)
    wide = detector.shape != "series"
    row = rng.choice(rows, r, p=rng.dirichlet(np.ones(rows)))
    gaps = rng.choice([1, SECOND // 10, SECOND, 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND], r, p=_PACE)
    gaps = (gaps * rng.uniform(0.8, 1.2, r)).astype(np.int64) + 1
    time = START + np.cumsum(gaps)
    shape = (r, INPUTS) if wide else (r,)
    level = rng.choice([0.0, 3.0, -40.0, 1e4], rows)[row]
    x = (level if not wide else level[:, None]) + rng.choice([0.0, 0.1, 2.0]) * rng.normal(size=shape)
    x = np.where(rng.random(shape) < rng.choice([0.0, 0.3, 0.9]), level if not wide else level[:, None], x)
    spikes = rng.random(shape) < 0.05
    x = np.where(spikes, x + rng.choice([-50.0, 7.0, 500.0], shape), x)
    if rng.random() < 0.5:  # a step that stays
        x[r // 2 :] += 30.0
    if tame:
        x = np.round(x * 1024) / 1024
    else:
        odd = rng.random(shape)
        x = np.where(odd < 0.04, np.nan, x)
        x = np.where((odd > 0.04) & (odd < 0.08), rng.choice(_ODD, shape), x)
    teach = rng.random(r) < 0.9 if learn is None else np.full(r, learn)
    dt = np.full(r, np.nan)
    newest: dict[int, int] = {}
    for i, (k, t) in enumerate(zip(row.tolist(), time.tolist(), strict=True)):
        if k in newest:
            dt[i] = (t - newest[k]) / 1e9
        newest[k] = t
    week = ((time // SECOND) % 604_800).astype(np.int32)
    waves = detector.shape == "waveform"
    rate = np.full(r, 48_000.0) if waves else None
    speed = np.where(rng.random(r) < 0.2, np.nan, 1796.0) if waves else None
    batch = Batch(time, x, dt, teach, week, rate, speed)
    if detector.judges == "quality":
        batch = batch._replace(quality=rng.choice(3, r, p=[0.5, 0.2, 0.3]).astype(np.uint8))
    if detector.judges == "clock":
        batch = batch._replace(received=_received(rng, time), time=_repeated(rng, row, time))
    if detector.kind == "railed":
        x = np.where(rng.random(r) < 0.05, rng.choice([-999.0, 7999.0, -200.0], r), x)
    if detector.kind == "duplicate":  # a copy of the first, now and then away, over a level that moves for itself
        x[:, 0] += rng.normal(size=r).round(3) * 64
        x[:, 1] = np.where(rng.random(r) < 0.97, x[:, 0], x[:, 1])
    if detector.kind == "unit_swap":
        walk = np.round(50.0 + rng.normal(0, 0.05, r).cumsum() + rng.normal(0, 0.1, r), 3)
        walk *= np.where(np.arange(r) > rng.integers(r // 3, r), rng.choice([0.01, 100.0, 1000.0]), 1.0)
        x = np.where(rng.random(r) < 0.95, walk, np.where(rng.random(r) < 0.8, np.nan, x))
    if detector.kind in ("bearing", "vibration_zone"):
        return Stream(row.astype(np.int64), vibration(rng, batch, tame))
    return Stream(row.astype(np.int64), batch._replace(x=x))


def _received(rng: np.random.Generator, time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Arrivals at or behind their times, but where the clock is ahead; the log's clock never goes back."""
    lag = rng.choice([0, SECOND, 3_600 * SECOND], p=[0.6, 0.3, 0.1]) + rng.integers(-2, 5, len(time)) * SECOND
    return np.maximum.accumulate(time + lag)


def _repeated(rng: np.random.Generator, row: NDArray[np.int64], time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Times that stand still for a while in each row, as of a source that sends the same reading again and again."""
    out = time.copy()
    for k in np.unique(row).tolist():
        mine = np.flatnonzero(row == k)
        still = mine[len(mine) // 2 :][: int(rng.integers(0, 20))]
        out[still] = time[mine[len(mine) // 2]]
    return out


_PACE = [0.05, 0.3, 0.4, 0.2, 0.04, 0.01]
_ODD = np.array([np.inf, -np.inf, 1e308, -1e308, 1e99, 5e-324, -0.0, 0.0, 1e154])


def bank_of(detector: Detector[Any], rows: int, budget_per_s: float = 1e-3) -> Bank:
    """A bank with calibration, as a watch makes one."""
    calibration = Calibration(
        rule=detector.limit_rule, rate_per_s=budget_per_s, refractory_ns=duration_ns(detector.refractory_default)
    )
    bank = Bank(detector, calibration, INPUTS if detector.shape in ("joint", "peers") else None)
    bank.grow(rows)
    return bank


def run(bank: Bank, given: Stream) -> list[Any]:
    """Judge a stream; every result that anybody sees, as plain data in which equal bits are equal."""
    silences: list[Any] = []
    if bank.detector.judges_silence:
        judged, found = bank.run_silence(given.rows, given.batch, given.batch.time)
        silences = [[s.row, s.time, int(given.batch.time[s.reading]), *map(repr, _at(s.judged, s.at))] for s in found]
    else:
        judged = bank.run(given.rows, given.batch)
    return told(judged) + sorted(silences)


def told(judged: Judgement) -> list[Any]:
    """Each reading's judgement as plain data."""
    return [[*map(repr, _at(judged, i)), repr(judged.before.get(i))] for i in range(len(judged.score))]


def _at(judged: Judgement, i: int) -> list[Any]:
    v = judged.verdict
    fields = [judged.raw, judged.score, judged.alarm, judged.threshold, v.score, v.expected, v.low, v.high, v.warm]
    shares = [] if v.contribution is None else v.contribution[i].tolist()
    return [*(a[i].item() for a in fields), shares]


def same_bits(a: Any, b: Any) -> bool:
    """Whether two arrays, snapshots or verdicts are equal bit for bit; one NaN is like another."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_bits(a[k], b[k]) for k in a)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(same_bits(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray):
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if a.dtype.kind == "f":
            a, b = np.where(np.isnan(a), np.nan, a), np.where(np.isnan(b), np.nan, b)
        return bool(a.tobytes() == b.tobytes())
    return bool(a == b)


def verdict_bits(verdict: Verdict) -> list[Any]:
    """A verdict as arrays that `same_bits` compares."""
    return [a for a in verdict if a is not None]
