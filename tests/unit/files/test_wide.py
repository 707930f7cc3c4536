"""The wide form: what a person exports from a logger reads as it is meant."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from schemas.chunk import REJECTED
from schemas.errors import Misconfigured
from streams.files.block import CELLS, to_chunk
from streams.files.options import FileOptions
from streams.files.read import read
from tests.unit.files.helpers import blocks_of, notes_of, readings_of, reasons_of, values_of, write

DAY = 86_400 * 10**9
PLAIN = "time,temp,state\n2026-01-05,1.5,run\n2026-01-06,-200,stop\n"
EXPECTED = [
    ("2026-01-05 00:00:00", "temp", 1.5),
    ("2026-01-05 00:00:00", "state", "run"),
    ("2026-01-06 00:00:00", "temp", -200.0),
    ("2026-01-06 00:00:00", "state", "stop"),
]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", "|").encode(),
        PLAIN.replace(",", ", ").encode(),
        ("# a logger\n#\n" + PLAIN).encode(),
        ("# " + PLAIN).encode(),
        ("Station: 7\n\nSerial;12\n" + PLAIN).encode(),
        PLAIN.replace("\n2026-01-06", "\n# moved\n\n2026-01-06").encode(),
        PLAIN.replace("2026-01-05", "s,Cel,\n2026-01-05", 1).encode(),
        (PLAIN + ",,\n\n , ,\n").encode(),
        PLAIN.replace("temp,state", "temp,state,,").replace("run", "run,,").replace("stop", "stop,,").encode(),
        PLAIN.replace("run", '"run"').replace("time", '"time"').encode(),
        gzip.compress(PLAIN.encode(), mtime=0),
        lzma.compress(PLAIN.encode()),
        bz2.compress(PLAIN.encode()),
    ],
    ids=lambda data: repr(data[:24]),
)
def test_dress_does_not_matter(tmp_path: Path, data: bytes) -> None:
    path = write(tmp_path, data)
    blocks = blocks_of(path)
    assert values_of(path) == EXPECTED
    assert reasons_of(blocks) == []
    assert {key.asset for key in blocks[0].keys} == {"m1"}


def test_toa5_preamble_and_unit_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    text = (
        '"TOA5","CR1000","CR1000","1234"\n"TIMESTAMP","RECORD","Batt","Temp"\n"TS","RN","Volts","Deg C"\n'
        '"","","Avg","Smp"\n"2026-01-05 00:00:00",0,12.5,"NAN"\n'
    )
    path = write(tmp_path, text)
    assert [v[1:] for v in values_of(path)] == [("RECORD", 0.0), ("Batt", 12.5)]
    assert "3 lines around the header skipped" in notes_of(blocks_of(path))
    assert values_of(path) == values_of(path, time_columns=("TIMESTAMP",))


def test_latin1_names_survive(tmp_path: Path) -> None:
    path = write(tmp_path, "Zeit;Öl °C\n2026-01-05;1\n".encode("latin-1"))
    assert values_of(path) == [("2026-01-05 00:00:00", "Öl °C", 1.0)]


def test_decimal_commas_read_where_every_number_has_them(tmp_path: Path) -> None:
    path = write(tmp_path, "Date;Time;CO;S1\n10/03/2004;18.00.00;2,6;1360\n13/03/2004;19.00.00;-200;1292\n")
    assert values_of(path, time_columns=("Date", "Time")) == [
        ("2004-03-10 18:00:00", "CO", 2.6),
        ("2004-03-10 18:00:00", "S1", 1360.0),
        ("2004-03-13 19:00:00", "CO", -200.0),
        ("2004-03-13 19:00:00", "S1", 1292.0),
    ]


def test_a_point_among_decimal_commas_is_not_guessed_at(tmp_path: Path) -> None:
    rows = "".join(f"{1_767_600_000 + i};1,5\n" for i in range(1_500))
    blocks = blocks_of(write(tmp_path, "t;a\n" + rows + "1767700000;1.234\n"))
    assert {r.value for r in readings_of(blocks)} == {1.5}
    assert reasons_of(blocks) == [("not_a_number", "m1.csv:1502 a", 1)]


def test_a_first_row_without_a_time_is_counted_not_taken_for_units(tmp_path: Path) -> None:
    blocks = blocks_of(write(tmp_path, "t,a\nsoon,1\n2026-01-05,2\n"))
    assert reasons_of(blocks) == [("bad_time", "m1.csv:2 t", 1)]


def test_absent_cells_make_no_reading_and_stray_words_are_rejected(tmp_path: Path) -> None:
    cells = ["1", "", "NA", "NaN", "null", "-", "n/a", "oops", "inf", "1_000", "TRUE", "2e3", "7"]
    text = "t,a\n" + "".join(f"2026-01-{5 + i:02d},{cell}\n" for i, cell in enumerate(cells))
    blocks = blocks_of(write(tmp_path, text))
    assert [r.value for r in readings_of(blocks)] == [1.0, 1.0, 2000.0, 7.0]
    assert [r.row for r in readings_of(blocks)] == [0, 10, 11, 12]
    assert reasons_of(blocks) == [
        ("not_a_number", "m1.csv:9 a", 1),
        ("not_finite", "m1.csv:10 a", 1),
        ("not_a_number", "m1.csv:11 a", 1),
    ]


def test_ragged_rows_lose_no_more_than_they_must(tmp_path: Path) -> None:
    blocks = blocks_of(write(tmp_path, "t,a,b\n2026-01-05,1\n2026-01-06,1,2,,\n2026-01-07,1,2,3\n2026-01-08\n"))
    assert [(r.row, r.series) for r in readings_of(blocks)] == [(0, "a"), (1, "a"), (1, "b")]
    assert reasons_of(blocks) == [("too_many_cells", "m1.csv:4", 2)]


def test_an_unclosed_quote_does_not_stop_the_run(tmp_path: Path) -> None:
    rows = "".join(f"2026-01-05 {h:02d}:{m:02d},1\n" for h in range(24) for m in range(60))
    blocks = blocks_of(write(tmp_path, "t,a\n" + rows + '2026-01-06,"' + rows * 10 + "2026-01-07,3\n"))
    assert sum(block.rows for block in blocks) >= 1440
    assert {reason for reason, _, _ in reasons_of(blocks)} <= {"broken_quotes", "not_a_number", "too_many_cells"}
    assert reasons_of(blocks)


def test_names_are_made_distinct_and_empty_columns_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "t,a,a,,a,\n2026-01-05,1,2,3,4,\n")
    assert [v[1] for v in values_of(path)] == ["a", "a_2", "column_4", "a_3"]


def test_dropped_columns_are_not_read_and_unknown_ones_named(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    assert {v[1] for v in values_of(path, drop=("state",))} == {"temp"}
    with pytest.raises(Misconfigured, match="no column 'stat' to drop; the columns are time, temp, state"):
        blocks_of(path, drop=("stat",))


def test_times_go_through_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, "t,a\n2026-01-06,1\n2026-01-05,2\n2026-01-05,2\n2026-03-05,3\n")
    assert [v[0][:10] for v in values_of(path)] == ["2026-01-06", "2026-01-05", "2026-01-05", "2026-03-05"]


def test_interval_gives_every_row_a_slot_also_blank_ones(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1,2\n,\n3,4\n,\n")
    blocks = blocks_of(path, interval_ns=DAY, start_ns=10 * DAY)
    assert blocks[0].received.tolist() == [10 * DAY, 12 * DAY]
    assert notes_of(blocks) == ""


def test_a_long_file_comes_in_blocks_that_join_to_the_whole(tmp_path: Path) -> None:
    n = CELLS + 7
    text = "t,a\n" + "".join(f"{1_767_600_000 + i},{i}\n" for i in range(n))
    seen: list[tuple[int, int]] = []
    path = write(tmp_path, text)
    blocks = list(read([path], FileOptions(asset="x"), lambda done, total: seen.append((done, total))))
    assert [block.rows for block in blocks] == [CELLS, 7]
    assert np.concatenate([block.value for block in blocks]).tolist() == list(range(n))
    assert blocks[1].message.tolist() == list(range(7))
    assert seen[-1] == (len(text), len(text))
    assert blocks[0].keys[0].asset == "x"


def test_a_column_that_starts_empty_becomes_what_it_then_holds(tmp_path: Path) -> None:
    rows = "".join(f"{1_767_600_000 + i},1,\n" for i in range(CELLS // 2))
    more = "".join(f"{1_767_700_000 + i},1,open\n" for i in range(5))
    readings = readings_of(blocks_of(write(tmp_path, "t,a,b\n" + rows + more)))
    assert [r.value for r in readings if r.series == "b"] == ["open"] * 5


def test_chunks_carry_rejects_and_the_asset_of_every_row(tmp_path: Path) -> None:
    (block,) = blocks_of(write(tmp_path, "t,a\n2026-01-05,1\nsoon,2\n2026-01-06,\nlater,\n"))
    chunk = to_chunk(block, 40)
    assert chunk.offset.tolist() == [40, 41, 42, 43]
    assert list(chunk.asset) == ["m1"] * 4
    assert [place.message for place in chunk.rejects] == [1, 3]
    assert (chunk.kind == REJECTED).tolist() == [False, False, False, True]
    assert chunk.readings == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\n\n \n", "holds no rows, only blank lines"),
        (b"# only\n", "holds no rows, only comments"),
        (b"t,a\n", "one line only"),
        (b"2026-01-05,1\n2026-01-06,2\n", "has no header: line 1 holds values already .* add a first line"),
        (
            b"a,b\n1,2\n3,4\n",
            "no time column found: the first one, 'a', holds '1'; use --time-column NAME, or --interval",
        ),
        (b"id,when,a\n1,2026-01-05,3\n2,2026-01-06,3\n", "use --time-column 'when'"),
        (b"t\n2026-01-05\n", "no column to read beside 't'"),
        (b"\x93NUMPY\x01\x00", "is a numpy array"),
        (b"PK\x03\x04abc", "is a zip archive"),
        (b"a,b\n\x00\x01\x02", "is binary"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-12], "compressed data is cut off"),
        (b"\xfd7zXZ\x00garbage", "compressed data is cut off or damaged"),
        (b"{\n}", "is one JSON document"),
    ],
)
def test_what_cannot_be_read_says_so_in_one_line(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(Misconfigured, match=says) as error:
        blocks_of(write(tmp_path, data))
    assert "\n" not in str(error.value)
    assert "m1.csv" in str(error.value)


def test_missing_files_folders_and_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="there is no such file"):
        blocks_of(tmp_path / "nope.csv")
    with pytest.raises(Misconfigured, match="is a folder"):
        blocks_of(tmp_path)
    path = write(tmp_path, PLAIN)
    with pytest.raises(Misconfigured, match="there is no column 'when'; the columns are time, temp, state"):
        blocks_of(path, time_columns=("when",))
    with pytest.raises(Misconfigured, match="no input given"):
        blocks_of()
    with pytest.raises(Misconfigured, match=r"column 'temp' holds no times millstream knows: the first is '1\.5'"):
        blocks_of(path, time_columns=("temp",))


@pytest.mark.parametrize(
    "options",
    [
        {"format": "xls"},
        {"sep": ";;"},
        {"time_columns": ("a", "b", "c")},
        {"interval_ns": 0},
        {"interval_ns": 5, "time_columns": ("a",)},
        {"start_ns": 5},
        {"timezone": "Mars/Base"},
    ],
)
def test_options_that_contradict_are_refused(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(Misconfigured):
        blocks_of(write(tmp_path, PLAIN), **options)
