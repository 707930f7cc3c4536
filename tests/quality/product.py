"""Arrays through the product path: the engine that `millstream score` and the worker drive, on columns of readings."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.registry import REGISTRY
from schemas.anomaly import AnomalyEvent
from schemas.chunk import Chunk, SeriesKey, columns
from streams.engine import Engine, Rows
from streams.resolve import resolve
from streams.results import Results
from streams.site import DEFAULT_WATCHES, Site

AUTO = {"name": "auto", "series": "*", "detector": {"kind": "auto"}}
BITE = 5_000
"""Rows fed at once: batching changes nothing, but this is quick and memory stays flat."""


class Table(NamedTuple):
    """Readings of one asset: n rows of p series."""

    asset: str
    names: tuple[str, ...]
    time: NDArray[np.int64]  # (n,) ns
    x: NDArray[np.float64]  # (n, p), NaN where there is no reading

    def rows(self, first: int, last: int) -> Table:
        """Rows [first, last)."""
        return self._replace(time=self.time[first:last], x=self.x[first:last])

    def only(self, name: str) -> Table:
        """One of its series, without the rows in which that has no reading."""
        x = self.x[:, self.names.index(name)]
        here = ~np.isnan(x)
        return Table(self.asset, (name,), self.time[here], x[here][:, None])


def watches() -> list[dict[str, Any]]:
    """The default site's watches, and `auto` where it is not among them."""
    found = [dict(watch) for watch in DEFAULT_WATCHES]
    has_auto = any(watch["detector"]["kind"] == "auto" for watch in found)
    return found if has_auto else [*found, AUTO]


def site(watch: Sequence[dict[str, Any]]) -> Site:
    """A site of these watches."""
    return Site.model_validate({"watch": list(watch)})


def health() -> list[dict[str, Any]]:
    """The default site's health gate."""
    return [watch for watch in watches() if REGISTRY[watch["detector"]["kind"]].health]


def chunk(table: Table, first_offset: int = 0) -> Chunk:
    """A message for each row, as a file's rows are fed."""
    row, code = np.nonzero(~np.isnan(table.x))
    keys = [SeriesKey(table.asset, name, None) for name in table.names]
    made = columns(
        table.time, row.astype(np.int32), keys, code.astype(np.int32), table.time[row], table.x[row, code],
        first_offset=first_offset,
    )  # fmt: skip
    return made._replace(asset=[table.asset] * len(table.time))


class Line:
    """An engine with one site, fed tables; it can branch, as if history had gone on in another way."""

    def __init__(self, of: Site, rows: Rows = "none") -> None:
        self.of = resolve(of)
        self.engine = Engine(0, 1, self.of, rows=rows)

    def results(self, table: Table) -> Iterator[Results]:
        """What the engine gives for these rows, bite by bite."""
        for first in range(0, len(table.time), BITE):
            yield self.engine.feed(chunk(table.rows(first, first + BITE), self.engine.next_offset))

    def feed(self, table: Table) -> list[AnomalyEvent]:
        """The events that follow from these rows."""
        return [event for results in self.results(table) for event in results.events]

    def save(self) -> dict[str, Any]:
        """What `branch` goes on from."""
        return copy.deepcopy(self.engine.snapshot())

    def branch(self, saved: dict[str, Any]) -> Line:
        """Another engine that goes on from there."""
        other = Line.__new__(Line)
        other.of = self.of
        other.engine = Engine(0, 1, self.of, rows=self.engine.rows)
        assert not other.engine.restore(copy.deepcopy(saved))
        return other


def told(events: Sequence[AnomalyEvent]) -> list[AnomalyEvent]:
    """What a person is told of: openings and escalations."""
    return [event for event in events if event.phase != "closed"]
