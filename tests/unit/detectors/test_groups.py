"""Groups: which readings are of one row, found by a compiled pass or by sorting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import compiled, groups
from detectors.groups import Groups, group

ROWS = st.lists(st.sampled_from([0, 1, 2, 3, 70, 900, 70_000]), min_size=1, max_size=60).map(np.array)


def by_hand(rows: list[int]) -> list[list[int]]:
    """Distinct rows, local, before, first, last."""
    distinct = list(dict.fromkeys(rows))
    before = [max((j for j in range(i) if rows[j] == row), default=-1) for i, row in enumerate(rows)]
    last = [max(i for i, row in enumerate(rows) if row == each) for each in distinct]
    return [distinct, [distinct.index(row) for row in rows], before, [rows.index(each) for each in distinct], last]


def plainly(found: Groups) -> list[list[int]]:
    return [a.tolist() for a in found]


@given(ROWS)
def test_every_way_finds_what_a_look_at_each_reading_finds(rows: np.ndarray) -> None:
    expected = by_hand(rows.tolist())
    assert plainly(group(rows)) == expected
    assert plainly(groups._sorted(rows)) == expected


@pytest.mark.skipif(not compiled.available, reason="needs numba")
@given(ROWS)
def test_the_compiled_pass_does_so_however_sparse_the_rows(rows: np.ndarray) -> None:
    top = int(rows.max()) + 1
    place = np.full(top, -1, dtype=np.int64)
    written = [np.empty(len(rows), dtype=np.int64) for _ in range(5)]
    k = groups._link.run([rows], [place, *written])
    distinct, local, before, first, last = written
    assert [distinct[:k].tolist(), local.tolist(), before.tolist(), first[:k].tolist(), last[:k].tolist()] == by_hand(
        rows.tolist()
    )


def test_no_readings_have_no_groups() -> None:
    assert plainly(group(np.zeros(0, dtype=np.int64))) == [[], [], [], [], []]


@given(ROWS, st.data())
def test_previous_looks_back_within_a_row_and_then_into_the_table(rows: np.ndarray, data: st.DataObject) -> None:
    values = np.array(data.draw(st.lists(st.integers(0, 9), min_size=len(rows), max_size=len(rows))))
    table = -np.arange(70_001)
    told: dict[int, int] = {}
    expected = []
    for row, value in zip(rows.tolist(), values.tolist(), strict=True):
        expected.append(told.get(row, -row))
        told[row] = value
    assert group(rows).previous(values, table).tolist() == expected
