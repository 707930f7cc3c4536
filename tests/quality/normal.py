"""Real data that are normal by their description: what faults are planted into.

Steel plant, building, school and gas turbines (energy/), the air quality station less its -200 (dirty/), the training
part of the Tennessee Eastman process and the healthy 160 rows of each test run behind it, and the training parts of
the server machines. Series are left out that do not live: half of their readings missing, or every second reading
equal to the one before; and columns that are no measurement (seconds of the day, a calendar's flags).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from detectors.durations import SECOND
from streams.files.options import FileOptions
from streams.files.read import read
from tests.quality.product import Table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HOUR = 3600 * SECOND
START = 1_767_571_200 * SECOND
"""2026-01-05, a Monday: where the data have no times."""
HEALTHY = 160
"""Rows of a TEP test run before its fault."""
LEARNED = 500
"""Rows after which any watch has an opinion, and which TEP's training part has."""


class Source(NamedTuple):
    """An asset's normal readings; faults may start at any row from `first` on."""

    kind: str  # which data
    table: Table
    first: int


def sources() -> Iterator[Source]:
    """All of them, each with the series that live."""
    for kind, table, first in _all():
        alive = [i for i in range(table.x.shape[1]) if _lives(table.x[:, i])]
        yield Source(kind, table._replace(names=tuple(table.names[i] for i in alive), x=table.x[:, alive]), first)


def _lives(x: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    here = x[~np.isnan(x)]
    return len(here) >= len(x) / 2 and float(np.mean(np.diff(here) != 0)) > 0.5


def _all() -> Iterator[Source]:
    energy = DATA / "energy"
    for kind, path, how in (
        ("steel", energy / "steel_jan_aug.csv.gz", FileOptions(asset="steel", drop=("NSM",))),
        ("building", energy / "il-electricity-cdd-hdd-hourly.csv.gz", FileOptions(asset="building/load")),
        ("building", energy / "il-electricity-cdd-hdd-tempF.csv.gz", FileOptions(asset="building/outside")),
        ("school", energy / "school_eload.csv.gz", FileOptions(asset="school/load")),
        ("school", energy / "school_temp.csv.gz", FileOptions(asset="school/outside")),
        *(
            ("turbine", energy / f"gt_{year}.csv", FileOptions(asset=f"turbine/{year}", interval_ns=HOUR))
            for year in (2011, 2012, 2013)
        ),
        ("air", DATA / "dirty" / "AirQualityUCI.csv.gz", FileOptions(asset="air")),
    ):
        table = _file(path, how)
        if kind == "air":
            table = table._replace(x=np.where(table.x == -200, np.nan, table.x))
        yield Source(kind, table, max(LEARNED, _rows(table, 7 * 24 * HOUR)))
    runs = np.load(DATA / "tep" / "tep_public.npz")
    names = tuple(f"x{i:02}" for i in range(1, 53))
    for name in sorted(n for n in runs.files if n.endswith("_test")):
        x = np.vstack((runs["d00_train"], runs[name][:HEALTHY])).astype(np.float64)
        yield Source("tep", Table(f"tep/{name}", names, _times(len(x), 180), x), LEARNED)
    for path in sorted((DATA / "smd").glob("*.npz")):
        x = np.load(path)["train"].astype(np.float64)
        every_s = 300 if path.stem.startswith("omi") else 60
        names = tuple(f"m{i:02}" for i in range(x.shape[1]))
        yield Source("servers", Table(f"smd/{path.stem}", names, _times(len(x), every_s), x), 7 * 86_400 // every_s)


def _times(n: int, every_s: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return START + np.arange(n) * every_s * SECOND


def _rows(table: Table, span: int) -> int:
    """Rows in the first `span` ns."""
    return int(np.searchsorted(table.time, table.time[0] + span))


def _file(path: Path, how: FileOptions) -> Table:
    """A file's numbers, as the product reads them."""
    times, cells, names, first = [], [], [], 0
    for block in read([path], how):
        times.append(block.received)
        names += [key.series for key in block.keys if key.series not in names]
        number = np.array([names.index(key.series) for key in block.keys])
        cells.append((first + block.message, number[block.code], block.value))
        first += block.rows
    x = np.full((first, len(names)), np.nan)
    for row, column, value in cells:
        x[row, column] = value
    time = np.concatenate(times)
    # steel's midnights bear the date of the day that they end
    newer = np.append(True, time[1:] > np.maximum.accumulate(time)[:-1])
    return Table(how.asset or path.stem, tuple(names), time[newer], x[newer])
