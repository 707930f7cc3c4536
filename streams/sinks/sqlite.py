"""An embedded store of results: one SQLite file in write-ahead mode, for the demo and small sites."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from schemas.errors import Misconfigured, Retry
from streams.results import Results
from streams.sinks.points import MEASUREMENTS, checked_tags, tables
from streams.sinks.table import FieldType, Measurement, Table

T = TypeVar("T")

TYPES: dict[FieldType, str] = {"int": "INTEGER", "float": "REAL", "bool": "INTEGER", "str": "TEXT"}
BUSY_S = 5.0
PERMANENT = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}
"""What waiting does not mend (SQLite result codes)."""


class SqliteSink:
    """Writes results to tables reading, verdict and anomaly of the file at `path`, made when it is not there.

    A point is a row keyed by its tags and time; writing it again changes nothing, writing it with other fields
    replaces those and keeps the rest, as InfluxDB does. One transaction and one sync to disk for each `write`.
    The connection belongs to one thread of its own, so that the event loop never waits for the disk.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.points_written = 0
        self.points_dropped = 0
        self.retries = 0
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    def __repr__(self) -> str:
        return f"SqliteSink({str(self.path)!r})"

    async def open(self) -> None:
        """Open the file and make the tables. Raises Retry (locked, disk full), Misconfigured otherwise."""
        await self._run(self._opened)

    async def write(self, batch: Sequence[Results]) -> None:
        """Store consecutive results, all or nothing. Raises Retry (locked, disk full), Misconfigured otherwise."""

        def store() -> int:
            made = tables(batch)  # here, as the event loop must not wait for it
            self._write(made)
            return sum(len(table.time) for table in made)

        try:
            stored = await self._run(store)
        except Retry:
            self.retries += 1
            raise
        self.points_written += stored

    def forget(self, partition: int) -> None:
        """Nothing is remembered: a write is all or nothing."""

    async def ready(self) -> str | None:
        """None when the file can take results, else one line that says why not."""
        try:
            await self._run(lambda: self._transaction(lambda connection: None))
        except (Retry, Misconfigured) as error:
            return str(error)
        return None

    async def count(self, measurement: str, since_ns: int | None = None) -> int:
        """Number of stored points of a measurement, at or after `since_ns`. Raises Retry."""
        kind = MEASUREMENTS[measurement]
        query = f"SELECT count(*) FROM {kind.name}" + ("" if since_ns is None else " WHERE time >= ?")  # noqa: S608
        asked = () if since_ns is None else (since_ns,)
        found = await self._run(lambda: self._opened().execute(query, asked).fetchone())
        return int(found[0])

    async def rows(self, measurement: str, limit: int = 1_000, **tags: str) -> list[dict[str, Any]]:
        """The newest `limit` points, newest first: time in ns, tags and fields (None where left out).

        `tags` narrows them to points with these values. Raises Retry, ValueError for a tag there is not.
        """
        kind = MEASUREMENTS[measurement]
        checked = checked_tags(kind, tags)
        where = " AND ".join(f"{tag} = ?" for tag in checked) or "1"
        query = f"SELECT {', '.join(kind.columns)} FROM {kind.name} WHERE {where} ORDER BY time DESC LIMIT ?"  # noqa: S608
        asked = (*checked.values(), limit)
        found = await self._run(lambda: self._opened().execute(query, asked).fetchall())
        bools = {name for name, field in kind.fields.items() if field == "bool"}
        return [
            {n: bool(v) if n in bools and v is not None else v for n, v in zip(kind.columns, row, strict=True)}
            for row in found
        ]

    async def prune(self, before_ns: int) -> int:
        """Delete readings and verdicts older than `before_ns`; how many. Anomalies stay. Raises Retry."""

        def delete(connection: sqlite3.Connection) -> int:
            raw = [kind.name for kind in MEASUREMENTS.values() if kind.store == "raw"]
            return sum(connection.execute(f"DELETE FROM {name} WHERE time < ?", (before_ns,)).rowcount for name in raw)  # noqa: S608

        return await self._run(lambda: self._transaction(delete))

    async def close(self) -> None:
        """Close the file; what was written stays."""
        if self._thread is not None:
            await self._run(self._closed)
            self._thread.shutdown(wait=False)
            self._thread = None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        try:
            # a thread of its own, not to_thread: a cancelled call still ends before the next one begins
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is None or code == sqlite3.SQLITE_ERROR:
                raise  # our own SQL is wrong
            text = f"SQLite file {self.path}: {error}"
            if code & 0xFF in PERMANENT:
                raise Misconfigured(f"{text}; expected a database this process may read and write") from error
            raise Retry(text) from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")  # a snapshot counts on what write has returned for
                for kind in MEASUREMENTS.values():
                    connection.execute(create(kind))
                    self._check(connection, kind)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _check(self, connection: sqlite3.Connection, kind: Measurement) -> None:
        found = {row[1] for row in connection.execute(f"PRAGMA table_info({kind.name})")}
        for name in kind.fields.keys() - found if found >= {*kind.tags, "time"} else ():  # of an older version
            connection.execute(f"ALTER TABLE {kind.name} ADD COLUMN {name} {TYPES[kind.fields[name]]}")
            found.add(name)
        if found != set(kind.columns):
            differs = ", ".join(sorted(found ^ set(kind.columns)))
            raise Misconfigured(
                f"SQLite file {self.path}: table {kind.name} is of another version (columns {differs}); move it away"
            )

    def _closed(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self, made: Sequence[Table]) -> None:
        def insert(connection: sqlite3.Connection) -> None:
            for table in made:
                connection.executemany(upsert(table.measurement), _values(table))

        self._transaction(insert)

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            done = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return done


def create(kind: Measurement) -> str:
    """The statement that makes a measurement's table."""
    tags = "".join(f"{tag} TEXT NOT NULL, " for tag in kind.tags)
    fields = "".join(f"{name} {TYPES[field]}, " for name, field in kind.fields.items())
    key = ", ".join((*kind.tags, "time"))
    columns = f"{tags}time INTEGER NOT NULL, {fields}PRIMARY KEY ({key})"
    return f"CREATE TABLE IF NOT EXISTS {kind.name} ({columns}) WITHOUT ROWID"


def upsert(kind: Measurement) -> str:
    """The statement that writes one point: fields it lacks keep what is stored."""
    marks = ", ".join("?" * len(kind.columns))
    fields = ", ".join(f"{name} = coalesce(excluded.{name}, {name})" for name in kind.fields)
    key = ", ".join((*kind.tags, "time"))
    return (
        f"INSERT INTO {kind.name} ({', '.join(kind.columns)}) VALUES ({marks}) "  # noqa: S608
        f"ON CONFLICT ({key}) DO UPDATE SET {fields}"
    )


def _values(table: Table) -> Iterator[tuple[Any, ...]]:
    kind, n = table.measurement, len(table.time)
    columns: list[Sequence[Any]] = []
    for name, field in kind.fields.items():
        match field:
            case "int":
                columns.append(table.ints[name].tolist())
            case "bool":
                columns.append(table.bools[name].tolist())
            case "float":
                values = table.floats[name]
                # SQLite stores NaN as NULL; infinities too, as line protocol cannot hold them
                columns.append(np.where(np.isfinite(values), values, np.nan).tolist())
            case "str":
                columns.append([table.texts[name].get(row) for row in range(n)])
    tags = [table.tags[i] for i in table.code.tolist()]
    rows = zip(table.time.tolist(), tags, zip(*columns, strict=True), strict=True)
    return ((at, *tag, *fields) for at, tag, fields in rows)
