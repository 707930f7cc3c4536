"""Warming: which series' models have no opinion yet, how far they are, and what they still need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from detectors.base import Floats
from detectors.durations import SECOND, duration_ns
from streams.arrays import UNSEEN
from streams.engine import Engine
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


def shares_done(watch: Watch) -> Floats:
    """(rows,) how far each row is."""
    last = watch.owner["last"]
    return watch.bank.warmth(np.where(last == UNSEEN, 0, last))


def _warming(engine: Engine, watch: Watch) -> Iterator[Warming]:
    """The rows that are not done."""
    done = shares_done(watch)
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


def learning(engine: Engine) -> Iterator[Watch]:
    """Process watches over single series."""
    return (watch for watch in engine.watches if not watch.detector.health and not watch.by_roster)


def listed(engines: Iterable[Engine]) -> dict[str, Any]:
    """What /warmup says: how many rows are warming, and those that lack most."""
    found = [one for engine in engines for watch in learning(engine) for one in _warming(engine, watch)]
    found.sort(key=lambda one: (one.done, one.asset, one.series, one.watch))
    return {"warming": len(found), "series": [one.as_json() for one in found[:LISTED]]}
