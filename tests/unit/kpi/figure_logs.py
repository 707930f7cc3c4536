"""A plant whose key figures are watched, and random logs of it over many hours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from detectors.durations import SECOND
from schemas.chunk import Record
from streams.resolve import ResolvedSite, resolve
from streams.site import Site
from tests.unit.engine.logs import LINE

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
START = 1_767_571_200 * SECOND  # 2026-01-05T00:00Z, a Monday

MACHINE: dict[str, Any] = {
    "assets": "*",
    "state": {"series": "state", "words": {"run": "producing", "stop": "down"}},
    "parts": {"total": "total", "good": "good", "ideal": "1m"},
    "energy": {"power": "power", "bridge": "30m"},
    "hold": "20m",
}

WATCHES: tuple[dict[str, Any], ...] = (
    {"name": "oee", "series": ["*/kpi:oee", "*/kpi:availability"], "detector": {"kind": "robust_zscore", "warmup": 3},
     "refractory": "1h"},
    {"name": "energy", "series": "*/kpi:energy*", "detector": {"kind": "limits", "high": 9}, "off_delay": "0s"},
    {"name": "shifts", "series": "*/kpi:*@shift", "detector": {"kind": "limits", "low": 0.5}, "by": "shift",
     "min_coverage": 0.2},
    {"name": "by day", "series": "*/kpi:produced", "when": "shift == 'day'",
     "detector": {"kind": "robust_zscore", "warmup": 2}},
    {"name": "demand", "series": "*/kpi:demand", "detector": {"kind": "binned_zscore", "every": "1h", "warmup": 3},
     "wait": "10m"},
    {"name": "shift in demand", "series": "*/m1/kpi:demand", "detector": {"kind": "cusum", "warmup": 4}},
    {"name": "plain", "series": "*", "detector": {"kind": "limits", "high": 11}},
)  # fmt: skip


def site(watches: Sequence[dict[str, Any]] = WATCHES, version: int = 1, **options: Any) -> ResolvedSite:
    """One line whose machines all say the same things; `options` are of [site]."""
    body = {
        "site": {"version": version, "grace": "2m", "kpi_interval": "5m", "demand_window": "30m", "max_ahead": "5m",
                 **options},
        "calendar": {"shifts": {"day": "02:00-08:00", "night": "08:00-20:00"}, "breaks": ["04:05-04:25"]},
        "machine": [MACHINE],
        "watch": list(watches),
    }  # fmt: skip
    return resolve(Site.model_validate(body))


def log(seed: int, hours: float = 12.0, machines: int = 2) -> list[Record]:
    """A log of one partition, some messages late by minutes or hours, its machines silent in turn."""
    rng = np.random.default_rng(seed)
    made = np.zeros(machines)
    bad = rng.random((machines, int(hours) + 1)) < 0.25  # an hour in which much goes wrong
    silent = rng.random((machines, int(hours) + 1)) < 0.1
    clock, records = START, []
    while clock < START + hours * HOUR:
        clock += int(rng.choice([20, 150, 290, 1500], p=[0.3, 0.4, 0.27, 0.03])) * SECOND
        m = int(rng.integers(machines))
        hour = min(int((clock - START) // HOUR), int(hours))
        if silent[m, hour]:
            continue
        late = int(rng.choice([0, 60, 900, 5000], p=[0.85, 0.1, 0.03, 0.02])) * SECOND
        run = rng.random() < (0.3 if bad[m, hour] else 0.95)
        made[m] += int(rng.integers(0, 8)) if run else 0
        body: dict[str, Any] = {"asset": f"{LINE}/m{m}", "time": [clock - late], "series": {}}
        cells = {
            "state": "run" if run else "stop",
            "total": float(made[m]),
            "good": float(made[m] * 3 // 4 if bad[m, hour] else made[m]),
            "power": float(rng.choice([2.0, 8.0, 10.0, 12.0, 40.0], p=[0.1, 0.3, 0.5, 0.09, 0.01])),
        }
        names = [name for name in cells if rng.random() < 0.8]
        if not names:
            continue
        body["series"] = {name: [cells[name]] for name in names}
        records.append(Record(len(records), clock, None, json.dumps(body).encode()))
    return records
