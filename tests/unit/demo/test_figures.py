"""Key figures in the demo's view: the newest hour of each machine, the meter's demand, what open episodes cost."""

from __future__ import annotations

import pytest

from schemas.kpi import KpiRow
from streams.demo.figures import Figures, Forecast, LineRow

HOUR = 3_600_000_000_000
METER = "p/u/power/meter"


def row(asset: str, kpi: str, value: float | None, start: int = 0, **more: object) -> KpiRow:
    fixed = {"unit": "1", "coverage": 1.0, "status": "provisional", "revision": 1, "config": "c"}
    return KpiRow.model_validate(
        {"asset": asset, "kpi": kpi, "start": start, "end": start + HOUR, "value": value} | fixed | more
    )


def test_machines_and_lines_show_the_newest_hour() -> None:
    figures = Figures(METER)
    figures.take([row("p/a/l1/m1", "availability", 0.9), row("p/a/l1/m1", "oee", 0.5, HOUR)])
    figures.take([row("p/a/l1/m1", "oee", 0.4), row("p/a/l1/m1", "oee", 0.1, HOUR, shift="day")])
    figures.take([row("p/a/l1", "oee_mean", 0.6, coverage=0.25), row("p/a/l1/m1", "bottleneck_now", 1.0)])
    now = figures.now([])
    assert now.oee == {"p/a/l1/m1": 0.5}
    assert now.lines == [LineRow("p/a/l1", 0.6, "m1", 0.25)]


def test_a_figure_that_cannot_be_formed_is_not_shown() -> None:
    figures = Figures(METER)
    figures.take([row("p/a/l1/m1", "availability", None), row("p/a/l1/m1", "oee", None)])
    assert figures.now([]).oee == {}


def test_the_meter_gives_demand_forecast_and_carbon_an_hour() -> None:
    figures = Figures(METER)
    figures.take([row(METER, "demand", 200.0), row(METER, "demand_forecast", 210.0, low=205.0, high=220.0)])
    figures.take([row(METER, "energy", 50.0), row(METER, "carbon_location", 37.0)])
    now = figures.now([])
    assert now.demand == Forecast(200.0, 210.0, 205.0, 220.0)
    assert now.carbon_per_hour == pytest.approx(37.0 / 50.0 * 210.0)
    assert now.money_per_hour is None
