"""What Grafana calls a series, and how it writes a number."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from grafana.boards.query import Query
from tests.boards.ask import Series


def name_of(query: Query, series: Series, column: str) -> str:
    """The name by the query's legend.

    >>> from grafana.boards.query import prom
    >>> name_of(prom("up", "at {{instance}}"), Series({"instance": "a"}, ["time", "Value"], []), "Value")
    'at a'
    """
    if query.source == "prometheus":
        plain = ", ".join(f"{key}={value}" for key, value in series.tags.items() if key != "__name__")
        return re.sub(r"\{\{(\w+)\}\}", lambda m: series.tags.get(m[1], ""), query.legend) if query.legend else plain
    said = query.legend.replace("$col", column) if query.legend else column
    return re.sub(r"\$tag_(\w+)", lambda m: series.tags.get(m[1], ""), said)


_STEPS = {"watt": "W", "kwatt": "kW", "kwatth": "kWh", "masskg": "kg", "suffix: min": "min", "cps": "/s", "s": "s"}


def written(value: object, unit: str, decimals: int | None = None) -> str:
    """A value as a panel of that unit shows it, in short.

    >>> written(0.853, "percentunit"), written(412_000.0, "watt", 0), written(None, "none")
    ('85.3 %', '412 kW', '-')
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "-" if value is None else str(value)
    if value != value:
        return "NaN"
    digits = 1 if decimals is None else decimals
    if unit == "percentunit":
        return f"{100 * value:.{digits}f} %"
    if unit.startswith("dateTime"):
        return time.strftime("%m-%d %H:%M:%S", time.localtime(value / 1000))
    if unit == "bytes":
        power = sum(abs(value) >= 1024**p for p in (1, 2, 3))
        return f"{value / 1024**power:.{digits}f} {('B', 'KiB', 'MiB', 'GiB')[power]}"
    if unit == "s" and abs(value) >= 120:
        return f"{value / 60:.{digits}f} min" if abs(value) < 7200 else f"{value / 3600:.{digits}f} h"
    if unit == "watt" and abs(value) >= 1000:
        return f"{value / 1000:.{digits}f} kW"
    number = f"{value:,.{digits}f}" if decimals is not None else f"{value:,.4g}"
    return f"{number} {_STEPS.get(unit, '')}".strip()


def colour_of(name: str, colours: Mapping[str, str]) -> str | None:
    """The colour that overrides give a series."""
    for wanted, colour in colours.items():
        if wanted == name or (wanted.startswith("/") and re.search(wanted.strip("/"), name)):
            return colour
    return None
