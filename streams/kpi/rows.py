"""Rows: figures of windows as the rows that are told of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from detectors.efficiency.stated import REASONS
from schemas.kpi import KpiRow
from streams.kpi.carbon import CARRIED
from streams.kpi.figures import Figure, Floats
from streams.kpi.lines import LineTold
from streams.kpi.windows import Told

_ALL = set(KpiRow.model_fields)
_put = object.__setattr__


def rows_of(
    told: Sequence[Told | LineTold],
    assets: Sequence[str],
    level: Literal["machine", "line"],
    figures: Iterable[Figure],
    config: str,
) -> Iterator[KpiRow]:
    """The rows of figures of n windows of n assets, in the figures' order."""
    windows = [(one.window.shift, one.window.start, one.window.end, one.status, one.revision) for one in told]
    for figure in figures:
        at = np.flatnonzero(figure.of)
        low, high = (_numbers(None if ends is None else ends[at], len(at)) for ends in (figure.low, figure.high))
        columns = (at.tolist(), _numbers(figure.value[at], len(at)), low, high, figure.coverage[at].tolist())
        carried = [False] * len(at) if figure.carried is None else figure.carried[at].tolist()
        for i, value, least, most, coverage, reason, kept in zip(
            *columns, figure.reason[at].tolist(), carried, strict=True
        ):
            shift, start, end, status, revision = windows[i]
            yield made(
                {
                    "schema_version": 1,
                    "asset": assets[i],
                    "level": level,
                    "kpi": figure.kpi,
                    "product": figure.product,
                    "shift": shift,
                    "start": start,
                    "end": end,
                    "value": value,
                    "low": least,
                    "high": most,
                    "unit": figure.unit,
                    "coverage": coverage,
                    "status": "provisional" if kept else status,
                    "revision": revision,
                    "reason": REASONS[reason] or (CARRIED if kept else ""),
                    "config": config,
                }
            )


def made(fields: dict[str, Any]) -> KpiRow:
    """A row of all its fields, in their order, of which the types are known to be right: checking them would be most
    of what a row costs.
    """
    row = KpiRow.__new__(KpiRow)
    _put(row, "__dict__", fields)
    _put(row, "__pydantic_fields_set__", _ALL)
    _put(row, "__pydantic_extra__", {})
    _put(row, "__pydantic_private__", None)
    return row


def _numbers(values: Floats | None, n: int) -> list[float | None]:
    """Numbers, None where there is none."""
    if values is None:
        return [None] * n
    out: list[float | None] = values.tolist()
    for i in np.flatnonzero(~np.isfinite(values)).tolist():
        out[i] = None
    return out
