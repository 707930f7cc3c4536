"""The slow, obvious twin of streams.episodes: one row's history of scores and alarms, told from its start each time."""

from __future__ import annotations

import math
from typing import NamedTuple

from streams.severity import severity_of

BANDS = (201, 401, 601, 801)


class Told(NamedTuple):
    """One change: what an event says of it."""

    phase: str
    time: int
    started: int
    ordinal: int
    severity: int
    peak: float


def tell(history: list[tuple[int, float, bool]], off_delay_ns: int, fixed: int | None) -> list[Told]:
    """Changes of one row's episodes, from its (time, score, alarm) in order."""
    told: list[Told] = []
    at = 0
    while at < len(history):
        if history[at][2]:
            at = _episode(history, at, off_delay_ns, fixed, told)
        at += 1
    return told


def _episode(
    history: list[tuple[int, float, bool]], first: int, off_delay_ns: int, fixed: int | None, told: list[Told]
) -> int:
    """Tell the episode that opens at `first`; returns the place of its last reading."""
    started, score, _ = history[first]
    told.append(Told("opened", started, started, 0, fixed or severity_of(score), score))
    ordinal = 0
    for at in range(first + 1, len(history)):
        time, score, alarm = history[at]
        if math.isnan(score):
            continue
        peak = max(s for _, s, _ in history[first : at + 1] if not math.isnan(s))
        before = max(s for _, s, _ in history[first:at] if not math.isnan(s))
        severity, was = fixed or severity_of(peak), fixed or severity_of(before)
        if alarm or _band(severity) > _band(was):
            ordinal += 1
            told.append(Told("escalated", time, started, ordinal, severity, peak))
        calm = _calm_since(history[first + 1 : at + 1])
        if calm is not None and time - calm >= off_delay_ns:
            ordinal += 1
            told.append(Told("closed", time, started, ordinal, severity, peak))
            return at
    return len(history)


def _band(severity: int) -> int:
    return sum(severity >= least for least in BANDS)


def _calm_since(readings: list[tuple[int, float, bool]]) -> int | None:
    """Time of the first of the last readings in a row that score below .8."""
    since = None
    for time, score, _ in reversed(readings):
        if math.isnan(score):
            continue
        if score >= 0.8:
            break
        since = time
    return since
