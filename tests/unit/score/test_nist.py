"""Three operations of a real machine tool (NIST Smart Manufacturing Systems Test Bed): key figures of its MTConnect
stream through `millstream score --kpi`, beside a plain pass over the file.

The machine's own `Part_Count` is not the truth: on Plate-Op1 it rises at a program that was stopped (1069), and by two
at once (1081). A part is a completed program that took at least a quarter of an ideal cycle's active time: 20 of each
operation. On Cover-Op1 two of 22 completed programs are no parts (133 s and 125 s of about 1,200).
"""

from __future__ import annotations

import csv
import gzip
import itertools
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.main import app

ROOT = Path(__file__).resolve().parents[3]
SITE = """
watch = []
[site]
version = 1
[[machine]]
assets = "*"
state = {{ series = "Program_Status", profile = "mtconnect" }}
parts = {{ cycles = ["PROGRAM_COMPLETED"], ideal = "{ideal_s}s" }}
hold = "{hold}h"
"""
STATE = {
    "ACTIVE": "producing", "PROGRAM_COMPLETED": "idle", "PROGRAM_STOPPED": "idle", "STOPPED": "idle",
    "FEED_HOLD": "down",
}  # fmt: skip
HOUR = timedelta(hours=1)
OPERATIONS = [("Plate-Op1-Hurco04", 1080, 20), ("Plate-Op2-Hurco04", 52, 20), ("Cover-Op1-Hurco04", 1200, 22)]
Minutes = dict[tuple[datetime, str], float]
"""(hour's begin, state) -> minutes."""


def statuses(path: Path) -> list[tuple[datetime, str]]:
    """Every program status of a file with its time."""
    with gzip.open(path, "rt") as file:
        split = [line.rstrip("\n").split("|") for line in file]
    # seven decimals, of which the last is always 0 at these adapters
    return [
        (datetime.fromisoformat(time[:26]).replace(tzinfo=UTC), value)
        for time, item, value in split
        if item == "Program_Status"
    ]


def plainly(told: list[tuple[datetime, str]], hold: timedelta, ideal_s: float) -> tuple[Minutes, dict[datetime, int]]:
    """Minutes by hour and state, and parts by hour; a state holds until the next one, `hold` at most."""
    minutes: Minutes = defaultdict(float)
    parts: dict[datetime, int] = defaultdict(int)
    active = timedelta()
    after = [*told[1:], (told[-1][0] + hold, "")]
    for (since, word), (until, following) in zip(told, after, strict=True):
        at, end = since, min(until, since + hold)
        while at < end:
            hour = at.replace(minute=0, second=0, microsecond=0)
            step = min(end, hour + HOUR)
            minutes[hour, STATE[word]] += (step - at) / timedelta(minutes=1)
            at = step
        active += (end - since) if STATE[word] == "producing" else timedelta()
        if following == "PROGRAM_COMPLETED":
            just_before = until - timedelta(microseconds=1)
            hour = just_before.replace(minute=0, second=0, microsecond=0)
            parts[hour] += active.total_seconds() >= ideal_s / 4
            active = timedelta()
    return minutes, parts


def score(tmp_path: Path, path: Path, site: str | Path) -> dict[tuple[datetime, str], float]:
    """(window's begin, kpi) -> value, of hours."""
    text = site.read_text(encoding="utf-8") if isinstance(site, Path) else site
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    args = ["score", str(path), "--format", "shdr", "--asset", "nist/shop/mill/hurco", "--config"]
    outputs = ["--out", str(tmp_path / "out.csv"), "--kpi", str(tmp_path / "kpi.csv")]
    result = CliRunner().invoke(app, [*args, str(tmp_path / "site.toml"), *outputs])
    assert result.exit_code == 0, result.output
    with open(tmp_path / "kpi.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # a status that lasts over the end of an hour is booked when the next one comes, which restates that hour
    assert {row["status"] for row in rows} <= {"final", "restated"}
    return {(datetime.fromisoformat(row["start"]), row["kpi"]): float(row["value"] or "nan") for row in rows}


@pytest.mark.parametrize(("name", "ideal_s", "completed"), OPERATIONS)
@pytest.mark.parametrize("hold", [1, 24])
def test_20_good_parts_and_the_times_of_a_plain_pass(
    name: str, ideal_s: int, completed: int, hold: int, shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "oee" / f"{name}.txt.gz"
    told = statuses(path)
    assert [word for _, word in told].count("PROGRAM_COMPLETED") == completed
    minutes, parts = plainly(told, timedelta(hours=hold), ideal_s)
    found = score(tmp_path, path, SITE.format(ideal_s=ideal_s, hold=hold))
    hours = sorted({hour for hour, _ in found})
    # every hour up to the last reading is told of; what the last state may last beyond it is not looked for
    assert {hour for hour, _ in minutes if hour <= told[-1][0]} <= set(hours)
    for hour, state in itertools.product(hours, ("producing", "idle", "down")):
        assert found.get((hour, f"time_{state}"), 0.0) == pytest.approx(minutes.get((hour, state), 0.0), abs=1e-9)
        assert found[hour, "availability"] == pytest.approx(minutes.get((hour, "producing"), 0.0) / 60, abs=1e-12)
    assert not [kpi for _, kpi in found if kpi.startswith("time_") and kpi[5:] not in ("producing", "idle", "down")]
    for kpi in ("produced", "good"):
        assert {hour: found[hour, kpi] for hour in hours if found[hour, kpi]} == {h: n for h, n in parts.items() if n}
        assert sum(found[hour, kpi] for hour in hours) == 20


def test_the_machines_own_counter_says_21_on_plate_op1(shared_data: Path, tmp_path: Path) -> None:
    own = SITE.replace('cycles = ["PROGRAM_COMPLETED"]', 'good = "Part_Count"').format(ideal_s=1080, hold=1)
    found = score(tmp_path, shared_data / "oee" / "Plate-Op1-Hurco04.txt.gz", own)
    assert sum(value for (_, kpi), value in found.items() if kpi == "good") == 1087 - 1066


def test_the_shipped_sample_makes_its_five_parts_with_the_shipped_site(tmp_path: Path) -> None:
    path = ROOT / "streams" / "data" / "nist_plate.shdr.gz"
    found = score(tmp_path, path, path.with_name("nist_plate.toml"))
    assert sum(value for (_, kpi), value in found.items() if kpi == "good") == 5
    good = {hour: value for (hour, kpi), value in found.items() if kpi == "good" and value}
    assert list(good.values()) == [1, 1, 2, 1]
    for hour, parts in good.items():
        # availability x effectiveness: producing time cancels out, and every part is good
        assert found[hour, "oee"] == pytest.approx(parts * 18 / 60, abs=1e-12)
