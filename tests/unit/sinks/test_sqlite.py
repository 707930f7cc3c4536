"""SqliteSink: what a file does that a server does not."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from schemas.errors import Misconfigured, Retry
from streams.sinks import sqlite
from streams.sinks.sqlite import SqliteSink
from streams.sinks.table import Table
from tests.unit.sinks import make


async def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    sink = SqliteSink(tmp_path / "no" / "such" / "folder.sqlite")
    with pytest.raises(Misconfigured, match=r"folder\.sqlite: unable to open database file; expected"):
        await sink.open()
    assert "folder.sqlite" in str(await sink.ready())
    await sink.close()


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes\n" * 100)
    before = path.read_bytes()
    sink = SqliteSink(path)
    with pytest.raises(Misconfigured, match="not a database"):
        await sink.open()
    await sink.close()
    assert path.read_bytes() == before


async def test_tables_of_another_version_are_refused_with_the_columns_that_differ(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    old = sqlite3.connect(path)
    old.execute("CREATE TABLE reading (site TEXT, time INTEGER, colour TEXT)")
    old.close()
    sink = SqliteSink(path)
    with pytest.raises(
        Misconfigured, match=r"table reading is of another version \(columns .*colour.*\); move it away"
    ):
        await sink.open()
    await sink.close()


async def test_a_field_that_an_older_version_did_not_have_is_added_and_what_was_stored_stays(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    sink = SqliteSink(path)
    await sink.write([make.results(events=[make.event(1)])])
    await sink.close()
    old = sqlite3.connect(path)
    old.execute("ALTER TABLE anomaly DROP COLUMN contribution")
    old.close()
    sink = SqliteSink(path)
    await sink.write([make.results(events=[make.event(2, contribution={"flow": 0.25, "heat": 0.75})])])
    stored = await sink.rows("anomaly")
    await sink.close()
    assert [(row["time"], row["contribution"]) for row in stored] == [(2, "heat=0.75;flow=0.25"), (1, None)]


async def test_a_locked_file_is_retried_and_then_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_S", 0.05)
    path = tmp_path / "results.sqlite"
    sink = SqliteSink(path)
    await sink.open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    given = make.results(make.points([1, 2], [1.0, 2.0]))
    with pytest.raises(Retry, match="locked"):
        await sink.write([given])
    assert "locked" in str(await sink.ready())
    other.execute("ROLLBACK")
    await sink.write([given])
    assert await sink.ready() is None
    assert (sink.retries, sink.points_written, await sink.count("reading")) == (1, 2, 2)
    other.close()
    await sink.close()


async def test_a_full_disk_is_retried_and_stores_nothing_by_halves(tmp_path: Path) -> None:
    sink = SqliteSink(tmp_path / "results.sqlite")
    await sink.open()
    assert sink._connection is not None
    sink._connection.execute("PRAGMA max_page_count = 20")
    n = 5_000
    with pytest.raises(Retry, match="full"):
        await sink.write([make.results(make.points(range(n), [1.0] * n), make.verdicts([1], [1.0]))])
    assert (await sink.count("reading"), await sink.count("verdict"), sink.points_written) == (0, 0, 0)
    sink._connection.execute("PRAGMA max_page_count = 100000")
    await sink.write([make.results(make.points(range(n), [1.0] * n))])
    assert await sink.count("reading") == n
    await sink.close()


async def test_pruning_takes_old_readings_and_verdicts_and_leaves_anomalies(tmp_path: Path) -> None:
    sink = SqliteSink(tmp_path / "results.sqlite")
    await sink.open()
    await sink.write(
        [
            make.results(
                make.points([10, 20, 30], [1.0, 2.0, 3.0]), make.verdicts([10, 20], [0.1, 0.2]), [make.event(10)]
            )
        ]
    )
    assert await sink.prune(20) == 2
    assert [row["time"] for row in await sink.rows("reading")] == [30, 20]
    assert [await sink.count(name) for name in ("verdict", "anomaly")] == [1, 1]
    await sink.close()


async def test_what_was_written_is_there_for_another_process(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    sink = SqliteSink(path)
    await sink.open()
    await sink.write([make.results(make.points([1], [241.7]))])
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)  # while the sink is open: write-ahead mode allows it
    assert reader.execute("SELECT asset, series, value FROM reading").fetchall() == [("oven3", "zone2_temp", 241.7)]
    reader.close()
    await sink.close()


async def test_a_cancelled_write_does_not_meet_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = SqliteSink(tmp_path / "results.sqlite")
    await sink.open()
    started, go_on, plain = threading.Event(), threading.Event(), sink._write

    def held(made: Sequence[Table]) -> None:
        started.set()
        assert go_on.wait(10)
        plain(made)

    monkeypatch.setattr(sink, "_write", held)
    first = asyncio.create_task(sink.write([make.results(make.points([1, 2], [1.0, 1.0]))]))
    assert await asyncio.to_thread(started.wait, 10)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.create_task(sink.write([make.results(make.points([3], [2.0]))]))
    go_on.set()
    await second
    assert await sink.count("reading") == 3
    await sink.close()


async def test_closing_twice_or_without_opening_does_no_harm(tmp_path: Path) -> None:
    sink = SqliteSink(tmp_path / "results.sqlite")
    await sink.close()
    await sink.open()
    await sink.close()
    await sink.close()
