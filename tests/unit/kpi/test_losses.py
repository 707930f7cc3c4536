"""Losses of hours and shifts: they add up, and are in money what a minute costs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.kpi import KpiRow
from streams.resolve import ResolvedSite, resolve
from streams.site import Site
from tests.unit.kpi.one_machine import by_window, told

START = int(datetime(2026, 1, 5, 5, 50, tzinfo=UTC).timestamp())
WORDS = {"RUN": "producing", "WAIT": "starved", "STOP": "down", "SET": "setup", "OFF": "planned", "?": "unknown"}
LOST = ("breakdowns", "setup", "minor_stops", "speed", "rejects", "unknown")
APART = ("startup_rejects", "production_rejects", *(name for name in LOST if name != "rejects"))


def site(**machine: Any) -> ResolvedSite:
    entry = {
        "assets": "*",
        "state": {"series": "state", "words": WORDS},
        "parts": {"total": "total", "reject": "reject", "ideal": "30s"},
        "minute_cost": 12.5,
        **machine,
    }
    options = {
        "calendar": {"shifts": {"day": "06:00-09:00"}, "breaks": ["07:20-07:30"]},
        "energy": {"currency": "MYR"}, "machine": [entry], "watch": [],
    }  # fmt: skip
    return resolve(Site.model_validate(options))


SITE, TOLD_APART = site(), site(startup="15m")


def readings(seed: int) -> list[tuple[int, dict[str, Any]]]:
    rng = np.random.default_rng(seed)
    times = (START + np.cumsum(rng.choice([20, 60, 240, 600], 60))).tolist()
    total = np.cumsum(rng.integers(0, 8, len(times)))
    reject = np.cumsum(np.minimum(np.diff(total, prepend=0), rng.integers(0, 2, len(times))))
    return [
        (t, {"state": str(rng.choice(list(WORDS))), "total": int(n), "reject": int(r)})
        for t, n, r in zip(times, total, reject, strict=True)
    ]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_losses_and_good_parts_add_up_to_planned_busy_time(seed: int, apart: bool) -> None:
    rows = by_window(told(TOLD_APART if apart else SITE, readings(seed)))
    names, others = (APART, LOST) if apart else (LOST, APART)
    assert not [name for name in {*others} - {*names} if any(kpi == f"loss_{name}" for kpi, _, _ in rows)]
    windows = {(shift, start) for kpi, shift, start in rows if kpi == "loss_speed"}
    assert any(shift for shift, _ in windows)
    for shift, start in windows:

        def value(kpi: str, none: float = 0.0, at: tuple[str, int] = (shift, start)) -> float:
            row = rows.get((kpi, *at))
            assert row is None or row.value is not None
            return none if row is None or row.value is None else row.value

        availability: KpiRow = rows["availability", shift, start]
        planned = sum(value(f"time_{name}") for name in ("producing", "starved", "down", "setup"))
        busy = planned + value("loss_unknown")
        if availability.value is not None:
            assert value("time_producing") / busy == pytest.approx(availability.value)
            effective = rows["oee", shift, start].value
            if effective is not None:  # OEE x busy time is the planned run time of the good parts
                lost = sum(value(f"loss_{name}") for name in names)
                assert lost + effective * busy == pytest.approx(busy, rel=1e-9, abs=1e-9)
                assert lost + value("fully_productive_time") == pytest.approx(busy, rel=1e-9, abs=1e-9)
        for name in names:
            assert value(f"loss_{name}_cost") == pytest.approx(12.5 * value(f"loss_{name}"))
            assert rows[f"loss_{name}_cost", shift, start].unit == "MYR"


def shift_of_480_minutes() -> list[tuple[int, dict[str, Any]]]:
    """Down 40 minutes, setup 20, starved 20, producing 400 of 480; 380 parts of a minute, 19 of them rejected."""
    start, out = START + 600, []
    for minute in range(481):
        stop = "STOP" if minute < 90 else "SET" if minute < 110 else "WAIT"
        state = stop if 50 <= minute < 130 else "RUN"
        made = min(max(minute - (80 if minute >= 130 else min(max(minute - 50, 0), 80)), 0), 380)
        out.append((start + 60 * minute, {"state": state, "total": made, "reject": made // 20}))
    return out


def test_six_big_losses_of_a_shift_by_hand() -> None:
    """PBT 480, APT 400, PQ 380, GQ 361, PRI 1 min: 40 + 20 + 20 lost to stops, 20 to speed, 19 to rejects."""
    rows = by_window(told(_long(), shift_of_480_minutes()))
    value = {kpi: row.value for (kpi, shift, _), row in rows.items() if shift == "day"}
    expected = {"breakdowns": 40, "setup": 20, "minor_stops": 20, "speed": 20, "rejects": 19, "unknown": 0}
    assert {name: value[f"loss_{name}"] for name in LOST} == pytest.approx(expected)
    assert value["loss_breakdowns_cost"] == pytest.approx(400.0)
    assert value["fully_productive_time"] == pytest.approx(361)
    assert value["oee"] == pytest.approx(361 / 480)


def _long() -> ResolvedSite:
    parts = {"total": "total", "reject": "reject", "ideal": "1m"}
    of = site(parts=parts, minute_cost=10).site
    return resolve(
        of.model_copy(
            update={"calendar": of.calendar.model_copy(update={"shifts": {"day": "06:00-14:00"}, "breaks": []})}
        )
    )


def test_a_product_without_a_planned_run_time_leaves_speed_and_rejects_unknown_and_says_why() -> None:
    of = site(parts={"total": "total", "reject": "reject"})
    rows = by_window(told(of, shift_of_480_minutes()))
    first = START + 600
    assert rows["loss_breakdowns", "", first].value == 10.0
    assert rows["fully_productive_time", "", first].value is None
    assert (rows["loss_speed", "", first].value, rows["loss_speed", "", first].reason) == (
        None, "the planned run time of a product is unknown"
    )  # fmt: skip


def test_money_is_told_only_of_machines_whose_minute_has_a_price() -> None:
    rows = by_window(told(site(minute_cost=None), shift_of_480_minutes()))
    assert not [kpi for kpi, _, _ in rows if kpi.endswith("_cost")]
    assert [kpi for kpi, _, _ in rows if kpi.startswith("loss_")]


def test_rejects_while_in_set_up_and_ten_minutes_after_it_are_of_start_up() -> None:
    """Set-up until 06:20, then running; rejects 1 at 06:10, 2 at 06:25, 1 at 06:30, 3 at 06:50. A part is planned at
    30 s, so 3 x 0.5 = 1.5 min of start-up and 4 x 0.5 = 2 min of production, at 12.50 a minute."""
    made = {10: 1, 25: 2, 30: 1, 50: 3}
    out, rejected = [], 0
    for minute in range(61):
        rejected += made.get(minute, 0)
        state = "SET" if minute < 20 else "RUN"
        out.append((START + 600 + 60 * minute, {"state": state, "total": 2 * minute, "reject": rejected}))
    rows = by_window(told(site(startup="10m"), out))
    start = START + 600
    assert rows["loss_startup_rejects", "", start].value == pytest.approx(1.5)
    assert rows["loss_production_rejects", "", start].value == pytest.approx(2.0)
    assert rows["loss_startup_rejects_cost", "", start].value == pytest.approx(18.75)
    assert rows["loss_production_rejects_cost", "", start].value == pytest.approx(25.0)
    assert ("loss_rejects", "", start) not in rows
    whole = by_window(told(SITE, out))
    assert whole["loss_rejects", "", start].value == pytest.approx(3.5)
    assert ("loss_startup_rejects", "", start) not in whole


@pytest.mark.parametrize(
    "machine", [{"parts": {"total": "total"}}, {"parts": {"good": "good"}}, {"state": None}], ids=str
)
def test_a_start_up_whose_rejects_nobody_counts_is_refused(machine: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="startup tells rejects by when stops end: it needs a state, and parts"):
        site(startup="10m", **machine)
