"""A steel plant's meter (public, 15-minute): maximum demand, power factor and carbon by month, beside pandas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from streams.cli.main import app

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


@pytest.fixture(scope="module")
def quarters(shared_data: Path) -> pd.DataFrame:
    """kwh, kvarh and load of each quarter of an hour, by its begin."""
    rows = pd.read_csv(shared_data / "energy" / "steel_jan_aug.csv.gz")
    begin = pd.date_range("2018-01-01", periods=len(rows), freq="15min", tz="UTC")
    # a row is stamped with its end; the file writes the midnight that ends a day with that day's date
    end = begin + pd.Timedelta("15min")
    stamped = end.where(end != end.normalize(), end - pd.Timedelta("1D"))
    assert (pd.to_datetime(rows["date"], format="%d/%m/%Y %H:%M", utc=True) == stamped).all()
    columns = {"Usage_kWh": "kwh", "Lagging_Current_Reactive_Power_kVarh": "kvarh", "Load_Type": "load"}
    return rows.rename(columns=columns)[["kwh", "kvarh", "load"]].set_index(begin)


@pytest.fixture(scope="module")
def told(quarters: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """What `score --kpi` says of the meter's two counters."""
    folder = tmp_path_factory.mktemp("steel")
    counters = quarters[["kwh", "kvarh"]].cumsum().shift(fill_value=0.0)
    counters.loc[quarters.index[-1] + pd.Timedelta("15min")] = quarters[["kwh", "kvarh"]].sum()
    counters.to_csv(folder / "m.csv", index_label="time")
    for name, text in (("site.toml", SITE), ("factors.toml", FACTORS)):
        (folder / name).write_text(text, encoding="utf-8")
    args = ["score", folder / "m.csv", "--config", folder / "site.toml", "--asset", "steel/plant/all/meter"]
    result = CliRunner().invoke(app, [str(a) for a in (*args, "--out", folder / "o.csv", "--kpi", folder / "kpi.csv")])
    assert result.exit_code == 0, result.output
    return pd.read_csv(folder / "kpi.csv", parse_dates=["start"])


def figures(told: pd.DataFrame, kpi: str) -> pd.Series[float]:
    """A figure of the meter by the begin of its windows; the last reading begins one of which no more is known."""
    rows = told[(told["kpi"] == kpi) & (told["level"] == "machine") & (told["coverage"] > 0)]
    assert rows["start"].is_unique
    return rows.set_index("start")["value"]


def power_factor(sums: pd.DataFrame) -> pd.Series[float]:
    return sums["kwh"] / (sums["kwh"] ** 2 + sums["kvarh"] ** 2) ** 0.5


def test_monthly_maximum_demand_power_factor_and_carbon(quarters: pd.DataFrame, told: pd.DataFrame) -> None:
    sums = quarters[["kwh", "kvarh"]].groupby(quarters.index.month).sum()
    halves = quarters["kwh"].resample("30min").sum() / 0.5
    names = ("demand", "energy", "reactive_energy", "carbon_location")
    demand, energy, reactive, carbon = (figures(told, name) for name in names)
    assert sums.index.tolist() == list(range(1, 9))
    same(demand.groupby(demand.index.month).max(), halves.groupby(halves.index.month).max())
    said = pd.DataFrame({"kwh": energy, "kvarh": reactive})
    said = said.groupby(said.index.month).sum()
    same(said["kwh"], sums["kwh"])
    same(power_factor(said), power_factor(sums))
    same(carbon.groupby(carbon.index.month).sum(), sums["kwh"] * FACTOR)


def test_power_factor_of_each_hour_is_that_of_its_quarters(quarters: pd.DataFrame, told: pd.DataFrame) -> None:
    said = figures(told, "power_factor")
    assert len(said) > 4800, "those with reactive energy"
    same(said, power_factor(quarters[["kwh", "kvarh"]].resample("1h").sum()).loc[said.index], rel=1e-6)


def test_demand_tells_the_plants_load_types_apart(quarters: pd.DataFrame, told: pd.DataFrame) -> None:
    """The file's light, medium and maximum load, by the mean of the demand windows that are of one type alone."""
    halves = quarters.resample("30min").agg({"kwh": "sum", "load": ["first", "nunique"]})
    alone = halves[halves["load", "nunique"] == 1]
    load = alone["load", "first"]
    mean = figures(told, "demand").reindex(alone.index).groupby(load).mean()
    same(mean, (alone["kwh", "sum"] / 0.5).groupby(load).mean())
    assert mean["Light_Load"] < mean["Medium_Load"] < mean["Maximum_Load"]


def same(said: pd.Series[float], wanted: pd.Series[float], rel: float = 1e-9) -> None:
    """Equal, window by window or month by month; nothing is missing on either side."""
    assert said.index.tolist() == wanted.index.tolist()
    np.testing.assert_allclose(said.to_numpy(), wanted.to_numpy(), rtol=rel)
