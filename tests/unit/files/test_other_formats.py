"""Long tables, JSON lines, adapter lines and parquet."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from schemas.chunk import BAD, GOOD
from schemas.errors import Misconfigured
from streams.files.block import to_chunk
from tests.unit.files.helpers import blocks_of, iso, notes_of, readings_of, reasons_of, values_of, write


def test_long_rows_are_one_reading_each(tmp_path: Path) -> None:
    text = (
        "Time,Asset,Series,Value,Unit\n2026-01-05,a/b,temp,1.5,Cel\n2026-01-05,a/c,temp,2,\n"
        "2026-01-06,,temp,3,\n2026-01-06,a/b,state,run,\n2026-01-07,a/b,state,7,\nnever,a/b,temp,1,\n"
        "2026-01-07,a/b,state,stop,\n2026-01-07,a/b,temp,,\n2026-01-07,a/b,,1,\n2026-01-08,a/b,temp,4,Cel\n"
    )
    blocks = blocks_of(write(tmp_path, text), format="long")
    assert [(r.row, r.asset, r.series, r.value) for r in readings_of(blocks)] == [
        (0, "a/b", "temp", 1.5),
        (1, "a/c", "temp", 2.0),
        (2, "m1", "temp", 3.0),
        (3, "a/b", "state", "run"),
        (4, "a/b", "state", "7"),
        (6, "a/b", "state", "stop"),
        (9, "a/b", "temp", 4.0),
    ]
    assert blocks[0].keys[0].unit == "Cel"
    assert reasons_of(blocks) == [("bad_time", "m1.csv:7 Time", 1), ("no_series", "m1.csv:10 series", 1)]


def test_a_stray_word_in_a_numeric_long_series_is_rejected(tmp_path: Path) -> None:
    rows = "".join(f"2026-01-0{d},m,temp,{v}\n" for d, v in enumerate(["1", "2", "oops", "4"], 1))
    blocks = blocks_of(write(tmp_path, "time,asset,series,value\n" + rows), format="long")
    assert [r.value for r in readings_of(blocks)] == [1.0, 2.0, 4.0]
    assert reasons_of(blocks) == [("not_a_number", "m1.csv:4 value", 1)]


def test_long_without_its_columns_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="there is no column 'series', 'value'; the columns are time, a"):
        blocks_of(write(tmp_path, "time,a\n2026-01-05,1\n"), format="long")


def test_adapter_lines_hold_numbers_texts_absences_and_conditions(tmp_path: Path) -> None:
    text = (
        "* adapterVersion: 1\n"
        "2026-01-05T00:00:00.5Z|speed|12.5|state|ACTIVE\n"
        "2026-01-05T00:00:01Z@10|speed|UNAVAILABLE\n"
        "2026-01-05T00:00:02Z|spindle|FAULT|E7|2|HIGH|too hot\n"
        "2026-01-05T00:00:03Z|spindle|NORMAL||||\n"
        "2026-01-05T00:00:04Z|msg|CODE|door open\n"
        "soon|speed|1\n"
        "2026-01-05T00:00:05Z|\n"
        "2026-01-05T00:00:06Z|speed||load|NaN|limit|inf\n"
    )
    blocks = blocks_of(write(tmp_path, text, "mill.txt"))
    assert [(r.row, r.series, r.value, r.quality) for r in readings_of(blocks)] == [
        (0, "speed", 12.5, GOOD),
        (0, "state", "ACTIVE", GOOD),
        (1, "speed", None, BAD),
        (2, "spindle", "FAULT E7 2 HIGH too hot", GOOD),
        (3, "spindle", "NORMAL", GOOD),
        (4, "msg", "CODE door open", GOOD),
        (7, "load", None, BAD),
        (7, "limit", None, BAD),
    ]
    assert reasons_of(blocks) == [("bad_time", "mill.txt:7", 1), ("bad_line", "mill.txt:8", 0)]
    assert iso(int(blocks[0].time[0])) == "2026-01-05 00:00:00.5"


def test_what_is_no_adapter_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"should be time\|item\|value, the first is 'a,b'"):
        blocks_of(write(tmp_path, "a,b\n1,2\n"), format="shdr")


def test_json_lines_are_handed_on_as_records_with_their_own_time(tmp_path: Path) -> None:
    lines = [
        b'{"asset": "a", "series": "s", "time": "2026-01-05T00:00:00Z", "value": 1}',
        b"not json",
        b'{"asset": "a", "time": [1767571200000000000, 1767571201000000000], "series": {"s": [1, 2]}}',
    ]
    (block,) = blocks_of(write(tmp_path, b"\n".join(lines) + b"\n\n", "r.jsonl"))
    assert block.records is not None
    assert [record.value for record in block.records] == lines
    assert [record.timestamp for record in block.records] == block.received.tolist()
    assert [iso(t) for t in block.received.tolist()] == ["2026-01-05 00:00:00"] * 2 + ["2026-01-05 00:00:01"]
    with pytest.raises(ValueError, match="decode"):
        to_chunk(block)


def test_json_lines_must_be_lines_of_json(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="the first line should be an object, got 't,a'"):
        blocks_of(write(tmp_path, "t,a\n1,2\n", "r.jsonl"))


def parquet(path: Path, columns: dict[str, object]) -> Path:
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(arrow.table(columns), path)
    return path


def test_parquet_reads_like_csv(tmp_path: Path) -> None:
    times = np.array(["2026-01-05", "2026-01-06", "NaT"], dtype="datetime64[ms]")
    path = parquet(
        tmp_path / "m1.parquet",
        {"t": times, "a": [1.5, None, 3.0], "on": [True, False, True], "s": ["run", None, "stop"], "n": [1, 2, 3]},
    )
    for blocks in (blocks_of(path), blocks_of(path.rename(tmp_path / "m1.bin"))):
        assert [(r.row, r.series, r.value) for r in readings_of(blocks)] == [
            (0, "a", 1.5),
            (0, "on", 1.0),
            (0, "s", "run"),
            (0, "n", 1.0),
            (1, "on", 0.0),
            (1, "n", 2.0),
        ]
        assert [(reason, cells) for reason, _, cells in reasons_of(blocks)] == [("bad_time", 4)]


def test_parquet_times_may_be_text_counts_or_local(tmp_path: Path) -> None:
    text = parquet(tmp_path / "text.parquet", {"t": ["2026-01-05T00:00:00Z", "?"], "a": [1.0, float("inf")]})
    assert values_of(text) == [("2026-01-05 00:00:00", "a", 1.0)]
    count = parquet(tmp_path / "count.parquet", {"t": [1767571200, 1767571201], "a": [1.0, float("inf")]})
    blocks = blocks_of(count)
    assert reasons_of(blocks) == [("not_finite", "count.parquet:2 a", 1)]
    local = parquet(tmp_path / "local.parquet", {"t": np.array(["2026-01-05T08"], dtype="datetime64[us]"), "a": [1.0]})
    assert values_of(local, timezone="Asia/Kuala_Lumpur")[0][0] == "2026-01-05 00:00:00"


def test_a_data_frames_index_is_the_time(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    table = arrow.table({"a": [1.0], "__index_level_0__": np.array(["2026-01-05"], dtype="datetime64[ns]")})
    meta = {b"pandas": b'{"index_columns": ["__index_level_0__"], "columns": []}'}
    pq.write_table(table.replace_schema_metadata(meta), tmp_path / "df.parquet")
    blocks = blocks_of(tmp_path / "df.parquet")
    assert "data frame's index" in notes_of(blocks)
    assert [r.value for r in readings_of(blocks)] == [1.0]


def test_parquet_without_times_needs_an_interval(tmp_path: Path) -> None:
    path = parquet(tmp_path / "gt.parquet", {"AT": [4.5, 5.5], "AP": [1018.0, 1019.0]})
    said = r"no time column found: 'AT' holds '4\.5'; use --time-column NAME, or --interval 1h"
    with pytest.raises(Misconfigured, match=said):
        blocks_of(path)
    assert len(readings_of(blocks_of(path, interval_ns=10**9))) == 4
    with pytest.raises(Misconfigured, match="there is no column 'when'; the columns are AT, AP"):
        blocks_of(path, time_columns=("when",))


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(Misconfigured, match="is no parquet file that can be read"):
        blocks_of(write(tmp_path, "t,a\n", "a.parquet"))
    good = parquet(tmp_path / "b.parquet", {"t": ["2026-01-05"], "a": [1.0]})
    with pytest.raises(Misconfigured, match="is a parquet file; leave out --format csv"):
        blocks_of(good, format="csv")


def test_parquet_without_its_extra_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Misconfigured, match=r"pip install 'millstream\[arrow\]'"):
        blocks_of(write(tmp_path, b"PAR1", "a.parquet"))
