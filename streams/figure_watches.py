"""Watches over key figures: what their series are called, and what such a watch cannot do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from detectors.base import Detector

if TYPE_CHECKING:
    from schemas.kpi import KpiRow
    from streams.site import WatchOptions

PREFIX = "kpi:"
"""What the series of a key figure begins with; no machine may send such a one."""
LEAST = 0.5
"""Coverage below which a figure is not judged, unless a watch says otherwise."""
OF_CALENDAR = frozenset({"shift", "weekday"})


def is_figure(series: str) -> bool:
    """Whether a series is that of a key figure."""
    return series.startswith(PREFIX)


def names_figures(globs: Iterable[str]) -> bool:
    """Whether one of the globs names key figures.

    >>> names_figures(["*/kpi:oee"]), names_figures(["*"])
    (True, False)
    """
    return any(PREFIX in glob for glob in globs)


def series_of(row: KpiRow) -> str:
    """The series whose readings are such figures: hours, or windows of maximum demand, never mix with shifts.

    >>> from schemas.kpi import KpiRow
    >>> row = KpiRow(asset="a", kpi="oee", start=0, end=1, value=.8, unit="1", coverage=1, status="final", revision=1,
    ...              config="")
    >>> series_of(row), series_of(row.model_copy(update={"shift": "night"}))
    ('kpi:oee', 'kpi:oee@shift')
    """
    return f"{PREFIX}{row.kpi}@shift" if row.shift else PREFIX + row.kpi


def check_watch(spec: WatchOptions, detector: Detector[Any]) -> None:
    """Refuse, with a ValueError, what a watch cannot do with key figures."""
    kind = spec.detector["kind"]
    if names_figures(spec.inputs or ()):
        raise ValueError(f'{kind} takes no key figures: a watch over them has series = "*/kpi:NAME", each on its own')
    globs = spec.globs
    if not names_figures(globs):
        if spec.min_coverage is not None:
            raise ValueError('min_coverage is of key figures: give it to a watch with series = "*/kpi:NAME"')
        return
    if not all(PREFIX in glob for glob in globs):
        raise ValueError("a watch takes either key figures (kpi:NAME) or series of machines: make two watches of it")
    if detector.shape != "series" or detector.judges_silence or detector.judges != "value":
        raise ValueError(
            f"{kind} judges how readings come, and a key figure comes when its window is over: give a detector of "
            "values, such as limits, robust_zscore or cusum"
        )


def check_modes(spec: WatchOptions, shifts: bool) -> None:
    """Refuse, with a ValueError, a gate on anything but the calendar: a figure is of a window, not of a moment."""
    from streams.when import parse

    names: frozenset[str] = parse(spec.when)[1] if spec.when else frozenset()
    names |= {spec.by} if spec.by else frozenset()
    known = OF_CALENDAR if shifts else {"weekday"}
    if other := sorted(names - known):
        said = "shift (where [calendar] shifts are given) and weekday"
        raise ValueError(
            f"watch {spec.name!r}: a key figure is of a whole window, in which {other[0]!r} may change; when and by of "
            f"its watch may read {said} alone"
        )
