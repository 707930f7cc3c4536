"""The benchmarks of joint inputs give through the product path what they give by the direct call that they measure."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from tests.quality import skab, smd, tep
from tests.quality.joint import DATA, START, Judged, judge
from tests.quality.product import Line, Table, site, told

T2_SPE = {"name": "t2_spe", "inputs": ["*"]}


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (DATA / name).exists(), reason=f"needs ../shared/data/{name}")


def same_alarms(events: list[tuple[str, int]], alarms: list[int]) -> None:
    """Episodes open at alarms and nowhere else; further alarms escalate them, as a rising score does."""
    opened = {time for phase, time in events if phase == "opened"}
    assert opened
    assert opened <= set(alarms) <= {time for phase, time in events if phase != "closed"}


def as_judged(x: np.ndarray, interval_s: float, direct: Judged, warmup: int) -> None:
    """Rows (n, p) by an engine with a site of one watch: the direct call's scores, alarms, and largest shares."""
    names = tuple(f"x{i:02}" for i in range(x.shape[1]))
    time = START + (np.arange(len(x)) * interval_s * 1e9).astype(np.int64)
    line = Line(site([{**T2_SPE, "detector": {"kind": "t2_spe", "warmup": warmup}}]), rows="all")
    score, events, shares = [], [], []
    for results in line.results(Table("plant/area/line/machine", names, time, x.astype(float))):
        verdicts = results.verdicts
        score += verdicts.score.tolist()
        shares += [verdicts.contribution.get(i, {}) for i in range(len(verdicts.time))]
        events += told(results.events)
    np.testing.assert_array_equal(score, direct.score)
    same_alarms([(event.phase, event.time) for event in events], time[direct.alarm].tolist())
    loud = np.flatnonzero(direct.score >= 1)
    assert [max(shares[i], key=shares[i].__getitem__) for i in loud] == [
        names[j] for j in direct.shares[loud].argmax(1)
    ]


@needs("tep")
def test_a_run_of_the_chemical_plant() -> None:
    runs = np.load(DATA / "tep" / "tep_public.npz")
    x = np.vstack((runs["d00_train"], runs["d04_test"])).astype(float)
    as_judged(x, tep.INTERVAL_S, judge(x, tep.INTERVAL_S, warmup=tep.WARMUP), tep.WARMUP)


@needs("smd")
def test_a_server() -> None:
    x = np.load(DATA / "smd" / "machine-1-6.npz")["train"][:1_500].astype(float)
    as_judged(x, smd.INTERVAL_S, judge(x, smd.INTERVAL_S), 500)


@needs("skab")
def test_a_file_of_the_pump_through_the_command_line(tmp_path: Path) -> None:
    path = DATA / "skab" / "valve1" / "0.csv"
    (tmp_path / "site.toml").write_text(
        f'[[watch]]\nname = "pump"\ninputs = ["*"]\ndetector = {{ kind = "t2_spe", warmup = {skab.WARMUP} }}\n',
        encoding="utf-8",
    )
    out, events = tmp_path / "out.csv", tmp_path / "events.jsonl"
    done = CliRunner().invoke(
        app,
        ["score", str(path), "--out", str(out), "--events", str(events), "--config", str(tmp_path / "site.toml"),
         "--drop", "anomaly", "--drop", "changepoint"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    with path.open(newline="") as file:
        time = np.array([row["datetime"] for row in csv.DictReader(file, delimiter=";")], dtype="datetime64[ns]")
    x = np.genfromtxt(path, delimiter=";", skip_header=1, usecols=range(1, 9))
    direct = judge(x, skab.INTERVAL_S, time=time.astype(np.int64), warmup=skab.WARMUP)
    with out.open(newline="") as file:
        score = [float(row["score"] or "nan") for row in csv.DictReader(file)]
    np.testing.assert_array_equal(score, direct.score)
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    same_alarms([(line["phase"], line["time"]) for line in lines], time[direct.alarm].astype(np.int64).tolist())
