"""Warming: which series' models have no opinion yet, how far they are, and what they still need."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from detectors.base import Floats
from detectors.durations import SECOND, duration_ns
from streams.arrays import UNSEEN
from streams.engine import Engine
from streams.metrics import Metrics
from streams.watch import Watch

_SELDOM = 50
"""The metrics wait so many times as long as it took to count them."""

LISTED = 1000
"""Series in an answer, at most; those that lack most come first."""


class Warming(NamedTuple):
    """One row of one watch whose warm-up is not done."""

    asset: str
    series: str
    watch: str
    mode: str | None  # of a watch with a row a mode
    done: float  # share of the warm-up, 0..1
    missing_readings: int | None  # where the warm-up is stated in readings
    missing_s: float | None  # where it is stated as a time

    def as_json(self) -> dict[str, Any]:
        """As /warmup says it."""
        return self._asdict() | {"done_percent": round(100.0 * self.done, 1)}


def _done(watch: Watch) -> Floats:
    """(rows,) how far each row is."""
    last = watch.owner["last"]
    return watch.bank.warmth(np.where(last == UNSEEN, 0, last))


def _warming(engine: Engine, watch: Watch) -> Iterator[Warming]:
    """The rows that are not done."""
    done = _done(watch)
    modes = {bank_row: mode for (_, mode), bank_row in watch.by_mode.items()}
    refs, owner = engine.roster.refs, watch.owner["row"]
    stated: Any = getattr(watch.detector, "warmup", None)
    field = type(watch.detector).model_fields.get("warmup")
    for row in np.flatnonzero(done < 1.0).tolist():
        ref, share = refs[int(owner[row])], float(done[row])
        readings, seconds = _missing(stated, field, share)
        yield Warming(ref.path, ref.series, watch.spec.name, modes.get(row), share, readings, seconds)


def _missing(stated: Any, field: Any, done: float) -> tuple[int | None, float | None]:
    """Readings, or seconds of event time, that a warm-up lacks; neither where it is stated otherwise."""
    if stated is None or field is None:
        return None, None
    if isinstance(stated, str):
        return None, (1.0 - done) * duration_ns(stated) / SECOND
    if isinstance(field.default, str):  # a duration: nanoseconds in the model
        return None, (1.0 - done) * stated / SECOND
    return round((1.0 - done) * stated), None


def _learning(engine: Engine) -> Iterator[Watch]:
    """Process watches over single series."""
    return (watch for watch in engine.watches if not watch.detector.health and not watch.by_roster)


def listed(engines: Iterable[Engine]) -> dict[str, Any]:
    """What /warmup says: how many rows are warming, and those that lack most."""
    found = [one for engine in engines for watch in _learning(engine) for one in _warming(engine, watch)]
    found.sort(key=lambda one: (one.done, one.asset, one.series, one.watch))
    return {"warming": len(found), "series": [one.as_json() for one in found[:LISTED]]}


class WarmthMetrics:
    """The metrics of warm-up, by watch; counted anew so seldom that it takes a fiftieth of a worker's time at most."""

    def __init__(self) -> None:
        self._due = 0.0

    async def publish(self, metrics: Metrics, engines: Iterable[Engine]) -> None:
        """Write the metrics, if it is time; readings go on between two watches."""
        if time.monotonic() < self._due:
            return
        rows: dict[tuple[str, ...], float] = {}
        done: dict[tuple[str, ...], float] = {}
        warming: dict[tuple[str, ...], float] = {}
        unfit: dict[tuple[str, ...], float] = {}
        took = 0.0
        for engine in engines:
            for watch in _learning(engine):
                began = time.perf_counter()
                name, shares = (watch.spec.name,), _done(watch)
                rows[name] = rows.get(name, 0) + len(shares)
                done[name] = done.get(name, 0) + float(shares.sum())
                warming[name] = warming.get(name, 0) + int((shares < 1.0).sum())
                unfit[name] = unfit.get(name, 0) + int(watch.owner["unfit"].sum())
                took += time.perf_counter() - began
                await asyncio.sleep(0)
        metrics.replace("millstream_warmup_ratio", {name: done[name] / n for name, n in rows.items() if n})
        metrics.replace("millstream_models_warming", warming)
        metrics.replace("millstream_models_unfit", unfit)
        self._due = time.monotonic() + _SELDOM * took
