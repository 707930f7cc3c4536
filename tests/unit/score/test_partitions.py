"""How many engines share the work, and how files are cut into blocks, cannot be seen in the output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.files import jsonl, long, shdr, wide
from tests.data.plant import SECOND, START, lines_on, plant
from tests.data.ways import singles, write_jsonl, write_long
from tests.unit.score.helpers import Done, run, sound

GATED = """
[[watch]]
name = "stuck"
series = "*"
detector = { kind = "stuck", after = "20s" }
[[watch]]
name = "limits"
series = "*"
detector = { kind = "limits", high = 120.0 }
[[watch]]
name = "run"
series = "*"
when = "state == 'running'"
detector = { kind = "robust_zscore", warmup = 20 }
[[watch]]
name = "by"
series = "*"
by = "state"
detector = { kind = "robust_zscore", warmup = 20 }
"""


def noticed(done: Done) -> list[str]:
    """Events without when they were noticed, which of a silence another line's readings may decide."""
    return sorted(
        json.dumps({k: v for k, v in event.items() if k != "received"}, sort_keys=True) for event in done.events
    )


@pytest.mark.parametrize("lines", [1, 3])
def test_any_number_of_engines_writes_the_same_table(lines: int, tmp_path: Path) -> None:
    path = write_long(plant(lines_on(range(lines), 12), machines=3, instants=250), tmp_path / "plant.csv")
    tables, events = set(), []
    for partitions in (12, 1, 7):
        done = sound(run(tmp_path, path, "--format", "long", "--partitions", partitions, site=GATED))
        assert len({event["watch"] for event in done.events}) >= 3
        tables.add((tmp_path / "out.csv").read_bytes())
        events.append(noticed(done))
    assert len(tables) == 1
    assert events[0] == events[1] == events[2]


def test_blocks_of_any_size_give_the_same_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Machine 2 changes its state more often than is remembered, and its readings must see each."""
    rows = plant(lines_on(range(1), 12), machines=3, instants=250)
    paths = [write_long(rows, tmp_path / "plant.csv"), write_jsonl(singles(rows, 3), tmp_path / "plant.jsonl")]
    for path, options in zip(paths, (["--format", "long"], []), strict=True):
        answers = set()
        for size in (50_000, 700, 13):
            monkeypatch.setattr(long, "CELLS", size)
            monkeypatch.setattr(jsonl, "MESSAGES", size)
            done = sound(run(tmp_path, path, *options, site=GATED))
            answers.add(((tmp_path / "out.csv").read_bytes(), *noticed(done)))
        assert len(answers) == 1, path.name


def test_a_state_that_comes_behind_a_reading_does_not_gate_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def single(series: str, second: int, value: object) -> str:
        return json.dumps({"asset": "m", "series": series, "time": START + second * SECOND, "value": value})

    lines = [single("temp", 1, 1.0), single("state", 1, "running"), single("temp", 2, 2.0), single("state", 2, "idle")]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    site = '[[watch]]\nname = "w"\nseries = "*"\nwhen = "state == \'running\'"\n'
    site += 'detector = { kind = "limits", high = 0.5 }\n'
    for size in (1, 5000):
        monkeypatch.setattr(jsonl, "MESSAGES", size)
        done = sound(run(tmp_path, tmp_path / "in.jsonl", site=site))
        assert [score != "" for score in done.column("score")] == [False, True]


def test_what_is_absent_before_a_series_first_number_is_of_no_series_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = ["UNAVAILABLE", "UNAVAILABLE", "5.0", "UNAVAILABLE", "6.0"]
    lines = [f"2026-01-05T08:00:0{i}Z|load|{value}" for i, value in enumerate(values)]
    (tmp_path / "m1.txt").write_text("\n".join(lines))
    for size in (1, 50_000):
        monkeypatch.setattr(shdr, "CELLS", size)
        done = sound(run(tmp_path, tmp_path / "m1.txt", "--format", "shdr"))
        assert done.column("value")[::2] == ["5.0", "", "6.0"]
        assert done.counts["unwatched"] == 2


def test_an_event_knows_only_what_was_learned_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading of uncertain quality is judged and teaches nothing."""
    readings = [("uncertain", 9.0), ("good", 1.0), ("good", 9.0)]
    lines = [
        json.dumps({"asset": "m", "series": "x", "time": START + i * SECOND, "value": value, "quality": quality})
        for i, (quality, value) in enumerate(readings)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    site = '[[watch]]\nname = "w"\nseries = "*"\nrefractory = "0s"\noff_delay = "0s"\n'
    site += 'detector = { kind = "limits", high = 5.0 }\n'
    for size in (1, 5000):
        monkeypatch.setattr(jsonl, "MESSAGES", size)
        done = sound(run(tmp_path, tmp_path / "in.jsonl", site=site))
        since = [(event["phase"], event["learned_since"]) for event in done.events]
        assert since == [("opened", None), ("closed", START + SECOND), ("opened", START + SECOND)]


def test_a_wide_table_is_cut_unseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        f"2026-01-05T08:{i // 60:02d}:{i % 60:02d}Z,{i * 7 % 11},{'running' if i % 5 else 'idle'},{i % 3 or ''}"
        for i in range(300)
    ]
    (tmp_path / "m1.csv").write_text("\n".join(["time,a,state,b", *lines]))
    answers = set()
    for size in (50_000, 40):
        monkeypatch.setattr(wide, "CELLS", size)
        sound(run(tmp_path, tmp_path / "m1.csv", site=GATED))
        answers.add((tmp_path / "out.csv").read_bytes())
    assert len(answers) == 1


def test_the_clock_of_one_line_is_not_that_of_another(tmp_path: Path) -> None:
    """Two lines in one file, one of them an hour ahead: neither has fallen silent."""
    first, second = lines_on([2, 5], 12)
    messages = (
        {"asset": f"{line}/m", "series": "x", "time": START + (i + ahead) * SECOND, "value": i % 7}
        for i in range(40)
        for line, ahead in ((first, 0), (second, 3600))
    )
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, messages)))
    site = '[[watch]]\nname = "gap"\nseries = "*"\ndetector = { kind = "gap", timeout = "20s" }\n'
    assert sound(run(tmp_path, tmp_path / "in.jsonl", site=site)).events == []
    # on one engine the slow line is an hour late for good once the other has spoken
    one = sound(run(tmp_path, tmp_path / "in.jsonl", "--partitions", 1, site=site))
    assert [event["phase"] for event in one.events] == ["opened", "closed"]
