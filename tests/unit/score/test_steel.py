"""A steel plant's meter (public, 15-minute): maximum demand, power factor and carbon by month, beside a plain pass."""

from __future__ import annotations

import csv
import gzip
import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from streams.cli.main import app

QUARTER = timedelta(minutes=15)
FACTOR = 0.512
"""Any factor will do: the file's own CO2 column is rounded to 10 kg."""
SITE = """
watch = []
[site]
demand_window = "30m"
kpi_interval = "6h"
[energy]
grid = "test"
factors = "factors.toml"
[[machine]]
assets = "*"
energy = { counter = "kwh", reactive_counter = "kvarh", gap = "20m" }
"""
FACTORS = f"""
[[factor]]
grid = "test"
timezone = "UTC"
year = 2018
kg_per_kwh = {FACTOR}
source = "made up for this test"
"""


class Quarter(NamedTuple):
    begin: datetime
    kwh: float
    kvarh: float
    load: str


@pytest.fixture(scope="module")
def quarters(shared_data: Path) -> list[Quarter]:
    path = shared_data / "energy" / "steel_jan_aug.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # a row is stamped with its end; the file writes the midnight that ends a day with that day's date
    begin = datetime(2018, 1, 1, tzinfo=UTC)
    out = []
    for i, row in enumerate(rows):
        stamp = datetime.strptime(row["date"], "%d/%m/%Y %H:%M").replace(tzinfo=UTC)
        end = begin + (i + 1) * QUARTER
        assert stamp == (end - timedelta(days=1) if end.hour == end.minute == 0 else end)
        lagging = float(row["Lagging_Current_Reactive_Power_kVarh"])
        out.append(Quarter(begin + i * QUARTER, float(row["Usage_kWh"]), lagging, row["Load_Type"]))
    return out


@pytest.fixture(scope="module")
def told(quarters: list[Quarter], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """What `score --kpi` says of the meter's two counters."""
    folder = tmp_path_factory.mktemp("steel")
    kwh = kvarh = 0.0
    lines = ["time,kwh,kvarh", f"{quarters[0].begin},0,0"]
    for quarter in quarters:
        kwh, kvarh = kwh + quarter.kwh, kvarh + quarter.kvarh
        lines.append(f"{quarter.begin + QUARTER},{kwh!r},{kvarh!r}")
    for name, text in (("m.csv", "\n".join(lines)), ("site.toml", SITE), ("factors.toml", FACTORS)):
        (folder / name).write_text(text + "\n", encoding="utf-8")
    args = ["score", folder / "m.csv", "--config", folder / "site.toml", "--asset", "steel/plant/all/meter"]
    result = CliRunner().invoke(app, [str(a) for a in (*args, "--out", folder / "o.csv", "--kpi", folder / "kpi.csv")])
    assert result.exit_code == 0, result.output
    with open(folder / "kpi.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def figures(told: list[dict[str, str]], kpi: str) -> dict[datetime, float]:
    return {datetime.fromisoformat(row["start"]): float(row["value"]) for row in told if row["kpi"] == kpi}


def test_monthly_maximum_demand_power_factor_and_carbon(quarters: list[Quarter], told: list[dict[str, str]]) -> None:
    kwh, kvarh, halves = defaultdict(float), defaultdict(float), defaultdict(float)
    for quarter in quarters:
        kwh[quarter.begin.month] += quarter.kwh
        kvarh[quarter.begin.month] += quarter.kvarh
        halves[quarter.begin.replace(minute=quarter.begin.minute // 30 * 30)] += quarter.kwh
    demand, energy = figures(told, "demand"), figures(told, "energy")
    reactive, carbon = figures(told, "reactive_energy"), figures(told, "carbon_location")
    assert sorted(kwh) == list(range(1, 9))
    for month in kwh:
        highest = max(kwh_ / 0.5 for half, kwh_ in halves.items() if half.month == month)
        assert max(kw for half, kw in demand.items() if half.month == month) == pytest.approx(highest, rel=1e-9)
        active = sum(v for hour, v in energy.items() if hour.month == month)
        lagging = sum(v for hour, v in reactive.items() if hour.month == month)
        assert active == pytest.approx(kwh[month], rel=1e-9)
        wanted = kwh[month] / math.hypot(kwh[month], kvarh[month])
        assert active / math.hypot(active, lagging) == pytest.approx(wanted, rel=1e-9)
        emitted = sum(v for hour, v in carbon.items() if hour.month == month)
        assert emitted == pytest.approx(kwh[month] * FACTOR, rel=1e-9)


def test_power_factor_of_each_hour_is_that_of_its_quarters(quarters: list[Quarter], told: list[dict[str, str]]) -> None:
    kwh, kvarh = defaultdict(float), defaultdict(float)
    for quarter in quarters:
        hour = quarter.begin.replace(minute=0)
        kwh[hour] += quarter.kwh
        kvarh[hour] += quarter.kvarh
    said = figures(told, "power_factor")
    assert len(said) > 4800, "those with reactive energy"
    for hour, value in said.items():
        assert value == pytest.approx(kwh[hour] / math.hypot(kwh[hour], kvarh[hour]), rel=1e-6)


def test_demand_tells_the_plants_load_types_apart(quarters: list[Quarter], told: list[dict[str, str]]) -> None:
    """The file's light, medium and maximum load, by the mean of the demand windows that are of one type alone."""
    types = defaultdict(set)
    for quarter in quarters:
        types[quarter.begin.replace(minute=quarter.begin.minute // 30 * 30)].add(quarter.load)
    by_type = defaultdict(list)
    for half, kw in figures(told, "demand").items():
        if len(types[half]) == 1:
            by_type[next(iter(types[half]))].append(kw)
    expected = defaultdict(list)
    for first, second in zip(quarters[::2], quarters[1::2], strict=True):
        if first.load == second.load:
            expected[first.load].append((first.kwh + second.kwh) / 0.5)
    mean = {load: sum(kw) / len(kw) for load, kw in by_type.items()}
    assert mean == pytest.approx({load: sum(kw) / len(kw) for load, kw in expected.items()}, rel=1e-9)
    assert mean["Light_Load"] < mean["Medium_Load"] < mean["Maximum_Load"]
