"""Results made by hand, for the tests of sinks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from schemas.anomaly import AnomalyEvent, Detector, Phase, episode_id_of, event_id_of
from streams.results import Points, Results, SeriesRef, Verdicts, WatchRef

OVEN = SeriesRef("penang/smt/line1/oven3", "penang", "smt", "line1", "oven3", "zone2_temp")
PUMP = SeriesRef("penang/pump", "penang", "-", "-", "pump", "flow")
WATCH = WatchRef("drift", "robust_zscore")
NAN = float("nan")


def points(
    time: Sequence[int],
    value: Sequence[float],
    series: Sequence[int] | None = None,
    text: dict[int, str] | None = None,
    quality: Sequence[int] | None = None,
    late: Sequence[bool] | None = None,
) -> Points:
    n = len(time)
    return Points(
        np.array(series if series is not None else [0] * n, dtype=np.int32),
        np.array(time, dtype=np.int64),
        np.array(value, dtype=np.float64),
        text or {},
        np.array(quality if quality is not None else [0] * n, dtype=np.uint8),
        np.array(late if late is not None else [False] * n, dtype=np.bool_),
    )


def verdicts(
    time: Sequence[int],
    score: Sequence[float],
    store: Sequence[bool] | None = None,
    series: Sequence[int] | None = None,
    watch: Sequence[int] | None = None,
    status: Sequence[int] | None = None,
) -> Verdicts:
    n = len(time)
    level = np.array(score, dtype=np.float64)
    return Verdicts(
        reading=np.arange(n, dtype=np.int64),
        series=np.array(series if series is not None else [0] * n, dtype=np.int32),
        watch=np.array(watch if watch is not None else [0] * n, dtype=np.int32),
        time=np.array(time, dtype=np.int64),
        value=np.arange(n, dtype=np.float64) + 20.5,
        score=level,
        expected=level + 20,
        low=level + 10,
        high=level + 30,
        status=np.array(status if status is not None else [0] * n, dtype=np.uint8),
        store=np.array(store if store is not None else [True] * n, dtype=np.bool_),
        contribution={},
    )


def event(time: int, phase: Phase = "opened", ordinal: int = 0, **other: Any) -> AnomalyEvent:
    asset, series = other.pop("asset", OVEN.path), other.pop("series", OVEN.series)
    episode = episode_id_of(asset, series, WATCH.name, time, WATCH.kind)
    given: dict[str, Any] = {
        "received": time,
        "watch": WATCH.name,
        "detector": Detector(kind=WATCH.kind, state_version=1),
        "config": "abc",
        "severity": 640,
        "score": 1.5,
        "peak": 2.5,
        "value": 250.25,
        "expected": 240.0,
        "low": 230.0,
        "high": 245.0,
        "unit": "Cel",
        "started": time,
        "backfill": False,
        "warm": 1.0,
        "learned_since": None,
        "message": {"en": 'too "hot", by 5 Cel'},
        "runbook": "drift",
        "decision": {},
    }
    return AnomalyEvent(
        time=time,
        asset=asset,
        series=series,
        phase=phase,
        ordinal=ordinal,
        episode_id=episode,
        event_id=event_id_of(episode, phase, ordinal),
        **{**given, **other},
    )


def results(
    points_: Points | None = None,
    verdicts_: Verdicts | None = None,
    events: Sequence[AnomalyEvent] = (),
    series: Sequence[SeriesRef] = (OVEN, PUMP),
    watches: Sequence[WatchRef] = (WATCH,),
    partition: int = 0,
) -> Results:
    return Results(
        partition=partition,
        next_offset=0,
        received=0,
        counts={},
        series=series,
        watches=watches,
        points=points_ or points([], []),
        verdicts=verdicts_ or verdicts([], []),
        events=events,
        rejections=(),
        forwards=(),
        warnings=(),
    )
