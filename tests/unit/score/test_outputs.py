"""What is written: whole or not at all, never over an input, and events that keep the published contract."""

from __future__ import annotations

import gzip
import json
import os
import threading
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from detectors.registry import REGISTRY
from schemas.contract import PATH as CONTRACT
from streams.cli.main import app
from tests.data.plant import Row, lines_on, plant
from tests.data.together import Together
from tests.data.ways import frames, write_jsonl, write_long
from tests.unit.score.helpers import HEADER, refused, run, sound

TWO = "time,temp\n2026-01-05T08:00:00Z,20.5\n2026-01-05T08:00:01Z,20.6\n"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "two.csv"
    path.write_text(TWO)
    return path


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return plant(lines_on(range(2), 12), machines=2, instants=250)


def test_events_keep_the_published_contract(rows: list[Row], tmp_path: Path) -> None:
    site = '[[watch]]\nname = "level"\nseries = "*"\ndetector = { kind = "robust_zscore" }\n'
    done = sound(run(tmp_path, write_long(rows, tmp_path / "plant.csv"), "--format", "long", site=site))
    contract = json.loads(CONTRACT.read_text())
    validator = jsonschema.Draft202012Validator({**contract, "$ref": "#/$defs/AnomalyEvent"})
    assert {event["phase"] for event in done.events} >= {"opened", "escalated"}
    for event in done.events:
        validator.validate(event)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**done.events[0], "phase": "ended"})


def test_a_joint_watch_adds_a_column_of_contributions(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REGISTRY, "together", Together)
    site = '[[watch]]\nname = "all, joint"\ninputs = ["temp", "speed"]\ndetector = { kind = "together" }\n'
    site += '[[watch]]\nname = "level"\nseries = "*/temp"\ndetector = { kind = "robust_zscore" }\n'
    done = sound(run(tmp_path, write_jsonl(frames(rows, 1), tmp_path / "plant.jsonl"), site=site))
    assert done.header == [*HEADER, "contribution"]
    joint = [row for row in done.rows if row[3] == "all, joint"]
    assert len({tuple(row[:2]) for row in joint}) == len(joint) > 300
    assert {row[2] for row in joint} == {"all, joint"}
    assert {row[-1] for row in done.rows if row[3] == "level"} == {""}
    for row in joint:
        names, shares = zip(*(part.split("=") for part in row[-1].split(";")), strict=True)
        assert names == ("speed", "temp")
        assert sum(map(float, shares)) == pytest.approx(1)


def test_text_series_have_no_rows_but_serve_as_states(tmp_path: Path) -> None:
    lines = [f"2026-01-05T08:00:{i:02d}Z,{20 + i % 3},{'run' if i < 30 else 'idle'},lot A" for i in range(60)]
    (tmp_path / "m1.csv").write_text("\n".join(["time,temp,state,lot", *lines]))
    ungated = sound(run(tmp_path, tmp_path / "m1.csv"))
    assert set(ungated.column("series")) == {"temp"}
    assert ungated.column("watch").count("robust_zscore") == 60
    site = '[[watch]]\nname = "r"\nseries = "*"\nwhen = "state == \'run\'"\n'
    site += 'detector = { kind = "robust_zscore", warmup = 10 }\n'
    done = sound(run(tmp_path, tmp_path / "m1.csv", site=site))
    assert set(done.column("series")) == {"temp"}
    # the state stands behind the value in its row, and holds for it all the same
    assert [score != "" for score in done.column("score")] == [10 <= i < 30 for i in range(60)]
    assert (done.counts["unwatched"], done.counts["withheld"]) == (120, 30)


def test_several_inputs_are_one_stream_in_order_of_time(tmp_path: Path) -> None:
    for name, first in (("a", 0), ("b", 1)):
        lines = [f"2026-01-05T08:00:{s:02d}Z,{s}" for s in range(first, 20, 2)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["time,x", *lines]))
    done = sound(run(tmp_path, tmp_path / "b.csv", tmp_path / "a.csv"))
    assert [row[1] for row in done.rows if row[3] == "stuck"] == ["a", "b"] * 10
    assert done.column("time") == sorted(done.column("time"))
    one = sound(run(tmp_path, tmp_path / "b.csv", tmp_path / "a.csv", "--asset", "m"))
    assert [float(row[4]) for row in one.rows if row[3] == "stuck"] == list(range(20))


def test_rows_that_cannot_be_used_are_counted_by_reason(tmp_path: Path) -> None:
    table = [
        "time,temp,flow", "2026-01-05T08:00:00Z,1,1", "noon,2,2", "2026-01-05T08:00:02Z,warm,3",
        "2026-01-05T08:00:03Z,4,inf", "2026-01-05T08:00:03Z,4,7", "2026-01-05T08:00:01Z,9,9",
        "2026-01-05T08:00:04Z,5,5,5", ",,", "2026-01-05T08:00:05Z,,6",
    ]  # fmt: skip
    (tmp_path / "m1.csv").write_text("\n".join(table))
    done = sound(run(tmp_path, tmp_path / "m1.csv"))
    assert done.not_used == {"bad_time": 2, "not_a_number": 1, "not_finite": 1, "too_many_cells": 2}
    assert done.counts["late"] == 2
    assert done.counts["duplicate"] == 1
    lines = ['{"asset": "m1", "series": "x", "time": "2026-01-05T08:00:00Z", "value": 1}', "{", '{"asset": "m1"}']
    (tmp_path / "m1.jsonl").write_text("\n".join(lines))
    assert sum(sound(run(tmp_path, tmp_path / "m1.jsonl")).not_used.values()) == 2


def test_a_run_that_fails_leaves_the_old_output_and_nothing_else(two: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    cut = tmp_path / "cut.csv.gz"
    body = TWO + "".join(f"2026-01-05T09:{i // 60:02d}:{i % 60:02d}Z,{i * 7919 % 1000}\n" for i in range(3000))
    cut.write_bytes(gzip.compress(body.encode())[:-2000])
    assert sound(run(folder, two)).rows
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    outputs = ["--out", str(folder / "out.csv"), "--events", str(folder / "events.jsonl")]
    result = CliRunner().invoke(app, ["score", str(cut), *outputs])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"millstream: {cut}: its compressed data is cut off or damaged")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_output_is_never_an_input_a_folder_or_another_output(two: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to(two)
    refused(run(tmp_path, two, "--out", two), "--out", "is an input too")
    refused(run(tmp_path, two, "--out", link), "--out", "is an input too")
    refused(run(tmp_path, two, "--out", tmp_path), "is a folder")
    refused(run(tmp_path, two, "--out", ""), "is a folder")
    refused(run(tmp_path, two, "--events", tmp_path / "out.csv"), "is --out too")
    assert two.read_text() == TWO


def test_what_cannot_be_written_is_said_in_one_line(two: Path, tmp_path: Path) -> None:
    refused(run(tmp_path, two, "--out", tmp_path / "none" / "o.csv"), "none/o.csv: cannot be written", "No such file")
    refused(run(tmp_path, two, "--events", tmp_path / "none" / "e"), "none/e: cannot be written", "No such file")
    refused(run(tmp_path, two / "o.csv", two), "two.csv/o.csv")


def test_a_pipe_is_written_to_and_stays_a_pipe(two: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    done = run(tmp_path, two, "--out", pipe)
    reader.join(20)
    assert done.status == 0
    rows = [line.split(",") for line in got[0].splitlines()]
    assert rows[0][0] == "time"
    assert [row[3] for row in rows if row[3] in ("stuck", "robust_zscore")] == ["stuck", "robust_zscore"] * 2
    assert pipe.is_fifo()


def test_a_link_is_written_through(two: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    target, link = tmp_path / "kept" / "real.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    assert run(tmp_path, two, "--out", link).status == 0
    assert link.is_symlink()
    assert target.read_text().startswith("time,")


def test_wrong_options_and_site_files_are_told_fault_by_fault(two: Path, tmp_path: Path) -> None:
    unknown = run(tmp_path, two, "--bogus", "1")
    assert unknown.status == 2
    assert "No such option: --bogus" in "\n".join(unknown.said)
    site = """
    [site]
    nam = "x"
    [[watch]]
    name = "a"
    series = "*"
    detector = { kind = "limits", hihg = 3 }
    [[watch]]
    name = "b"
    series = "*"
    detector = { kind = "nope" }
    """
    done = run(tmp_path, two, site=site)
    assert done.status == 2
    faults = (
        "site.nam: unknown key; did you mean 'name'?",
        "detector.hihg: unknown key; did you mean 'high'?",
        "kind must be one of",
    )
    for line, words in zip(done.said, faults, strict=True):
        assert line.startswith("millstream: ")
        assert words in line
    refused(run(tmp_path, two, site="[["), "site.toml: not TOML")
    refused(run(tmp_path, two, "--config", tmp_path / "none.toml"), "none.toml: cannot be read")
    refused(run(tmp_path, tmp_path / "none.csv"), "none.csv: there is no such file")
    refused(run(tmp_path, two, "--interval", "soon"), "--interval: expected a duration")
    refused(run(tmp_path, two, "--start", "noon"), "--start: expected a time")
    refused(run(tmp_path, two, "--drop", "humidity"), "no column 'humidity'", "temp")
    refused(run(tmp_path, two, "--format", "xlsx"), "--format 'xlsx' is unknown")


def test_the_site_file_says_what_is_watched(two: Path, tmp_path: Path) -> None:
    site = '[[asset]]\npath = "p/l/m"\naliases = ["two"]\n[asset.series.temp]\nhigh = 20.55\nunit = "Cel"\n'
    site += '[[watch]]\nname = "hot"\nseries = "*"\ndetector = { kind = "limits" }\n'
    done = sound(run(tmp_path, two, site=site))
    assert [row[:5] for row in done.rows] == [
        ["2026-01-05T08:00:00Z", "p/l/m", "temp", "hot", "20.5"],
        ["2026-01-05T08:00:01Z", "p/l/m", "temp", "hot", "20.6"],
    ]
    assert [float(row[5]) >= 1 for row in done.rows] == [False, True]
    assert done.rows[0][6:] == ["", "", "20.55"]
    assert [(e["phase"], e["asset"], e["unit"], e["value"]) for e in done.events] == [("opened", "p/l/m", "Cel", 20.6)]
