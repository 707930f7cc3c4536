"""Warming: which series' models have no opinion yet, how far they are, and what they still need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from detectors.durations import SECOND, duration_ns
from streams.arrays import UNSEEN
from streams.engine import Engine
from streams.metrics import Metrics
from streams.watch import Watch

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


class Warmth(NamedTuple):
    """A watch on one partition."""

    rows: int
    done: float  # sum over rows, of shares
    warming: list[Warming]


def warmth_of(engine: Engine, watch: Watch) -> Warmth:
    """How far the rows of a process watch over single series are."""
    n = watch.bank.rows
    if not n:
        return Warmth(0, 0.0, [])
    last = watch.owner["last"]
    done = watch.bank.warmth(np.where(last == UNSEEN, 0, last))
    modes = {bank_row: mode for (_, mode), bank_row in watch.by_mode.items()}
    refs, owner = engine.roster.refs, watch.owner["row"]
    found = []
    for row in np.flatnonzero(done < 1.0).tolist():
        ref, share = refs[int(owner[row])], float(done[row])
        readings, seconds = _missing(watch, share)
        found.append(Warming(ref.path, ref.series, watch.spec.name, modes.get(row), share, readings, seconds))
    return Warmth(n, float(done.sum()), found)


def _missing(watch: Watch, done: float) -> tuple[int | None, float | None]:
    """Readings, or seconds of event time, that a warm-up lacks; neither where it is stated otherwise."""
    stated: Any = getattr(watch.detector, "warmup", None)
    field = type(watch.detector).model_fields.get("warmup")
    if stated is None or field is None:
        return None, None
    if isinstance(stated, str):
        return None, (1.0 - done) * duration_ns(stated) / SECOND
    if isinstance(field.default, str):  # a duration: nanoseconds in the model
        return None, (1.0 - done) * stated / SECOND
    return round((1.0 - done) * stated), None


def warmths(engine: Engine) -> Iterator[tuple[Watch, Warmth]]:
    """Of each process watch over single series."""
    for watch in engine.watches:
        if not watch.detector.health and not watch.by_roster:
            yield watch, warmth_of(engine, watch)


def listed(engines: Iterable[Engine]) -> dict[str, Any]:
    """What /warmup says: how many rows are warming, and those that lack most."""
    found = [one for engine in engines for _, warmth in warmths(engine) for one in warmth.warming]
    found.sort(key=lambda one: (one.done, one.asset, one.series, one.watch))
    return {"warming": len(found), "series": [one.as_json() for one in found[:LISTED]]}


def publish(metrics: Metrics, engines: Iterable[Engine]) -> None:
    """Write the metrics, by watch."""
    rows: dict[tuple[str, ...], float] = {}
    done: dict[tuple[str, ...], float] = {}
    warming: dict[tuple[str, ...], float] = {}
    unfit: dict[tuple[str, ...], float] = {}
    for engine in engines:
        for watch, warmth in warmths(engine):
            name = (watch.spec.name,)
            rows[name] = rows.get(name, 0) + warmth.rows
            done[name] = done.get(name, 0) + warmth.done
            warming[name] = warming.get(name, 0) + len(warmth.warming)
            unfit[name] = unfit.get(name, 0) + int(watch.owner["unfit"].sum())
    metrics.replace("millstream_warmup_ratio", {name: done[name] / n for name, n in rows.items() if n})
    metrics.replace("millstream_models_warming", warming)
    metrics.replace("millstream_models_unfit", unfit)
