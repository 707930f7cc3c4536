"""Measurements as tables of points: declared once, filled from `Results` once, written by every sink."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from schemas.anomaly import AnomalyEvent, shares_text
from schemas.partition import with_missing
from streams.results import Results, SeriesRef
from streams.sinks.table import Measurement, Table, join
from streams.sinks.together import together

LEVELS = ("site", "area", "line", "asset")
MISSING = "-"
"""What a tag holds where its level is missing: an empty tag cannot be written."""

FLOATS = ("score", "expected", "low", "high", "value")


READING = Measurement(
    "reading",
    "raw",
    (*LEVELS, "series"),
    {"quality": "int", "late": "bool", "value": "float", "text": "str"},
)
VERDICT = Measurement(
    "verdict",
    "raw",
    (*LEVELS, "series", "watch", "detector"),
    {"status": "int", **dict.fromkeys(FLOATS, "float")},
)
ANOMALY = Measurement(
    "anomaly",
    "main",
    (*LEVELS, "series", "watch", "detector", "phase"),
    {
        "severity": "int",
        "ordinal": "int",
        "event_id": "str",
        "episode_id": "str",
        **dict.fromkeys((*FLOATS, "peak", "cost_per_hour"), "float"),
        "message": "str",
        "contribution": "str",
    },
)
KPI = Measurement(
    "kpi",
    "main",
    (*LEVELS, "kpi", "product", "shift"),
    {"revision": "int", **dict.fromkeys(("value", "low", "high", "coverage"), "float"), "status": "str"},
)
MEASUREMENTS = {each.name: each for each in (READING, VERDICT, ANOMALY, KPI)}


@lru_cache(maxsize=100_000)
def clean(tag: str) -> str:
    r"""A tag's value that both stores can hold: not empty, on one line, no backslash at the end.

    Line protocol has no escape for a backslash before the delimiter, nor for a line break.

    >>> clean(""), clean("a\nb"), clean("c:" + chr(92))
    ('-', 'a\\nb', 'c:\\_')
    """
    tag = tag.replace("\n", "\\n") or MISSING
    return tag + "_" if tag.endswith("\\") else tag


def checked_tags(kind: Measurement, tags: dict[str, str]) -> dict[str, str]:
    """The same tags, clean as they are stored. Raises ValueError for one that the measurement does not have."""
    if unknown := sorted(set(tags) - set(kind.tags)):
        raise ValueError(f"{kind.name} has no tag {', '.join(unknown)}; it has {', '.join(kind.tags)}")
    return {name: clean(value) for name, value in tags.items()}


@lru_cache(maxsize=100_000)
def series_tags(ref: SeriesRef) -> tuple[str, ...]:
    """Site, area, line, asset and series of a series.

    >>> series_tags(SeriesRef("penang/oven3", "penang", "", "-", "oven3", "temp"))
    ('penang', '-', '-', 'oven3', 'temp')
    """
    return tuple(map(clean, (ref.site, ref.area, ref.line, ref.asset, ref.series)))


@lru_cache(maxsize=10_000)
def cut(path: str, series: str) -> SeriesRef:
    """The series of an asset's path that no table of results knows: the first levels are site, area and line.

    >>> cut("penang/oven3", "temp")[1:]
    ('penang', '-', '-', 'oven3', 'temp')
    """
    *above, last = path.split("/", 3)
    site, area, line = (*above, MISSING, MISSING, MISSING)[:3]
    return SeriesRef(path, site, area, line, last, series)


def readings(results: Results) -> Table:
    """Points of measurement `reading`."""
    points = results.points
    used, code = np.unique(points.series, return_inverse=True)
    return Table(
        READING,
        [series_tags(results.series[i]) for i in used.tolist()],
        code,
        points.time,
        {"quality": points.quality.astype(np.int64)},
        {"late": points.late},
        {"value": points.value},
        {"text": points.text},
    )


def verdicts(results: Results) -> Table:
    """Points of measurement `verdict`: the rows that `store` marks."""
    rows = results.verdicts
    keep = rows.store
    watches = max(len(results.watches), 1)
    used, code = np.unique(rows.series[keep].astype(np.int64) * watches + rows.watch[keep], return_inverse=True)
    pairs = [divmod(each, watches) for each in used.tolist()]
    names = [(clean(each.name), clean(each.kind)) for each in results.watches]
    columns = (rows.score, rows.expected, rows.low, rows.high, rows.value)
    return Table(
        VERDICT,
        [(*series_tags(results.series[s]), *names[w]) for s, w in pairs],
        code,
        rows.time[keep],
        {"status": rows.status[keep].astype(np.int64)},
        {},
        {name: column[keep] for name, column in zip(FLOATS, columns, strict=True)},
        {},
    )


def anomalies(results: Results) -> Table:
    """Points of measurement `anomaly`, one for each event, at its time.

    Where the engine says that two events of an episode have one time, the later one's ordinal is added in ns.
    """
    events = results.events
    shifts = results.event_shift or [0] * len(events)
    wanted = {(event.asset, event.series) for event in events}
    known = {(ref.path, ref.series): ref for ref in results.series if (ref.path, ref.series) in wanted}
    tags = []
    for event in events:
        ref = known.get((event.asset, event.series)) or cut(event.asset, event.series)
        tags.append((*series_tags(ref), clean(event.watch), clean(event.detector.kind), event.phase))
    return Table(
        ANOMALY,
        tags,
        np.arange(len(events)),
        np.array([event.time + shift for event, shift in zip(events, shifts, strict=True)], dtype=np.int64),
        {
            "severity": np.array([event.severity for event in events], dtype=np.int64),
            "ordinal": np.array([event.ordinal for event in events], dtype=np.int64),
        },
        {},
        {name: _floats(events, name) for name, kind in ANOMALY.fields.items() if kind == "float"},
        {
            "event_id": dict(enumerate(event.event_id for event in events)),
            "episode_id": dict(enumerate(event.episode_id for event in events)),
            "message": {i: _message(event) for i, event in enumerate(events) if event.message},
            "contribution": {i: _shares(event.contribution) for i, event in enumerate(events) if event.contribution},
        },
    )


def kpis(results: Results) -> Table:
    """Points of measurement `kpi`, at the window's start: of one figure and window the newest row."""
    newest = {(r.asset, r.kpi, r.product, r.shift, r.start, r.end): r for r in results.kpis}
    rows = list(newest.values())
    tags = []
    for row in rows:
        ref = cut(with_missing(row.asset, row.level), row.kpi)
        tags.append((*series_tags(ref)[:-1], clean(row.kpi), clean(row.product), clean(row.shift)))
    return Table(
        KPI,
        tags,
        np.arange(len(rows)),
        np.array([row.start for row in rows], dtype=np.int64),
        {"revision": np.array([row.revision for row in rows], dtype=np.int64)},
        {},
        {
            name: np.array([getattr(row, name) for row in rows], dtype=np.float64)
            for name, kind in KPI.fields.items()
            if kind == "float"
        },
        {"status": dict(enumerate(row.status for row in rows))},
    )


def tables(batch: Sequence[Results]) -> list[Table]:
    """All points of consecutive results, a table a measurement, those without points left out."""
    whole = list(together(batch))
    made = [[readings(results) for results in whole], [verdicts(results) for results in whole]]
    # looking up their series walks the whole table of series
    made.append([anomalies(results) for results in whole if results.events])
    made.append([kpis(results) for results in whole if results.kpis])
    joined = (join([part for part in parts if len(part.time)]) for parts in made)
    return [table for table in joined if table is not None]


def _floats(events: Sequence[AnomalyEvent], name: str) -> NDArray[np.float64]:
    return np.array([getattr(event, name) for event in events], dtype=np.float64)  # None becomes NaN


def _shares(contribution: dict[str, float]) -> str:
    """Inputs with their shares, the largest first.

    >>> _shares({"flow": 0.25, "bearing_temp": 0.75})
    'bearing_temp=0.75;flow=0.25'
    """
    return shares_text(dict(sorted(contribution.items(), key=lambda share: (-share[1], share[0]))), digits=3)


def _message(event: AnomalyEvent) -> str:
    return event.message.get("en") or next(iter(event.message.values()))
