"""Load factor and highest demand of shifts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from streams.resolve import resolve
from streams.site import Site
from tests.unit.kpi.one_machine import by_window, told

START = int(datetime(2026, 1, 5, 6, tzinfo=UTC).timestamp())


def rows_of(shift: str = "06:00-10:00", **site: Any) -> Any:
    """100 kW over the second of four hours, 20 kW over the others: 160 kWh; a meter of reactive energy beside it."""
    options = {
        "site": {"demand_window": "30m", **site},
        "calendar": {"shifts": {"day": shift}},
        "machine": [{"assets": "*", "energy": {"counter": "kwh", "reactive_counter": "kvarh"}}],
        "watch": [],
    }
    of = resolve(Site.model_validate(options))
    minutes = range(0, 241, 5)
    kwh = [(20 * m + 80 * min(max(m - 60, 0), 60)) / 60 for m in minutes]
    readings = [(START + 60 * m, {"kwh": e, "kvarh": 0.75 * e}) for m, e in zip(minutes, kwh, strict=True)]
    return by_window(told(of, readings))


def test_load_factor_is_mean_over_highest_demand() -> None:
    """kWh / (kWmax x hours): 160 / (100 x 4) = 0.4."""
    rows = rows_of()
    assert rows["demand_max", "day", START].value == pytest.approx(100.0)
    assert rows["demand_max", "day", START].unit == "kW"
    assert rows["load_factor", "day", START].value == pytest.approx(0.4)
    assert rows["reactive_energy", "day", START].value == pytest.approx(120.0)
    assert rows["power_factor", "day", START].value == pytest.approx(0.8)
    assert ("load_factor", "", START) not in rows, "of shifts, not of hours"


def test_only_demand_windows_within_the_shift_count() -> None:
    # 06:00 to 07:40: of the window 07:30 to 08:00 half an hour's demand is not the shift's
    rows = rows_of("06:00-07:40")
    assert rows["demand_max", "day", START].value == pytest.approx(100.0), "07:00 to 07:30"
    assert rows["load_factor", "day", START].value == pytest.approx((20 + 100 * 2 / 3) / (100 * 5 / 3))


def test_a_shift_without_a_whole_demand_window_says_so() -> None:
    rows = rows_of("06:10-06:50")
    row = rows["demand_max", "day", START + 600]
    assert (row.value, row.reason) == (None, "no demand was measured")
    assert rows["load_factor", "day", START + 600].reason == "no demand was measured"


def test_without_demand_windows_there_is_no_load_factor() -> None:
    assert not [kpi for kpi, _, _ in rows_of(demand_window=None) if kpi in ("load_factor", "demand_max", "demand")]
