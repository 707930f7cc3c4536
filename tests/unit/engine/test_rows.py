"""Which rows an engine's results hold is for the caller to say, and changes nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.chunk import Record
from streams.engine import Engine, Rows
from streams.results import Results
from streams.state.codec import pack
from tests.unit.engine.logs import PARTITION, PARTITIONS, decoded, log, site


def results_of(records: list[Record], rows: Rows) -> tuple[list[Results], bytes]:
    engine = Engine(PARTITION, PARTITIONS, site(), rows=rows)
    made = [engine.feed(decoded(records[i : i + 25])) for i in range(0, len(records), 25)]
    return made, b"".join(pack(engine.snapshot()))


def verdict_rows(results: Results) -> list[Any]:
    v = results.verdicts
    kept = np.flatnonzero(v.store)
    names = (v.reading, v.series, v.watch, v.time, v.value, v.score, v.expected, v.low, v.high, v.status)
    return sorted(zip(*([repr(x) for x in a[kept].tolist()] for a in names), strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_asked_for_stored_rows_it_gives_exactly_those_that_it_would_mark(seed: int) -> None:
    for every, stored in zip(results_of(log(seed), "all")[0], results_of(log(seed), "stored")[0], strict=True):
        assert verdict_rows(stored) == verdict_rows(every)
        assert stored.verdicts.store.all()
        names = ("series", "time", "value", "quality", "late")
        assert all(repr(getattr(stored.points, n)) == repr(getattr(every.points, n)) for n in names)
        assert stored.points.text == every.points.text
        shares = {every.verdicts.time[i]: s for i, s in every.verdicts.contribution.items() if every.verdicts.store[i]}
        assert {stored.verdicts.time[i]: s for i, s in stored.verdicts.contribution.items()} == shares


@pytest.mark.parametrize("rows", ["stored", "none"])
def test_events_counts_and_state_are_the_same_whatever_rows_are_asked_for(rows: Rows) -> None:
    every, state = results_of(log(3), "all")
    fewer, same = results_of(log(3), rows)
    assert same == state
    for a, b in zip(every, fewer, strict=True):
        assert a.counts == b.counts
        assert list(a.events) == list(b.events)
    assert sum(r.counts["verdicts"] for r in every) > 0
    assert rows == "stored" or not any(len(r.verdicts.time) or len(r.points.time) for r in fewer)


def test_verdicts_are_counted_where_none_are_given() -> None:
    every, _ = results_of(log(5), "all")
    assert [r.counts["verdicts"] for r in every] == [int(np.isfinite(r.verdicts.score).sum()) for r in every]
