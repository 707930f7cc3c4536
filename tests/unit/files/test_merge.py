"""Several inputs are one stream, ordered by time as a plain sort orders it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Misconfigured
from streams.files import merge, read, source, wide
from streams.files.options import FileOptions
from tests.unit.files.helpers import blocks_of, iso, notes_of, readings_of, reasons_of, write

FILES = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=9).map(sorted), min_size=2, max_size=4)


@given(FILES, st.integers(1, 4), st.booleans())
@settings(max_examples=60)
def test_rows_merge_as_a_stable_sort_would(files: list[list[int]], rows: int, kept: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        # small blocks, and inputs read twice or once, must not show
        patch.setattr(wide, "CELLS", 2 * rows)
        patch.setattr(merge, "CELLS", 2)
        patch.setattr(read, "_CACHED_READINGS", 10**6 if kept else 0)
        paths, expected = [], []
        for f, times in enumerate(files):
            lines = [f"{1_767_600_000 + t},{f}.{i:03d}1,s{f}-{i}" for i, t in enumerate(times)]
            paths.append(write(Path(folder), "t,n,s\n" + "\n".join([*lines, "soon,1,x"]) + "\n", f"f{f}.csv"))
            expected += [(t, f, i) for i, t in enumerate(times)]
        blocks = blocks_of(*paths)
        got = readings_of(blocks)
        assert [r.value for r in got if r.series == "n"] == [float(f"{f}.{i:03d}1") for _, f, i in sorted(expected)]
        assert [r.value for r in got if r.series == "s"] == [f"s{f}-{i}" for _, f, i in sorted(expected)]
        assert all(r.asset == f"f{int(r.value)}" for r in got if isinstance(r.value, float))
        assert sorted(r.row for r in got) == [r.row for r in got]
        assert len(reasons_of(blocks)) == len(files)
        assert all(b.message.max(initial=0) < b.rows for b in blocks)


def test_inputs_out_of_order_follow_each_other_and_say_so(tmp_path: Path) -> None:
    a = write(tmp_path, "t,a\n2026-01-06,1\n2026-01-05,2\n", "a.csv")
    b = write(tmp_path, "t,a\n2026-01-04,3\n", "b.csv")
    blocks = blocks_of(a, b)
    assert [r.value for r in readings_of(blocks)] == [1.0, 2.0, 3.0]
    assert "not every one is in order of time" in notes_of(blocks)
    assert blocks_of(b, a)[0].sources == ("b.csv",)


def test_one_asset_name_joins_the_inputs(tmp_path: Path) -> None:
    a = write(tmp_path, "t,x\n2026-01-05,1\n2026-01-07,3\n", "a.csv")
    b = write(tmp_path, "t,x\n2026-01-06,2\n", "b.csv")
    blocks = blocks_of(a, b, asset="m")
    assert {key for block in blocks for key in block.keys} == {blocks[0].keys[0]}
    assert [(iso(r.time)[:10], r.value) for r in readings_of(blocks)] == [
        ("2026-01-05", 1.0),
        ("2026-01-06", 2.0),
        ("2026-01-07", 3.0),
    ]


def test_json_lines_merge_their_records(tmp_path: Path) -> None:
    line = '{{"asset": "a", "series": "s", "time": "2026-01-0{}T00:00:00Z", "value": {}}}\n'
    a = write(tmp_path, line.format(5, 1) + line.format(7, 3), "a.jsonl")
    b = write(tmp_path, line.format(6, 2), "b.jsonl")
    records = [record for block in blocks_of(a, b) for record in block.records or ()]
    assert [bytes(record.value or b"")[-2:-1] for record in records] == [b"1", b"2", b"3"]


def test_a_bad_file_among_good_ones_is_found_before_anything_is_read(tmp_path: Path) -> None:
    good = write(tmp_path, "t,a\n2026-01-05,1\n", "a.csv")
    with pytest.raises(Misconfigured, match=r"nope\.csv: there is no such file"):
        read.read([good, tmp_path / "nope.csv"], FileOptions())


def test_many_files_open_only_while_their_time_has_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "_CACHED_READINGS", 0)
    paths = [write(tmp_path, f"t,a\n{1_767_600_000 + 10 * i},{i}\n", f"f{i}.csv") for i in range(40)]
    open_now, most = [0], [0]
    real = source.text_of

    @contextmanager
    def counted(*args: Any) -> Iterator[TextIO]:
        open_now[0] += 1
        most[0] = max(most[0], open_now[0])
        with real(*args) as text:
            yield text
        open_now[0] -= 1

    monkeypatch.setattr(wide, "text_of", counted)
    blocks = blocks_of(*reversed(paths))
    assert [r.value for r in readings_of(blocks)] == [float(i) for i in range(40)]
    assert most[0] <= 3
