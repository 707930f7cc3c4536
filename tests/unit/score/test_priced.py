"""`millstream score --kpi` and `millstream restate`: money and carbon of a file, beside figures worked by hand."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.main import app

TARIFF = """
[[tariff]]
name = "three prices"
utility = "none"
currency = "MYR"
timezone = "Asia/Kuala_Lumpur"
valid_from = 2020-01-01
source = "made up for this test"
demand_window = "30m"
otherwise = "night"
fuel_per_kwh = 0.02
classes = { peak = 0.50, day = 0.30, night = 0.10 }
[[tariff.period]]
class = "peak"
days = ["weekday"]
hours = "11:00-12:10"
[[tariff.period]]
class = "day"
days = ["weekday", "saturday"]
hours = "08:00-22:00"
"""
SITE = """
[site]
timezone = "Asia/Kuala_Lumpur"
[calendar]
shifts = { day = "08:00-14:00" }
days = { "2022-05-02" = "sunday" }
[energy]
tariff = "own.toml"
grid = "peninsular_malaysia"
edition = 1
[[machine]]
assets = "*"
state = { series = "state", words = { RUN = "producing", STOP = "idle" } }
parts = { good = "good" }
energy = { power = "power" }
"""


def score(tmp_path: Path, day: str = "2022-05-03") -> list[dict[str, str]]:
    """06:00 to 14:00 UTC+8, 30 kW: producing to 13:00, then idle; a good part each minute."""
    start = datetime.fromisoformat(f"{day}T06:00:00+08:00").astimezone(UTC)
    lines = ["time,state,good,power"]
    lines += [f"{start + timedelta(minutes=m)},{'RUN' if m < 420 else 'STOP'},{m},30" for m in range(481)]
    (tmp_path / "m1.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "own.toml").write_text(TARIFF, encoding="utf-8")
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    run(
        "score", tmp_path / "m1.csv", "--config", tmp_path / "site.toml", "--asset", "p/a/l/m1",
        "--out", tmp_path / "out.csv", "--kpi", tmp_path / "kpi.csv",
    )  # fmt: skip
    return table(tmp_path / "kpi.csv")


def run(*arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == status, result.output
    return result.output


def table(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shift(rows: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    return {row["kpi"]: row for row in rows if row["shift"] == "day"}


def test_a_shift_is_priced_by_the_hours_of_its_classes(tmp_path: Path) -> None:
    """08:00 to 14:00 at 30 kW: 70 minutes peak, 290 day; each kWh with 0.02 fuel adjustment."""
    rows = shift(score(tmp_path))
    cost = 35.0 * 0.52 + 145.0 * 0.32
    assert float(rows["energy_cost"]["value"]) == pytest.approx(cost)
    assert (rows["energy_cost"]["unit"], rows["energy_cost"]["status"]) == ("MYR", "final")
    assert float(rows["energy_cost_per_good"]["value"]) == pytest.approx(cost / 360)
    assert float(rows["idle_cost"]["value"]) == pytest.approx(30 * 0.32), "13:00 to 14:00"
    assert float(rows["carbon_location"]["value"]) == pytest.approx(180 * 0.774)
    assert float(rows["load_factor"]["value"]) == pytest.approx(1.0)


def test_a_holiday_is_priced_as_one(tmp_path: Path) -> None:
    """2022-05-02, a Monday, counts as a Sunday: 180 kWh at night's price."""
    rows = shift(score(tmp_path, "2022-05-02"))
    assert float(rows["energy_cost"]["value"]) == pytest.approx(180 * 0.12)


def test_restating_the_2022_factor_as_the_publisher_did(tmp_path: Path) -> None:
    """Energy Commission of Malaysia, 2022: 0.774 kg CO2e/kWh, restated 0.769."""
    before = shift(score(tmp_path))
    site = tmp_path / "site.toml"
    site.write_text(SITE.replace("edition = 1\n", ""), encoding="utf-8")
    out = tmp_path / "restated.csv"
    span = ("--from", "2022-01-01", "--to", "2023-01-01")
    said = run("restate", tmp_path / "kpi.csv", "--config", site, *span, "--out", out)
    rows = table(out)
    assert {row["kpi"] for row in rows} == {"carbon_location", "carbon_per_good"}
    assert f"{len(rows)} rows restated, of 27 windows" in said, "of the machine, its area and its site"
    assert "left as it is: energy_cost of p/a/l/m1, hour of 2022-05-03T04:00:00Z" in said, "prices change at 12:10"
    after = shift(rows)["carbon_location"]
    assert float(after["value"]) == pytest.approx(180 * 0.769)
    assert after["status"] == "restated"
    assert int(after["revision"]) > int(before["carbon_location"]["revision"])
    rows = [json.loads(line) for line in _jsonl(tmp_path, site, span)]
    assert {row["config"] for row in rows} != {""}
    assert len(rows) == len(table(out))


def _jsonl(tmp_path: Path, site: Path, span: tuple[str, ...]) -> list[str]:
    out = tmp_path / "restated.jsonl"
    run("restate", tmp_path / "kpi.csv", "--config", site, *span, "--out", out)
    again = tmp_path / "again.csv"
    run("restate", tmp_path / "kpi.csv", out, "--config", site, *span, "--out", again)
    assert table(again) == [], "what was restated is not restated again"
    return out.read_text(encoding="utf-8").splitlines()


def test_a_changed_tariff_is_restated_where_stored_rows_divide_the_windows(tmp_path: Path) -> None:
    """11:00 to 12:00 now at 0.60. 12:10 is within a demand window: 12:00 to 13:00, and the shift, cannot be told."""
    before = {(row["kpi"], row["start"][11:16], row["shift"]): row for row in score(tmp_path)}
    (tmp_path / "own.toml").write_text(TARIFF.replace("0.50", "0.60"), encoding="utf-8")
    span = ("--from", "2022-05-03T00:00:00+08:00", "--to", "2022-05-04")
    out = tmp_path / "restated.csv"
    said = run("restate", tmp_path / "kpi.csv", "--config", tmp_path / "site.toml", *span, "--out", out)
    rows = {(row["kpi"], row["start"][11:16], row["shift"]): row for row in table(out)}
    assert float(before["energy_cost", "03:00", ""]["value"]) == pytest.approx(30 * 0.52)
    assert float(rows["energy_cost", "03:00", ""]["value"]) == pytest.approx(30 * 0.62)
    assert rows.keys() == {("energy_cost", "03:00", ""), ("energy_cost_per_good", "03:00", "")} | {
        key for key in rows if key[0] == "idle_cost"
    }
    assert "left as it is: energy_cost of p/a/l/m1" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["kpi.csv", "--to", "2023-01-01"],
            "name a file to write with --out, or --publish to the store and the topics",
        ),
        (["kpi.csv", "--to", "2021-01-01", "--out", "o.csv"], "expected a time after --from 2022-01-01"),
        (["kpi.csv", "--to", "soon", "--out", "o.csv"], "--to: expected a day such as 2022-01-01, or a time"),
        (["m1.csv", "--to", "2023-01-01", "--out", "o.csv"], "m1.csv: no column start"),
        (["none.csv", "--to", "2023-01-01", "--out", "o.csv"], "none.csv: cannot be read"),
        (["bad.csv", "--to", "2023-01-01", "--out", "o.csv"], "bad.csv: line 3: no key figure: status: "),
        (["kpi.csv", "--to", "2023-01-01", "--out", "kpi.csv"], "is an input too; name another file"),
    ],
)
def test_what_cannot_be_restated_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    score(tmp_path)
    monkeypatch.chdir(tmp_path)
    lines = (tmp_path / "kpi.csv").read_text(encoding="utf-8").splitlines()[:3]
    Path("bad.csv").write_text("\n".join([*lines[:2], lines[2].replace(",final,", ",done,")]), encoding="utf-8")
    said = run("restate", *arguments, "--config", "site.toml", "--from", "2022-01-01", status=2)
    assert message in said
