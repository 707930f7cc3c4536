"""Every public data set reads whole, as an independent count says, or refuses in one line that says what to add."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import Misconfigured
from tests.unit.files.helpers import blocks_of, notes_of, readings_of

US = "%m/%d/%Y %H:%M:%S"
ISO = "%Y-%m-%d %H:%M:%S"


def table(path: Path, sep: str = ",") -> tuple[list[str], list[list[str]]]:
    """Header and rows that hold something, read the plain way."""
    data = path.read_bytes()
    text = {".gz": gzip.decompress, ".xz": lzma.decompress}.get(path.suffix, bytes)(data).decode()
    rows = list(csv.reader(io.StringIO(text), delimiter=sep))
    return rows[0], [row for row in rows[1:] if any(row)]


def ns(text: str, form: str) -> int:
    when = datetime.strptime(text, form)
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()) * 10**9


def agrees(path: Path, form: str, sep: str = ",", time: int = 1, **options: object) -> None:
    """Rows, filled cells, their sum, and the first and last time equal those of a plain loop."""
    header, rows = table(path, sep)
    blocks = blocks_of(path, **options)
    received = np.concatenate([block.received for block in blocks])
    assert len(received) == len(rows)
    assert received[0] == ns(" ".join(rows[0][:time]), form)
    assert received[-1] == ns(" ".join(rows[-1][:time]), form)
    used = [at for at in range(time, len(header)) if any(row[at] for row in rows)]
    cells = [row[at] for row in rows for at in used if row[at]]
    rejected = sum(place.cells for block in blocks for place in block.rejects)
    assert sum(len(block.time) for block in blocks) + rejected == len(cells)
    numbers = [float(cell) for cell in cells if cell[-1].isdigit()]
    total = sum(float(np.nansum(block.value)) for block in blocks)
    assert total == pytest.approx(sum(numbers), rel=1e-9)


def test_nab_series_read_whole(shared_data: Path) -> None:
    paths = sorted((shared_data / "nab").glob("*/*.csv"))
    assert len(paths) == 31
    for path in paths:
        agrees(path, ISO)


def test_skab_runs_read_with_their_semicolons(shared_data: Path) -> None:
    for path in sorted((shared_data / "skab" / "valve1").glob("*.csv")):
        agrees(path, ISO, sep=";")


@pytest.mark.parametrize("name", ["MainStreet2019", "TonyGrove2019"])
def test_xz_logger_exports_read_with_their_gaps_and_flags(shared_data: Path, name: str) -> None:
    agrees(shared_data / "dirty" / f"{name}.csv.xz", "%Y-%m-%d %H:%M")


def test_sandy_is_day_first_because_a_day_above_twelve_says_so(shared_data: Path) -> None:
    agrees(shared_data / "dirty" / "sandy.csv.gz", "%d/%m/%Y %H:%M")


def test_air_quality_reads_with_two_time_columns_named_or_not(shared_data: Path) -> None:
    path = shared_data / "dirty" / "AirQualityUCI.csv.gz"
    agrees(path, US, time=2, time_columns=("Date", "Time"))
    blocks = blocks_of(path)
    assert "time is 'Date' and 'Time' joined" in notes_of(blocks)
    assert readings_of(blocks) == readings_of(blocks_of(path, time_columns=("Date", "Time")))
    assert -200.0 in {reading.value for reading in readings_of(blocks)}
    assert len(blocks[0].keys) == 13


def test_steel_finds_day_first_only_behind_the_first_thousand_rows(shared_data: Path) -> None:
    path = shared_data / "energy" / "steel_jan_aug.csv.gz"
    agrees(path, "%d/%m/%Y %H:%M")
    texts = {r.series for r in readings_of(blocks_of(path)) if isinstance(r.value, str)}
    assert texts == {"WeekStatus", "Day_of_week", "Load_Type"}


@pytest.mark.parametrize("name", ["hourly", "tempF"])
def test_offsets_in_times_are_obeyed(shared_data: Path, name: str) -> None:
    agrees(shared_data / "energy" / f"il-electricity-cdd-hdd-{name}.csv.gz", "%Y-%m-%dT%H:%M:%S%z")


def test_school_files_read(shared_data: Path) -> None:
    for name in ("eload", "temp"):
        agrees(shared_data / "energy" / f"school_{name}.csv.gz", ISO)
    agrees(shared_data / "energy" / "school_op_mode.csv.gz", "%Y-%m-%d")


def test_gas_turbines_need_an_interval_and_then_follow_each_other(shared_data: Path) -> None:
    paths = [shared_data / "energy" / f"gt_{year}.csv" for year in (2011, 2012, 2013)]
    with pytest.raises(Misconfigured, match=r"gt_2011\.csv: no time column found.*--interval 1h"):
        blocks_of(*paths)
    rows = [len(table(path)[1]) for path in paths]
    blocks = blocks_of(*paths, interval_ns=3600 * 10**9, asset="gt")
    received = np.concatenate([block.received for block in blocks])
    assert len(received) == sum(rows)
    assert (np.diff(received) == 3600 * 10**9).all()
    assert received[0] == ns("2000-01-01 00:00:00", ISO)
    assert "2000-01-01T00:00:00Z" in notes_of(blocks)
    assert sum(len(block.time) for block in blocks) == 11 * sum(rows)


def test_job_shop_log_names_the_time_column_to_use(shared_data: Path) -> None:
    path = shared_data / "oee" / "job_shop_log.csv.gz"
    with pytest.raises(Misconfigured, match="use --time-column 'Start Timestamp'"):
        blocks_of(path)
    blocks = blocks_of(path, time_columns=("Start Timestamp",))
    assert sum(block.rows for block in blocks) == len(table(path)[1])
    assert blocks[0].received[0] == ns("2012-01-30 06:24:00", ISO)


@pytest.mark.parametrize("name", ["Plate-Op1", "Plate-Op2", "Cover-Op1"])
def test_adapter_lines_read_whole(shared_data: Path, name: str) -> None:
    path = shared_data / "oee" / f"{name}-Hurco04.txt.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    readings = readings_of(blocks_of(path))
    said = [line.split("|") for line in lines if not line.endswith("|")]
    assert len(lines) - len(said) == (17 if name == "Plate-Op1" else 0)
    assert len(readings) == len(said)
    for reading, (_, item, value) in zip(readings, said, strict=True):
        assert (reading.asset, reading.series) == (f"{name}-Hurco04", item)
        assert reading.value == (value if isinstance(reading.value, str) else float(value))
    assert readings[0].time == ns(lines[0][:19], "%Y-%m-%dT%H:%M:%S") + int(lines[0][20:27]) * 100


@pytest.mark.parametrize("name", ["tep/tep_public.npz", "vibration/cwru_public.npz", "energy/il-metadata.json"])
def test_what_is_no_table_says_so(shared_data: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match=r"(is a zip archive \(npz|is one JSON document)"):
        blocks_of(shared_data / name)


def test_sample_in_the_wheel_is_a_lively_stretch() -> None:
    path = Path(__file__).parents[3] / "streams" / "data" / "nist_plate.shdr.gz"
    assert path.stat().st_size < 300_000
    blocks = blocks_of(path)
    readings = readings_of(blocks)
    # six lines have an empty value
    assert (sum(block.rows for block in blocks), len(readings)) == (34_567, 34_561)
    counts = [r.value for r in readings if r.series == "Part_Count"]
    assert counts == [1071, 1072, 1073, 1074, 1075]
    assert {r.value for r in readings if r.series == "Program_Status"} == {
        "ACTIVE",
        "PROGRAM_COMPLETED",
        "PROGRAM_STOPPED",
    }
    assert len({r.value for r in readings if r.series == "Spindle_Speed"}) > 50
