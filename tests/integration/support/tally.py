"""What the worker must make of readings, reading by reading in plain Python: outcomes and stored points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from schemas.encode import Value
from tests.integration.support.scenario import ALWAYS_JUDGED, LEVEL_ONLY, SECOND, STORE, WARMUP
from tests.integration.support.traffic import Reading

BAD, UNCERTAIN = 2, 1


class Stored(NamedTuple):
    """The fields of a point of `reading`."""

    value: float | None
    text: str | None
    quality: int
    late: bool


@dataclass
class _Series:
    time: int = -1
    value: float | None = None  # None: absent
    text: str | None = None
    learned: int = 0
    numeric: bool = False


@dataclass
class Tally:
    """Outcomes, the points in the store by (asset, series, time), and the times at which `level` alone judged."""

    outcomes: Counter[str]
    corrections: int
    points: dict[tuple[str, str, int], Stored]
    level: dict[tuple[str, str], dict[int, bool]]  # and whether it was warm


def tally(readings: Iterable[Reading]) -> Tally:
    """Go through readings in the order in which each series was sent."""
    out = Tally(Counter(), 0, {}, {})
    seen: dict[tuple[str, str], _Series] = {}
    for reading in readings:
        _take(out, seen.setdefault((reading.asset, reading.series), _Series()), reading)
    return out


def _take(out: Tally, known: _Series, reading: Reading) -> None:
    number, text = _split(reading.value)
    quality = BAD if number is None and text is None else reading.quality
    rule = STORE.get(reading.series, "1s")
    place = (reading.asset, reading.series, reading.time)
    stored = Stored(number, text, quality, False)
    if reading.time < known.time:
        out.outcomes["late"] += 1
        if rule != "none":
            out.points[place] = stored._replace(late=True)
        _notice(known, number)
        return
    if reading.time == known.time:
        if (number, text) == (known.value, known.text):
            out.outcomes["duplicate"] += 1
            return
        out.outcomes["late"] += 1
        out.corrections += 1
        known.value, known.text = number, text
        if rule != "none":
            out.points[place] = stored._replace(late=True)
        _notice(known, number)
        return
    changed = known.time < 0 or (number, text) != (known.value, known.text)
    new_second = known.time < 0 or reading.time // SECOND != known.time // SECOND
    if rule == "all" or (rule == "1s" and new_second) or (rule == "change" and changed):
        out.points[place] = stored
    known.time, known.value, known.text = reading.time, number, text
    _notice(known, number)
    out.outcomes[_judged(out, known, reading, number, quality)] += 1


def _notice(known: _Series, number: float | None) -> None:
    known.numeric = known.numeric or number is not None


def _judged(out: Tally, known: _Series, reading: Reading, number: float | None, quality: int) -> str:
    """The outcome of a reading that is new."""
    judged = reading.series in LEVEL_ONLY or reading.series in ALWAYS_JUDGED
    if not judged or isinstance(reading.value, str) or not known.numeric:
        return "unwatched"
    if number is None or quality == BAD:
        return "withheld"
    if reading.series in ALWAYS_JUDGED:
        return "scored"
    warm = known.learned >= WARMUP
    out.level.setdefault((reading.asset, reading.series), {})[reading.time] = warm
    known.learned += quality != UNCERTAIN
    return "scored" if warm else "warming"


def _split(value: Value) -> tuple[float | None, str | None]:
    """Number and text of a value; both None where it is absent."""
    if isinstance(value, str):
        return None, value
    return (None, None) if value is None or value != value else (float(value), None)
