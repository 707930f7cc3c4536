"""`millstream score --kpi`: key figures of a file, beside figures worked by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.main import app

SITE = """
[site]
timezone = "Asia/Kuala_Lumpur"
demand_window = "30m"
[calendar]
shifts = { day = "08:00-16:30" }
breaks = ["12:00-12:30"]
[[machine]]
assets = "*"
state = { series = "state", words = { RUN = "producing", STOP = "down" } }
parts = { total = "total", good = "good", ideal = "1m" }
energy = { power = "power" }
hold = "15m"
"""


def shift(path: Path) -> None:
    """08:00 to 16:30 local time, one row a minute: 80 minutes down, 380 parts made, 361 good, nothing in the break."""
    start = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
    lines = ["time,state,total,good,power"]
    made = 0
    for minute in range(511):
        down, pause = 100 <= minute < 180, 240 < minute <= 270
        if minute and not down and not pause:
            made = min(made + 1, 380)
        state = "STOP" if down else "RUN"
        lines.append(f"{start + timedelta(minutes=minute)},{state},{made},{made * 361 // 380},{2 if down else 10}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def figures(tmp_path: Path, site: str = SITE, more: Sequence[str] = ()) -> list[dict[str, str]]:
    (tmp_path / "site.toml").write_text(site, encoding="utf-8")
    shift(tmp_path / "m1.csv")
    args = ["score", str(tmp_path / "m1.csv"), "--config", str(tmp_path / "site.toml"), "--asset", "p/a/l/m1", *more]
    result = CliRunner().invoke(app, [*args, "--out", str(tmp_path / "out.csv"), "--kpi", str(tmp_path / "kpi.csv")])
    assert result.exit_code == 0, result.output
    with open(tmp_path / "kpi.csv", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["asset"] == "p/a/l/m1"]


def test_oee_of_a_shift_is_that_of_iso_22400_2(tmp_path: Path) -> None:
    """PBT 480 min, APT 400, PRI 1 min, PQ 380, GQ 361: A .8333, E .95, Q .95, OEE .75208."""
    rows = {row["kpi"]: row for row in figures(tmp_path) if row["shift"] == "day"}
    assert {row["status"] for row in rows.values()} == {"final"}
    assert {row["coverage"] for row in rows.values()} == {"1"}
    value = {name: float(row["value"]) for name, row in rows.items()}
    assert (value["time_producing"], value["time_down"]) == (400.0, 80.0)
    assert (value["produced"], value["good"]) == (380.0, 361.0)
    assert value["availability"] == pytest.approx(400 / 480)
    assert value["effectiveness"] == pytest.approx(0.95)
    assert value["quality"] == pytest.approx(0.95)
    assert value["oee"] == pytest.approx(0.75208, abs=5e-6)


def test_energy_is_spread_over_states_and_windows(tmp_path: Path) -> None:
    rows = figures(tmp_path)
    whole = {row["kpi"]: float(row["value"]) for row in rows if row["shift"] == "day"}
    # 430 minutes at 10 kW and 80 at 2, power going straight from reading to reading: one minute each way at 6
    assert whole["energy"] == pytest.approx((430 * 10 + 80 * 2) / 60)
    assert whole["idle_energy"] == pytest.approx((79 * 2 + 6) / 60)
    demand = [float(row["value"]) for row in rows if row["kpi"] == "demand"]
    assert demand[:4] == pytest.approx([10.0, 10.0, 10.0, (9 * 10 + 6 + 20 * 2 + 10) / 30], abs=0.5)
    assert sum(demand) / 2 == pytest.approx(whole["energy"])


def test_a_site_without_machines_is_told_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("time,x\n2026-01-05T00:00:00Z,1\n", encoding="utf-8")
    args = ["score", str(tmp_path / "in.csv"), "--out", str(tmp_path / "o.csv"), "--kpi", str(tmp_path / "k.csv")]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 2
    assert "[[machine]]" in result.output
    assert not (tmp_path / "o.csv").exists()


WATCH = """
[[watch]]
name = "stops"
series = "*/kpi:availability*"
detector = { kind = "limits", low = 0.9 }
off_delay = "0s"
"""


def test_a_watch_over_figures_judges_the_hours_and_the_shift_of_a_file(tmp_path: Path) -> None:
    """80 of the minutes from 09:40 to 11:00 are down: 20 in the first hour, the whole next one; 400 of 480 run."""
    args = ["--events", str(tmp_path / "events.jsonl")]
    figures(tmp_path, SITE + WATCH, args)
    with open(tmp_path / "out.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["watch"] == "stops"]
    hours = [float(row["value"]) for row in rows if row["series"] == "kpi:availability"]
    assert hours == pytest.approx([1.0, 40 / 60, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert [row["value"][:6] for row in rows if row["series"] == "kpi:availability@shift"] == ["0.8333"]
    ends = [(row["series"], row["time"]) for row in rows[-2:]]
    assert ends == [("kpi:availability@shift", "2026-01-05T08:30:00Z"), ("kpi:availability", "2026-01-05T09:00:00Z")]
    told = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(e["phase"], e["series"], e["time"]) for e in told] == [
        ("opened", "kpi:availability", at("02:00")),
        ("escalated", "kpi:availability", at("03:00")),
        ("closed", "kpi:availability", at("04:00")),
        ("opened", "kpi:availability@shift", at("08:30")),
    ]


def at(clock: str) -> int:
    """A time of that day, ns."""
    return int(datetime.fromisoformat(f"2026-01-05T{clock}:00+00:00").timestamp()) * 1_000_000_000
