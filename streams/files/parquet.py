"""Parquet in the wide form; needs the extra `arrow`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.chunk import Place, SeriesKey
from schemas.errors import Misconfigured
from streams.files.block import CELLS, FileBlock
from streams.files.header import listed
from streams.files.numbers import ABSENT, NOT_FINITE
from streams.files.options import FileOptions
from streams.files.parquet_times import only, rule_of, times_of
from streams.files.plan import distinct
from streams.files.source import Progress
from streams.files.times import TimeRule
from streams.files.wide import Clock, Column, assemble, held_times


@dataclass(frozen=True)
class Plan:
    """How one parquet file is read."""

    path: Path
    names: tuple[str, ...]
    time: tuple[int, ...]
    series: tuple[int, ...]
    rule: TimeRule
    notes: tuple[str, ...]


def _arrow(path: Path) -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise Misconfigured(f"{path}: parquet needs the extra: pip install 'millstream[arrow]'") from None


def _opened(path: Path) -> Any:
    arrow, parquet = _arrow(path)
    try:
        return parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError) as error:
        raise Misconfigured(f"{path}: is no parquet file that can be read ({_line(error)})") from None


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__


def plan(path: Path, options: FileOptions) -> Plan:
    """Look at a parquet file's schema and first rows. Raises Misconfigured."""
    arrow, _ = _arrow(path)
    with _opened(path) as file:
        schema = file.schema_arrow
        names = distinct([str(name) for name in schema.names])
        if not file.metadata.num_rows:
            raise Misconfigured(f"{path}: has columns but no rows")
        time, notes = _time_columns(path, schema, names, options, arrow)
        kept: list[int] = []
        left: list[int] = []
        for at, field in enumerate(schema):
            if at not in time and names[at] not in options.drop:
                (kept if _usable(field.type, arrow) else left).append(at)
        if left:
            notes.append(
                f"{path.name}: columns that hold neither numbers nor text left out: {listed([names[c] for c in left])}"
            )
        if not kept:
            raise Misconfigured(f"{path}: has no column of numbers or text beside the time")
        rule = TimeRule(zone=options.timezone, format=options.time_format)
        if time:
            try:
                batch = next(file.iter_batches(batch_size=1000))
            except (arrow.ArrowException, OSError, StopIteration) as error:
                raise Misconfigured(f"{path}: its rows cannot be read ({_line(error)})") from None
            rule = rule_of(path, only(batch, time, arrow), names, time, rule)
    return Plan(path, names, time, tuple(kept), rule, tuple(notes))


def _time_columns(
    path: Path, schema: Any, names: tuple[str, ...], options: FileOptions, arrow: Any
) -> tuple[tuple[int, ...], list[str]]:
    if options.interval_ns is not None:
        return (), []
    if options.time_columns:
        folded = [name.casefold() for name in names]
        for wanted in options.time_columns:
            if wanted.strip().casefold() not in folded:
                raise Misconfigured(f"{path}: there is no column {wanted!r}; the columns are {listed(names)}")
        return tuple(folded.index(w.strip().casefold()) for w in options.time_columns), []
    dated = [at for at, field in enumerate(schema) if arrow.types.is_temporal(field.type)]
    if 0 in dated or not dated:
        return (0,), []
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    if len(dated) == 1 and names[dated[0]] in index:
        # a data frame's index is written behind its columns
        return (dated[0],), [f"{path.name}: time is the data frame's index {names[dated[0]]!r}"]
    raise Misconfigured(f"{path}: the first column {names[0]!r} holds no times; use --time-column {names[dated[0]]!r}")


def _usable(kind: Any, arrow: Any) -> bool:
    types = arrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        types.is_floating(kind)
        or types.is_integer(kind)
        or types.is_boolean(kind)
        or types.is_decimal(kind)
        or types.is_null(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
    )


def _column(column: Any, arrow: Any) -> Column:
    n, types = len(column), arrow.types
    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    absent: NDArray[np.bool_] = np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if types.is_string(kind) or types.is_large_string(kind):
        texts = [text or "" for text in column.to_pylist()]
        absent = absent | np.fromiter((not text.strip() for text in texts), np.bool_, n)
        return Column(np.full(n, np.nan), absent.astype(np.uint8), texts)
    if types.is_null(kind):
        return Column(np.full(n, np.nan), np.full(n, ABSENT, np.uint8), None)
    if types.is_dictionary(column.type):
        column = column.cast(kind)
    value = np.asarray(column.cast("float64", safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    state = (absent | np.isnan(value)).astype(np.uint8)
    state[np.isinf(value)] = NOT_FINITE
    return Column(np.where(state == 0, value, np.nan), state, None)


def blocks(plan: Plan, asset: str, clock: Clock | None = None, progress: Progress | None = None) -> Iterator[FileBlock]:
    """Read a parquet file block by block. Raises Misconfigured when its pages are damaged."""
    arrow, _ = _arrow(plan.path)
    keys = [SeriesKey(asset, plan.names[c], None) for c in plan.series]
    name, notes, row, last = plan.path.name, plan.notes, 0, None
    size = plan.path.stat().st_size
    with _opened(plan.path) as file:
        total = max(1, file.metadata.num_rows)
        batches = file.iter_batches(batch_size=max(1, CELLS // max(1, len(keys))))
        while True:
            try:
                batch = next(batches, None)
            except (arrow.ArrowException, OSError) as error:
                raise Misconfigured(f"{plan.path}: is damaged behind row {row} ({_line(error)})") from None
            if batch is None:
                return
            n = batch.num_rows
            if not n:
                continue
            if clock is not None:
                time = clock.start_ns + np.arange(row, row + n, dtype=np.int64) * clock.interval_ns
                ok = np.ones(n, np.bool_)
            else:
                time, ok = times_of(only(batch, plan.time, arrow), plan.rule)
            columns = [_column(batch.column(c), arrow) for c in plan.series]
            received = held_times(time, ok, last)
            yield _with_rejects(plan, keys, columns, time, ok, received, row, name, notes)
            notes, row, last = (), row + n, int(received[-1])
            if progress is not None:
                progress(size * row // total)


def _with_rejects(
    plan: Plan,
    keys: list[SeriesKey],
    columns: list[Column],
    time: NDArray[np.int64],
    ok: NDArray[np.bool_],
    received: NDArray[np.int64],
    first: int,
    name: str,
    notes: tuple[str, ...],
) -> FileBlock:
    label = " ".join(plan.names[c] for c in plan.time)
    places = [f"{name}:{first + at + 1}" for at in range(len(time))]
    rejects = [
        Place(at, "bad_time", f"{places[at]} {label}", name, sum(int(c.state[at] != ABSENT) for c in columns))
        for at in np.flatnonzero(~ok).tolist()
    ]
    return assemble(keys, columns, time, ok, received, places, rejects, name, notes)
