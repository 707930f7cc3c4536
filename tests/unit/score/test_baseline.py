"""`millstream score --kpi` with a baseline: a real meter with a known saving, and what a site file may not ask for."""

from __future__ import annotations

import csv
import gzip
import itertools
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from streams.cli.main import app


def read(path: Path) -> dict[str, float]:
    with gzip.open(path, "rt") as file:
        return {row[0]: float(row[1]) for row in itertools.islice(csv.reader(file), 1, None)}


def illinois(shared_data: Path, path: Path) -> None:
    """A house meter as a counter, with the outdoor temperature: from a year before a saving of 10 % to a year after."""
    energy = shared_data / "energy"
    meter = read(energy / "il-electricity-cdd-hdd-hourly.csv.gz")
    warmth = read(energy / "il-electricity-cdd-hdd-tempF.csv.gz")
    count, lines = 0.0, ["time,kwh,temp"]
    for time in sorted(meter):
        if "2015-12-26" <= time < "2018-01-06":
            lines.append(f"{time},{count!r},{warmth[time]}")
            count += meter[time]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def least_squares(path: Path, days: int) -> tuple[float, float]:
    """CV(RMSE) and R2 of a regression on the degree days of the file's first days, each as the file's times have it."""
    with open(path, encoding="utf-8") as file:
        lines = list(csv.reader(file))[1:]
    took = [float(after[1]) - float(line[1]) for line, after in itertools.pairwise(lines)]
    energy, inputs = [], []
    for _, group in itertools.groupby(range(len(took)), key=lambda i: lines[i][0][:10]):
        hours = list(group)
        warmth = [float(lines[i][2]) for i in hours]
        above, below = (sum(max(sign * (t - base), 0.0) for t in warmth) for sign, base in ((1, 65), (-1, 60)))
        energy.append(sum(took[i] for i in hours))
        inputs.append([1.0, above / len(hours), below / len(hours)])
    x, y = np.array(inputs[:days]), np.array(energy[:days])
    errors = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(np.sqrt(errors @ errors / (days - 3)) / y.mean()), float(1 - errors @ errors / (days * y.var()))


HOUSE = """
[site]
timezone = "America/Chicago"
kpi_interval = "12h"
[[machine]]
assets = "*"
energy = { counter = "kwh", gap = "2h" }
[[baseline]]
asset = "il/a/l/house"
weather = "il/a/l/house/temp"
cdd_above = 65
hdd_below = 60
[[watch]]
name = "limits"
series = "none"
detector = { kind = "limits" }
"""


def scored(tmp_path: Path, site: str) -> list[dict[str, str]]:
    (tmp_path / "site.toml").write_text(site, encoding="utf-8")
    args = ["score", str(tmp_path / "house.csv"), "--config", str(tmp_path / "site.toml"), "--asset", "il/a/l/house"]
    result = CliRunner().invoke(app, [*args, "--out", str(tmp_path / "out.csv"), "--kpi", str(tmp_path / "kpi.csv")])
    assert result.exit_code == 0, result.output
    with open(tmp_path / "kpi.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_il_electricity_is_modelled_by_day_hours_are_refused_and_the_saving_is_10_percent(
    shared_data: Path, tmp_path: Path
) -> None:
    illinois(shared_data, tmp_path / "house.csv")
    rows = scored(tmp_path, HOUSE)
    of = {name: [row for row in rows if row["kpi"] == name] for name in {row["kpi"] for row in rows}}
    assert {row["value"] for row in of["baseline_step"]} == {"24.0"}
    why = of["baseline_step"][0]["reason"]
    assert why.startswith("by hour R2 0.")
    assert float(why.split("CV(RMSE) ")[1].split(" %")[0]) == pytest.approx(119, abs=2)
    cv, r2 = least_squares(tmp_path / "house.csv", 365)
    assert float(of["baseline_cv_rmse"][0]["value"]) == pytest.approx(cv, rel=1e-6)
    assert float(of["baseline_r2"][0]["value"]) == pytest.approx(r2, rel=1e-6)
    assert (cv, r2) == (pytest.approx(0.238, abs=0.001), pytest.approx(0.80, abs=0.01))
    after = {n: [r for r in of[n] if "2017-01-05" <= r["start"] < "2018-01-05"] for n in ("expected_energy", "savings")}
    expected, saved = (sum(float(row["value"]) for row in after[n]) for n in ("expected_energy", "savings"))
    assert len(after["savings"]) == 365
    assert saved / expected == pytest.approx(0.10, abs=0.02)
    # summed up since it was accepted, ten days of blackout included
    total = of["savings_total"][-1]
    whole = sum(float(row["value"]) for row in of["expected_energy"])
    low, high = (float(total[end]) / whole for end in ("low", "high"))
    assert low <= 0.10 <= high
    assert {row["value"] for row in of["baseline_proposed"][-100:]} == {"1.0"}, "a person is asked"


def refused(tmp_path: Path, baseline: str, machines: str = "") -> str:
    machines = machines or "[[machine]]\nassets = '*'\nenergy = { power = 'kw' }\n"
    (tmp_path / "site.toml").write_text(f"{machines}[[baseline]]\n{baseline}", encoding="utf-8")
    result = CliRunner().invoke(app, ["config", "check", str(tmp_path / "site.toml")])
    assert result.exit_code == 2, result.output
    return " ".join(result.output.split())


MACHINE = 'asset = "il/a/line1/m1"\n'
REFUSED = [
    (MACHINE, "needs something that energy follows"),
    (MACHINE + 'weather = "il/a/line1/roof/temp"', "needs a base temperature"),
    (MACHINE + "cdd_above = 18\nproduction = 'good'", "give weather"),
    (MACHINE + "weather = 'il/a/line1/roof/temp'\ncdd_above = 15\nhdd_below = 18", "may not be higher than"),
    (MACHINE + "weather = 'il/a/line2/roof/temp'\ncdd_above = 18", "(il/a/line2, not il/a/line1)"),
    ('asset = "il/a/*"\nweather = "il/a/line2/roof/temp"\ncdd_above = 18', 'such as asset = "il/a/line2/*"'),
    (MACHINE + "weather = 'il/a/*/roof/temp'\ncdd_above = 18", "must be one asset"),
    (MACHINE + "production = 'good'", "has parts"),
    (MACHINE + "production_of = 'il/a/line1/m2'\nmode = 'weekday'", "says whose parts"),
    (MACHINE + "mode = 'shift'", 'give step = "hour" too'),
    (MACHINE + "mode = 'weekday'\nwarmup = 5", "greater than or equal to 12"),
    (MACHINE + "mode = 'weekday'\nstep = 'week'", "'hour', 'day' or 'auto'"),
]


@pytest.mark.parametrize(("baseline", "why"), REFUSED)
def test_a_baseline_that_cannot_be_is_refused_and_told_what_would_be_right(
    tmp_path: Path, baseline: str, why: str
) -> None:
    assert why in refused(tmp_path, baseline)


def test_a_baseline_of_a_machine_without_energy_is_refused(tmp_path: Path) -> None:
    states = "[[machine]]\nassets = '*'\nparts = { good = 'n' }\n"
    assert "has energy, which a baseline is of" in refused(tmp_path, MACHINE + "production = 'good'", states)
