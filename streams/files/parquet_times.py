"""Times of a parquet file: time stamps, dates, texts and counts since the epoch, to integer nanoseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from schemas.errors import Misconfigured
from streams.files.guess import learn_order
from streams.files.times import TimeRule, Times, parse
from streams.files.zones import to_utc

_UNIT_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def rule_of(path: Path, batch: Any, names: tuple[str, ...], time: tuple[int, ...], rule: TimeRule) -> TimeRule:
    """How the times of a batch's (time) columns are read. Raises Misconfigured when they are none."""
    texts = _texts(batch) if rule.format is None else None
    if texts:
        order = learn_order(texts)
        if order is None:
            raise Misconfigured(f"{path}: {texts[0]!r} can be day or month first; use --time-format")
        rule = TimeRule(zone=rule.zone, order=order)
    if not times_of(batch, rule).ok.any():
        first = batch.column(0)[0].as_py()
        named = " ".join(names[c] for c in time)
        raise Misconfigured(
            f"{path}: no time column found: {named!r} holds {str(first)[:40]!r}; "
            "use --time-column NAME, or --interval 1h for a file without times"
        )
    return rule


def only(batch: Any, columns: tuple[int, ...], arrow: Any) -> Any:
    """A batch of some of its columns, by number: names may repeat."""
    return arrow.RecordBatch.from_arrays([batch.column(c) for c in columns], [str(c) for c in columns])


def _texts(batch: Any) -> list[str] | None:
    """The time as text: of two columns, of one of texts, or of counts."""
    if batch.num_columns == 1 and (str(batch.column(0).type).startswith(("timestamp", "date"))):
        return None
    columns = [column.to_pylist() for column in batch.columns]
    return [" ".join("" if part is None else _text(part) for part in row) for row in zip(*columns, strict=True)]


def _text(part: Any) -> str:
    if isinstance(part, float) and part.is_integer():
        return str(int(part))
    if hasattr(part, "hour") and hasattr(part, "year"):
        # a column of dates joined with one of clock times is often stored as midnights
        return str(part.date()) if (part.hour, part.minute, part.second) == (0, 0, 0) else str(part)
    return str(part)


def times_of(batch: Any, rule: TimeRule) -> Times:
    """The times (n,) of a batch that holds nothing but the time columns."""
    texts = _texts(batch)
    if texts is not None:
        return parse(texts, rule)
    column, kind = batch.column(0), batch.column(0).type
    ok = ~np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if str(kind).startswith("date32"):
        raw, unit = column.cast("int32").fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64), 86_400 * 10**9
    else:
        name = getattr(kind, "unit", "ms")
        raw, unit = column.cast("int64").fill_null(0).to_numpy(zero_copy_only=False), _UNIT_NS[name]
    ok &= np.abs(raw) < (2**63 - 1) // unit - 1
    ns = np.where(ok, raw, 0).astype(np.int64) * unit
    if getattr(kind, "tz", None) is None and rule.zone != "UTC":
        ns = to_utc(ns, rule.zone)
    return Times(np.where(ok, ns, 0), ok)
