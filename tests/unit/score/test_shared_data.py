"""Every public data set is scored row by row as a plain loop over the file says, or refused in one clear line."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.unit.score.helpers import Done, refused, run, sound

WATCHES = ("stuck", "robust_zscore")
"""Of the default site, a row a reading: limits watches only what declares some, gap speaks by events alone, and auto
and level_shift have rows of bins."""

Expected = tuple[str, str, str, float | None]


class Table(NamedTuple):
    """How a plain reader reads a file."""

    path: str
    form: str = "%Y-%m-%d %H:%M:%S"
    sep: str = ","
    time: Sequence[int] = (0,)
    options: Sequence[str] = ()


ISO_T, US, EU = "%Y-%m-%dT%H:%M:%S%z", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M"
TABLES = [
    *(Table(f"nab/{name}.csv") for name in (
        "realKnownCause/nyc_taxi", "realKnownCause/ambient_temperature_system_failure", "realTraffic/TravelTime_387",
        "realAWSCloudwatch/ec2_network_in_257a54", "realAdExchange/exchange-2_cpc_results",
        "realTweets/Twitter_volume_AAPL", "artificialWithAnomaly/art_daily_jumpsup",
    )),
    *(Table(f"skab/valve1/{n}.csv", sep=";") for n in (0, 2, 14)),
    Table("dirty/MainStreet2019.csv.xz", "%Y-%m-%d %H:%M"),
    Table("dirty/TonyGrove2019.csv.xz", "%Y-%m-%d %H:%M"),
    Table("dirty/sandy.csv.gz", EU),
    Table("dirty/AirQualityUCI.csv.gz", US, time=(0, 1)),
    Table("dirty/AirQualityUCI.csv.gz", US, time=(0, 1), options=("--time-column", "Date,Time")),
    Table("energy/steel_jan_aug.csv.gz", EU, options=("--time-format", EU)),
    Table("energy/il-electricity-cdd-hdd-hourly.csv.gz", ISO_T),
    Table("energy/il-electricity-cdd-hdd-tempF.csv.gz", ISO_T),
    Table("energy/school_eload.csv.gz"),
    Table("energy/school_temp.csv.gz"),
    Table("energy/school_op_mode.csv.gz", "%Y-%m-%d"),
    Table(
        "oee/job_shop_log.csv.gz", "%Y/%m/%d %H:%M:%S.%f", time=(3,), options=("--time-column", "Start Timestamp")
    ),
]  # fmt: skip


def text_of(path: Path) -> str:
    return {".gz": gzip.decompress, ".xz": lzma.decompress}.get(path.suffix, bytes)(path.read_bytes()).decode(
        "utf-8-sig"
    )


def head_of(path: Path, rows: int, folder: Path) -> Path:
    """The first rows of a file, as a file of the same name."""
    lines = text_of(path).splitlines(keepends=True)
    out = folder / path.name.removesuffix(".gz").removesuffix(".xz")
    out.write_text("".join(lines[: rows + 1]))
    return out


def number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if value == value else None


def rfc3339(text: str, form: str) -> str:
    when = datetime.strptime(text, form)
    when = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%S") + "Z"


def expected_of(path: Path, table: Table) -> Iterator[Expected]:
    """Time, series, watch and value of each row that should stand in the output, in its order."""
    header, *rows = csv.reader(io.StringIO(text_of(path)), delimiter=table.sep)
    columns = {at: [row[at] for row in rows if at < len(row) and row[at].strip()] for at in range(len(header))}
    numeric = {
        at: cells for at, cells in columns.items() if 2 * sum(number(c) is not None for c in cells) >= len(cells) > 0
    }
    for row in rows:
        if not any(row):
            continue
        when = rfc3339(" ".join(row[at] for at in table.time), table.form)
        for at in numeric:
            value = number(row[at]) if at not in table.time else None
            if value is not None:
                yield from ((when, header[at], watch, value) for watch in WATCHES)


def found_in(done: Done) -> list[Expected]:
    columns = (done.column(name) for name in ("time", "series", "watch", "value"))
    return [
        (t, series, watch, float(value) if value else None)
        for t, series, watch, value in zip(*columns, strict=True)
        if watch in WATCHES
    ]


def check(path: Path, table: Table, folder: Path) -> None:
    done = sound(run(folder, path, *table.options))
    expected = list(expected_of(path, table))
    assert expected
    assert found_in(done) == expected
    assert set(done.column("asset")) == {path.name.split(".")[0]}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{Path(table.path).name}{'+' * bool(table.options)}")
def test_each_reading_and_watch_has_its_row_in_input_order(table: Table, shared_data: Path, tmp_path: Path) -> None:
    check(head_of(shared_data / table.path, 300, tmp_path), table, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whole_files_are_scored_row_by_row(shared_data: Path, tmp_path: Path) -> None:
    every = {table.path: table for table in TABLES}
    for path in sorted((shared_data / "nab").glob("*/*.csv"))[::4]:  # these are all of one form
        every[str(path.relative_to(shared_data))] = Table(str(path.relative_to(shared_data)))
    for path in sorted((shared_data / "skab" / "valve1").glob("*.csv"))[::4]:
        every[str(path.relative_to(shared_data))] = Table(str(path.relative_to(shared_data)), sep=";")
    assert len(every) >= 7 + 4 + 10 + 5
    for name, table in every.items():
        # found out from the whole file, where a head leaves it open
        check(shared_data / name, table._replace(options=() if "steel" in name else table.options), tmp_path)


@pytest.mark.parametrize(("name", "lines"), [("Plate-Op2", 4522), ("Plate-Op1", 3000), ("Cover-Op1", 3000)])
def test_adapter_lines_have_a_row_for_each_number(name: str, lines: int, shared_data: Path, tmp_path: Path) -> None:
    path = head_of(shared_data / "oee" / f"{name}-Hurco04.txt.gz", lines - 1, tmp_path)
    done = sound(run(tmp_path, path))
    split = [line.split("|") for line in path.read_text().splitlines()]
    assert len(split) == lines
    seen: set[str] = set()
    expected: list[tuple[str, str, float | None]] = []
    for _, item, value in split:
        seen |= {item} if number(value) is not None else set()
        if number(value) is not None or (value == "UNAVAILABLE" and item in seen):
            expected += [(item, watch, number(value)) for watch in WATCHES]
    assert [row[1:] for row in found_in(done)] == expected


def test_gas_turbines_go_on_hour_by_hour_from_file_to_file(shared_data: Path, tmp_path: Path) -> None:
    paths = [head_of(shared_data / "energy" / f"gt_{year}.csv", 100, tmp_path) for year in (2011, 2012)]
    refused(run(tmp_path, *paths), "gt_2011.csv: no time column found", "--interval 1h")
    done = sound(run(tmp_path, *paths, "--interval", "1h", "--start", "2011-01-01", "--asset", "gt"))
    assert len(found_in(done)) == 2 * 11 * 200
    assert done.rows[0][:2] == ["2011-01-01T00:00:00Z", "gt"]
    assert done.rows[-1][0] == "2011-01-09T07:00:00Z"


def test_what_cannot_be_scored_is_refused_in_one_line(shared_data: Path, tmp_path: Path) -> None:
    refused(run(tmp_path, shared_data / "tep" / "tep_public.npz"), "is a zip archive (npz")
    refused(run(tmp_path, shared_data / "smd" / "omi-1.npz"), "is a zip archive (npz")
    refused(run(tmp_path, shared_data / "energy" / "il-metadata.json"), "is one JSON document")
    refused(run(tmp_path, shared_data / "nab" / "windows.json"), "is one JSON document")
    refused(run(tmp_path, shared_data / "oee" / "job_shop_log.csv.gz"), "use --time-column 'Start Timestamp'")
    refused(run(tmp_path, shared_data / "skab"), "is a folder")
    head = head_of(shared_data / "energy" / "steel_jan_aug.csv.gz", 500, tmp_path)
    refused(run(tmp_path, head), "can be day or month first", "--time-format '%d/%m/%Y %H:%M'")
