"""`millstream score --kpi`: the site's rows stand behind those of its machines, and are their plain sums."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.main import app

SITE = """
[site]
timezone = "Asia/Kuala_Lumpur"
demand_window = "30m"
[[machine]]
assets = "*"
energy = { power = "power" }
"""
POWER = {"p/a/l1/m1": 10.0, "p/a/l2/m2": 30.0, "p/b/l3/m3": 5.0, "p/utilities/in/main": 60.0}


def table(tmp_path: Path, site: str) -> list[dict[str, str]]:
    """Two hours and a minute of four meters, m3 silent in the second hour; all rows of key figures."""
    start = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
    lines = ["time,asset,series,value"]
    for minute in range(122):
        said = {asset: kw for asset, kw in POWER.items() if minute <= 60 or asset != "p/b/l3/m3"}
        lines += [f"{start + timedelta(minutes=minute)},{asset},power,{kw}" for asset, kw in said.items()]
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "site.toml").write_text(site, encoding="utf-8")
    args = ["score", str(tmp_path / "in.csv"), "--format", "long", "--config", str(tmp_path / "site.toml")]
    result = CliRunner().invoke(app, [*args, "--out", str(tmp_path / "o.csv"), "--kpi", str(tmp_path / "k.csv")])
    assert result.exit_code == 0, result.output
    with open(tmp_path / "k.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def hours(rows: list[dict[str, str]], asset: str, kpi: str) -> list[tuple[float, float, str]]:
    """Value, coverage and status of its first two hours."""
    mine = [row for row in rows if (row["asset"], row["kpi"]) == (asset, kpi)]
    return [(float(row["value"]), float(row["coverage"]), row["status"]) for row in mine[:2]]


def test_site_and_areas_are_the_sums_of_their_machines(tmp_path: Path) -> None:
    """10 + 30 + 5 + 60 kWh in the first hour; in the second m3 is silent and counts as missing, a fourth."""
    rows = table(tmp_path, SITE)
    assert hours(rows, "p", "energy") == [(105.0, 1.0, "final"), (100.0, 0.75, "final")]
    assert hours(rows, "p/a", "energy") == [(40.0, 1.0, "final"), (40.0, 1.0, "final")]
    last = [i for i, row in enumerate(rows) if row["asset"] in POWER][-1]
    assert {row["asset"] for row in rows[last + 1 :]} == {"p", "p/a", "p/b", "p/utilities"}
    (peak,) = [row for row in rows if row["kpi"] == "demand_max"]
    assert (float(peak["value"]), peak["unit"]) == (pytest.approx(105.0), "kW")
    assert (peak["start"], peak["end"]) == ("2025-12-31T16:00:00Z", "2026-01-31T16:00:00Z")


def test_a_main_meter_stands_for_the_site(tmp_path: Path) -> None:
    rows = table(tmp_path, SITE.replace("demand_window", 'incomer = "p/utilities/*/main"\ndemand_window'))
    assert hours(rows, "p", "energy") == [(60.0, 1.0, "final"), (60.0, 1.0, "final")]
    assert [value for value, _, _ in hours(rows, "p", "submetered_energy")] == [45.0, 40.0]
    (peak,) = [row for row in rows if row["kpi"] == "demand_max"]
    assert float(peak["value"]) == pytest.approx(60.0)
