"""A plant of one machine, a weather station and a second machine that counts the parts, as an engine's log."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from schemas.chunk import Record
from streams.resolve import ResolvedSite, resolve
from streams.site import Site
from tests.unit.engine.logs import LINE, START

SECOND = 1_000_000_000
HOUR, DAY = 3600 * SECOND, 86_400 * SECOND
BEGIN = START // DAY * DAY

MACHINES = [
    {"assets": f"{LINE}/m1", "energy": {"counter": "kwh", "gap": "2h"}, "parts": {"good": "good"}, "hold": "3h"},
    {"assets": f"{LINE}/m2", "parts": {"total": "parts", "reject": "bad"}, "hold": "3h"},
]
BASELINE = {"asset": f"{LINE}/m1", "production": "good", "step": "day", "warmup": 14}


def site(baseline: dict[str, Any] | None = None, version: int = 1, **options: Any) -> ResolvedSite:
    """A site whose one baseline is `BASELINE`, changed by `baseline`."""
    return resolve(
        Site.model_validate(
            {
                "site": {"version": version, "kpi_interval": "6h", "max_ahead": "1m", **options},
                "machine": MACHINES,
                "baseline": [BASELINE | (baseline or {})],
                "watch": [],
            }
        )
    )


WEATHER = {"weather": f"{LINE}/roof/temp", "cdd_above": 20.0}


def log(seed: int, days: int, saving: float = 0.0, since: int = 0, noise: float = 4.0) -> list[Record]:
    """A reading of every series an hour: 5 kWh + 2 an item + 1 an hour and degree above 20, with noise, and a saving.

    Items are many by day, few by night; a reading stands at the end of the hour that it is of.
    """
    rng = np.random.default_rng(seed)
    kwh = items = 0.0
    records: list[Record] = []
    for hour in range(24 * days + 1):
        time = BEGIN + hour * HOUR
        level = 10.0 * (1 + np.sin((hour - 1) // 24 * 1.7))
        made = float(rng.poisson(level + 5)) if hour else 0.0
        temp = 20.0 + 6 * np.sin(hour // 24) + 4 * np.sin(hour / 24 * 2 * np.pi)
        if hour:
            was = 20.0 + 6 * np.sin((hour - 1) // 24) + 4 * np.sin((hour - 1) / 24 * 2 * np.pi)
            took = 5 + 2 * made + max(was - 20, 0.0) + rng.normal(0, noise)
            kwh += max(took, 0.0) * (1 - saving if hour - 1 >= 24 * since else 1)
        items += made
        body = {"asset": f"{LINE}/m1", "time": [time], "series": {"kwh": [kwh], "good": [items]}}
        other = {"asset": f"{LINE}/m2", "time": [time], "series": {"parts": [items + hour], "bad": [float(hour)]}}
        roof = {"asset": f"{LINE}/roof", "series": "temp", "time": time, "value": temp}
        for i, message in enumerate((body, other, roof)):
            records.append(Record(0, time + i * SECOND, None, json.dumps(message).encode()))
    return [record._replace(offset=i) for i, record in enumerate(records)]
