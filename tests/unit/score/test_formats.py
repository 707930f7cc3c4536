"""The same readings give the same table, whatever the format of the file that they are in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detectors.registry import REGISTRY
from schemas.times import format_time
from tests.data.loud import Loud
from tests.data.plant import SECOND, START
from tests.unit.score.helpers import run, sound

N = 200
RNG = np.random.default_rng(5)
TIMES = [START + i * SECOND for i in range(N)]
TEMP = [*RNG.normal(50, 1, N - 1).round(2).tolist(), 99.0]
STATE = ["run" if i % 3 else "idle" for i in range(N)]
FLOW = [None if i % 7 == 0 else x for i, x in enumerate(RNG.normal(5, 1, N).round(3).tolist())]
COLUMNS = {"temp": TEMP, "state": STATE, "flow": FLOW}
ASSET = "p/l1/m1"


def rows() -> list[tuple[int, dict[str, object]]]:
    return [(t, {name: column[i] for name, column in COLUMNS.items()}) for i, t in enumerate(TIMES)]


def as_csv(path: Path) -> list[object]:
    lines = ["\ufefftime;temp;state;flow", "# a comment", "# another"]
    lines += [
        f"{format_time(t)};{row['temp']};{row['state']};{row['flow'] if row['flow'] is not None else ''}"
        for t, row in rows()
    ]
    path.write_text("\r\n".join(lines), encoding="utf-8")
    return [path, "--asset", ASSET]


def as_long(path: Path) -> list[object]:
    cells = [f"{t},{ASSET},{name},{x}" for t, row in rows() for name, x in row.items() if x is not None]
    path.write_text("\n".join(["time,asset,series,value", *cells]))
    return [path, "--format", "long"]


def as_parquet(path: Path) -> list[object]:
    pq.write_table(pa.table({"time": pa.array(TIMES, pa.timestamp("ns", tz="UTC")), **COLUMNS}), path)
    return [path, "--asset", ASSET]


def as_singles(path: Path) -> list[object]:
    with path.open("w") as file:
        for t, row in rows():
            for name, value in row.items():
                if value is not None:
                    file.write(json.dumps({"asset": ASSET, "series": name, "time": t, "value": value}) + "\n")
    return [path, "--format", "jsonl"]


def as_frames(path: Path) -> list[object]:
    with path.open("w") as file:
        for start in range(0, N, 7):
            part = slice(start, start + 7)
            series = {name: column[part] for name, column in COLUMNS.items()}
            times = [format_time(t) for t in TIMES[part]]
            file.write(json.dumps({"asset": ASSET, "time": times, "series": series}) + "\n")
    return [path, "--format", "jsonl"]


def as_shdr(path: Path) -> list[object]:
    lines = (
        "|".join([format_time(t), *(f"{name}|{value}" for name, value in row.items() if value is not None)])
        for t, row in rows()
    )
    path.write_text("\n".join(lines))
    return [path, "--asset", ASSET, "--format", "shdr"]


@pytest.mark.parametrize("way", [as_long, as_parquet, as_singles, as_frames, as_shdr], ids=lambda way: way.__name__[3:])
def test_every_format_gives_the_table_of_the_csv(way: Callable[[Path], list[object]], tmp_path: Path) -> None:
    by_csv = sound(run(tmp_path, *as_csv(tmp_path / "by.csv")))
    table = (tmp_path / "out.csv").read_bytes()
    filled = N + sum(x is not None for x in FLOW)
    assert sum(row[3] in ("stuck", "robust_zscore") for row in by_csv.rows) == 2 * filled
    assert {"temp", "flow"} == set(by_csv.column("series"))
    assert float([row for row in by_csv.rows if row[3] == "robust_zscore"][-2][5]) > 1
    found = sound(run(tmp_path, *way(tmp_path / "in")))
    assert (tmp_path / "out.csv").read_bytes() == table
    assert found.counts == by_csv.counts
    assert found.events[0]["event_id"] == by_csv.events[0]["event_id"]


def test_waveforms_stand_among_readings_where_they_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REGISTRY, "loud", Loud)
    site = """
    [[watch]]
    name = "b"
    series = "*"
    detector = { kind = "loud", limit = 2.0 }
    [[watch]]
    name = "a"
    series = "*/accel"
    detector = { kind = "loud", limit = 4.0 }
    [[watch]]
    name = "level"
    series = "*"
    detector = { kind = "robust_zscore" }
    """
    with (tmp_path / "w.jsonl").open("w") as file:
        for i in range(3):
            time = START + i * SECOND
            for asset in ("p/l1/m1", "p/l2/m1"):
                wave = {"asset": asset, "series": "accel", "time": time, "rate_hz": 100, "values": [0, -i, 1]}
                single = {"asset": asset, "series": "temp", "time": time, "value": 20.5}
                file.write(json.dumps(wave) + "\n" + json.dumps(single) + "\n")
    done = sound(run(tmp_path, tmp_path / "w.jsonl", site=site))
    expected = []
    for i in range(3):
        for asset in ("p/l1/m1", "p/l2/m1"):
            largest = max(i, 1)
            expected += [[asset, "accel", "b", str(largest / 2)], [asset, "accel", "a", str(largest / 4)]]
            expected += [[asset, "temp", "level", ""]]
    assert [[row[1], row[2], row[3], row[5]] for row in done.rows] == expected
    assert done.counts["readings_in"] == 12
    assert [event["watch"] for event in done.events] == ["b", "b"]


def test_waveforms_that_nobody_watches_are_counted_so(tmp_path: Path) -> None:
    wave = {"asset": "m1", "series": "accel", "time": START, "rate_hz": 100, "values": [1, 2]}
    (tmp_path / "w.jsonl").write_text(json.dumps(wave) + "\n")
    done = sound(run(tmp_path, tmp_path / "w.jsonl"))
    assert (done.rows, done.counts["unwatched"]) == ([], 1)
