"""Key figures in the metrics: the newest of each machine, forecasts of demand only while their window is open."""

from __future__ import annotations

import math
from typing import Any

from schemas.kpi import KpiRow
from streams.kpi.gauges import KpiGauges
from streams.metrics import Metrics

LABELS = {"site": "p", "area": "a", "line": "l", "asset": "m1"}
FORECAST, LIMIT = "millstream_demand_forecast_watts", "millstream_demand_limit_watts"


def row(kpi: str, value: float | None, start: int = 0, **more: Any) -> KpiRow:
    told = {"status": "provisional", "unit": "kW", "coverage": 1.0, "revision": 1, "config": "c"} | more
    return KpiRow(asset="p/a/l/m1", kpi=kpi, value=value, start=start, end=start + 1800, **told)


def shown(*rows: KpiRow) -> dict[str, float | None]:
    gauges, metrics = KpiGauges(), Metrics()
    for one in rows:
        gauges.take(one, 0)
    gauges.publish(metrics)
    return {name: metrics.registry.get_sample_value(name, LABELS) for name in (FORECAST, LIMIT)}


def test_the_forecast_and_the_limit_are_in_watts() -> None:
    assert shown(row("demand_forecast", 600.0), row("demand_limit", 500.0)) == {FORECAST: 600e3, LIMIT: 500e3}


def test_a_forecast_that_cannot_be_formed_is_nan() -> None:
    value = shown(row("demand_forecast", None))[FORECAST]
    assert value is not None
    assert math.isnan(value)


def test_a_forecast_ends_with_its_window_and_the_limit_stays() -> None:
    told = row("demand_forecast", 600.0), row("demand_limit", 500.0), row("demand", 580.0, status="final")
    assert shown(*told) == {FORECAST: None, LIMIT: 500e3}
    assert shown(*told, row("demand_forecast", 400.0, start=1800))[FORECAST] == 400e3


def test_an_older_windows_demand_does_not_end_the_forecast_of_the_open_one() -> None:
    told = row("demand_forecast", 600.0, start=1800), row("demand", 580.0, status="final")
    assert shown(*told)[FORECAST] == 600e3
