"""Durations ("30m") and false-alarm budgets ("1/week") as people write them in configuration."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

SECOND = 1_000_000_000
"""Nanoseconds in a second."""

UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "min": 60 * SECOND,
    "h": 3_600 * SECOND,
    "d": 86_400 * SECOND,
    "day": 86_400 * SECOND,
    "w": 604_800 * SECOND,
    "week": 604_800 * SECOND,
}
LONGEST = 36_525 * UNITS["d"]
"""Longest duration: with it, sums of times stay within int64 where the detectors look after them."""
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*")
_BUDGET = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)?\s*([a-z]+)\s*")


def duration_ns(text: Any) -> int:
    """Nanoseconds of a duration such as "500ms", "5s", "30m", "1.5h", "2d", "1w", up to 100 years. Raises ValueError.

    >>> duration_ns("1.5h") // SECOND
    5400
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[2] not in UNITS:
        raise ValueError(f'expected a duration such as "30s", "5m", "1.5h" or "2d", got {text!r}')
    ns = float(match[1]) * UNITS[match[2]]
    if ns > LONGEST:
        raise ValueError(f"a duration may be at most 100 years (36525d), got {text!r}")
    return round(ns)


def duration_text(ns: int) -> str:
    """The shortest way to write a duration.

    >>> duration_text(5400 * SECOND), duration_text(0)
    ('90m', '0s')
    """
    for unit in ("w", "d", "h", "m", "s", "ms", "us"):
        if ns and ns % UNITS[unit] == 0:
            return f"{ns // UNITS[unit]}{unit}"
    return f"{ns}ns" if ns else "0s"


def budget_per_s(text: Any) -> float:
    """Alarms a second of a budget such as "2/day", "1/3d", "1/week". Raises ValueError.

    >>> round(budget_per_s("1/3d") * 86400, 6)
    0.333333
    """
    match = _BUDGET.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[3] not in UNITS:
        raise ValueError(f'expected a budget such as "2/day", "1/3d" or "1/week", got {text!r}')
    span = float(match[2] or 1) * UNITS[match[3]] / SECOND
    if span <= 0 or float(match[1]) <= 0:
        raise ValueError(f'a budget must be above zero, such as "1/week", got {text!r}')
    return float(match[1]) / span


def _warmup(value: Any) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 2:
            raise ValueError(f"a warm-up needs at least 2 readings, got {value}")
        return value
    return duration_text(duration_ns(value))


def _budget(value: Any) -> str:
    budget_per_s(value)
    return str(value)


Duration = Annotated[
    int,
    BeforeValidator(duration_ns),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d+(\.\d+)?(ns|us|ms|s|m|min|h|d|day|w|week)$", "examples": ["30m"]}
    ),
]
"""A duration in configuration; nanoseconds in the model."""

Budget = Annotated[
    str,
    BeforeValidator(_budget),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?/(\d+(\.\d+)?)?[a-z]+$", "examples": ["1/week"]}),
]
"""Alarms that a person tolerates per series: "2/day", "1/3d", "1/week"."""

Warmup = Annotated[
    int | str,
    BeforeValidator(_warmup),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 2}, {"type": "string"}], "examples": [50, "2h"]}),
]
"""A warm-up in readings (an integer) or as a duration (a text)."""
