"""A machine that tells nothing but its power, through `millstream score --kpi`: times and energy worked by hand."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.main import app

SITE = """
watch = []
[site]
version = 1
[[machine]]
assets = "*"
state = { power = { idle = 0.5, producing = 5, hysteresis = 0.1, stay = "30s" } }
energy = { power = "kw" }
"""


def power(second: int) -> float:
    """20 minutes at 10 kW with a dip of 10 s and a minute at 4.6 kW, 15 at 2 kW with a peak of 20 s, then 0.2 kW."""
    if second < 1200:
        return 0.0 if second == 600 else 4.6 if 900 <= second < 960 else 10.0
    if second < 2100:
        return 8.0 if 1500 <= second < 1520 else 2.0
    return 0.2


@pytest.mark.parametrize("often", [1, 5])
def test_state_and_energy_follow_from_power(often: int, tmp_path: Path) -> None:
    """A reading each 10 s (2 s): neither dip nor peak lasts 30 s, and 4.6 kW is within 10 % of 5."""
    start, every = datetime(2026, 1, 5, 8, tzinfo=UTC), 10 // often
    told = {start + timedelta(seconds=s): power(s // 10 * 10) for s in range(0, 3601, every)}
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    (tmp_path / "m.csv").write_text("time,kw\n" + "".join(f"{t},{kw}\n" for t, kw in told.items()), encoding="utf-8")
    args = ["score", str(tmp_path / "m.csv"), "--asset", "p/a/l/m1", "--config", str(tmp_path / "site.toml")]
    result = CliRunner().invoke(app, [*args, "--out", str(tmp_path / "o.csv"), "--kpi", str(tmp_path / "k.csv")])
    assert result.exit_code == 0, result.output
    with open(tmp_path / "k.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["start"].startswith("2026-01-05T08:00")]
    value = {row["kpi"]: float(row["value"]) for row in rows if row["status"] == "final"}
    assert (value["time_producing"], value["time_idle"], value["time_down"]) == (20.0, 15.0, 25.0)
    assert value["availability"] == pytest.approx(20 / 60)
    # power goes straight from reading to reading; a step has half of its last interval at the level behind it
    half = every / 2
    producing = 1130 * 10 + 60 * 4.6 - half * (10 - 2)  # 10 s of the 1,200 at 0
    idle = 880 * 2 + 20 * 8 - half * (2 - 0.2)
    down = 1500 * 0.2
    assert value["energy"] == pytest.approx((producing + idle + down) / 3600)
    assert value["idle_energy"] == pytest.approx((idle + down) / 3600)
    assert {row["coverage"] for row in rows} == {"1"}


def test_a_meter_that_speaks_on_change_alone_is_believed_when_it_falls_silent(tmp_path: Path) -> None:
    """10 kW, then 0 once and nothing more: down from then on, and not producing for as long as a state holds."""
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    (tmp_path / "m.csv").write_text(
        "time,kw\n2026-01-05T08:00:00Z,10\n2026-01-05T08:10:00Z,10\n2026-01-05T08:20:00Z,0\n", encoding="utf-8"
    )
    args = ["score", str(tmp_path / "m.csv"), "--asset", "p/a/l/m1", "--config", str(tmp_path / "site.toml")]
    result = CliRunner().invoke(app, [*args, "--out", str(tmp_path / "o.csv"), "--kpi", str(tmp_path / "k.csv")])
    assert result.exit_code == 0, result.output
    with open(tmp_path / "k.csv", encoding="utf-8") as file:
        value = {row["kpi"]: float(row["value"]) for row in csv.DictReader(file) if row["start"].endswith("08:00:00Z")}
    assert (value["time_producing"], value["time_down"]) == (20.0, 40.0)
    assert value["energy"] == pytest.approx(10 * 10 / 60 + 5 * 10 / 60)
