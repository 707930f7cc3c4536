"""Rows are made without being checked: they are what checking them would give."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.efficiency.stated import REASONS, UNPRODUCED
from schemas.kpi import KpiRow
from streams.kpi.carbon import CARRIED
from streams.kpi.figures import Figure
from streams.kpi.grid import Window
from streams.kpi.rows import rows_of
from streams.kpi.windows import Told

HOUR, SHIFT = Window("hour", 0, 10), Window("shift", 0, 80, "early")
TOLD = [Told(0, HOUR, "final", 3, 10, []), Told(1, SHIFT, "provisional", 1, 40, [])]
ASSETS = ["p/a/l/m1", "p/a/l/m2"]


@pytest.mark.parametrize("ends", [None, np.array([0.25, np.nan])])
def test_a_row_is_what_checking_its_fields_gives(ends: np.ndarray | None) -> None:
    share, reason = np.array([0.5, 1.0]), np.array([0, UNPRODUCED], dtype=np.uint8)
    figure = Figure("quality", "1", np.array([0.75, np.nan]), share, reason, np.array([True, True]), ends, ends)
    first, second = rows_of(TOLD, ASSETS, "machine", [figure], "abc")
    assert second.reason == REASONS[UNPRODUCED] == "nothing was produced"
    assert (second.value, second.shift, second.revision) == (None, "early", 1)
    assert (first.value, first.low, first.high) == (0.75, *[None if ends is None else 0.25] * 2)
    for row in (first, second):
        assert list(row.__dict__) == list(KpiRow.model_fields)
        again = KpiRow.model_validate(row.model_dump())
        assert again == row
        assert (
            again.model_dump_json()
            == row.model_dump_json()
            == KpiRow.model_validate_json(row.model_dump_json()).model_dump_json()
        )
        assert again.model_copy(update={"value": 1.0}) == row.model_copy(update={"value": 1.0})
        assert {type(value) for value in row.__dict__.values()} <= {str, int, float, type(None)}


def test_windows_that_a_figure_is_not_of_have_no_row() -> None:
    ones = np.ones(2)
    figure = Figure("demand", "kW", ones, ones, np.zeros(2, dtype=np.uint8), np.array([False, True]))
    assert [row.asset for row in rows_of(TOLD, ASSETS, "line", [figure, figure], "")] == ["p/a/l/m2"] * 2


def test_what_stands_on_a_factor_of_another_year_stays_provisional_and_says_so() -> None:
    ones = np.ones(2)
    figure = Figure("carbon", "kg", ones, ones, np.zeros(2, dtype=np.uint8), ones > 0, carried=np.array([True, False]))
    first, second = rows_of([TOLD[0]] * 2, ASSETS, "machine", [figure], "")
    assert (first.status, first.reason) == ("provisional", CARRIED)
    assert (second.status, second.reason) == ("final", "")
