"""Energy in money and CO2e of hours and shifts, equal to the slow sum over every second."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from streams.kpi.carbon import CARRIED
from streams.resolve import ResolvedSite, resolve
from streams.site import Site
from streams.supply import Supply
from tests.naive.efficiency.carbon import naive_factor
from tests.naive.efficiency.priced import LOCAL, naive_price, naive_worth
from tests.unit.kpi.one_machine import by_window, told, told_with_finals

DATA = Path(__file__).parents[2] / "data"
HOLIDAY = "2026-02-17"
TIMES = {
    "a holiday, at which prices change within quarters of an hour": "2026-02-17T15:20",
    "a weekday, at which prices change within quarters of an hour": "2026-02-18T15:20",
    "the night in which one tariff follows another": "2025-06-30T21:10",
    "a Saturday": "2025-07-05T13:10",
    "the night in which one year's factor follows another's": "2023-12-31T22:40",
}


def site(tariff: str = "tnb_medium_voltage", **energy: Any) -> ResolvedSite:
    options = {
        "site": {"timezone": "Asia/Kuala_Lumpur"},
        "calendar": {"days": {HOLIDAY: "sunday"}, "shifts": {"late": "15:10-23:30"}},
        "energy": {"tariff": tariff, "grid": "peninsular_malaysia", **energy},
        "machine": [{"assets": "*", "energy": {"power": "power", "bridge": "20m"}, "parts": {"good": "good"}}],
        "watch": [],
    }
    return resolve(Site.model_validate(options), DATA)


SITES = {name: site(name) for name in ("tariff_by_minutes.toml", "tnb_medium_voltage")}


def supply(of: ResolvedSite) -> Supply:
    assert of.supply is not None
    return of.supply


@pytest.mark.parametrize("tariff", SITES)
@settings(max_examples=12, deadline=None)
@given(st.sampled_from(list(TIMES)), st.integers(0, 2**32 - 1))
def test_cost_and_carbon_equal_the_sum_over_every_second(tariff: str, when: str, seed: int) -> None:
    of, rng = SITES[tariff], np.random.default_rng(seed)
    start = int(datetime.fromisoformat(TIMES[when]).replace(tzinfo=LOCAL).timestamp())
    steps = rng.choice([1, 45, 60, 300, 900, 1500], 30, p=[0.1, 0.2, 0.3, 0.2, 0.15, 0.05])
    times = (start + np.cumsum(steps)).tolist()
    readings = [(t, float(kw)) for t, kw in zip(times, rng.uniform(0, 50, len(times)).round(3), strict=True)]
    rows = by_window(told(of, [(t, {"power": kw}) for t, kw in readings]))
    tariffs = [dated.tariff for dated in supply(of).tariffs]
    held = list(supply(of).factors.factors)
    rates = {
        "energy_cost": lambda s: naive_price(tariffs, s, {HOLIDAY}),
        "carbon_location": lambda s: naive_factor(held, "peninsular_malaysia", s * SECOND, None)[0],
    }
    for kpi, rate in rates.items():
        found = [row for (name, _, _), row in rows.items() if name == kpi]
        assert found
        for row in found:
            slow = naive_worth(readings, rate, 1200, row.start // SECOND, row.end // SECOND)
            assert row.value == pytest.approx(slow, rel=1e-9, abs=1e-9)


def test_cost_by_hand_where_prices_change_within_a_quarter_of_an_hour() -> None:
    # Wednesday, 60 kW all along, so 1 kWh a minute: 16:00 to 16:02 low, to 16:04 high, to 16:07 middle, then low
    noon = int(datetime(2026, 2, 18, 16, tzinfo=LOCAL).timestamp())
    rows = by_window(told(SITES["tariff_by_minutes.toml"], [(noon + 300 * i, {"power": 60.0}) for i in range(13)]))
    cost = rows["energy_cost", "", noon]
    assert cost.value == pytest.approx(2 * 0.26 + 2 * 1.01 + 3 * 0.51 + 53 * 0.26)
    assert (cost.unit, cost.status, cost.coverage, cost.reason) == ("MYR", "final", 1.0, "")


def test_there_is_no_cost_before_the_first_tariff_and_the_reason_is_told() -> None:
    start = int(datetime(2013, 12, 31, 23, tzinfo=LOCAL).timestamp())
    rows = by_window(told(SITES["tnb_medium_voltage"], [(start + 300 * i, {"power": 6.0}) for i in range(25)]))
    assert rows["energy", "", start].value == pytest.approx(6.0)
    assert (rows["energy_cost", "", start].value, rows["energy_cost", "", start].reason) == (
        None, "no tariff is valid at that time",
    )  # fmt: skip
    assert rows["energy_cost", "", start + 3600].value == pytest.approx(6 * 0.219)
    carbon = rows["carbon_location", "", start]
    assert (carbon.value, carbon.reason) == (None, "no factor is valid at that time")


@pytest.mark.parametrize(("edition", "factor"), [(1, 0.774), (None, 0.769)])
def test_carbon_of_2022_by_the_edition_as_published_and_as_restated(edition: int | None, factor: float) -> None:
    """Energy Commission of Malaysia, 2022: 0.774 kg CO2e/kWh as first published, 0.769 as restated."""
    start = int(datetime(2022, 5, 4, 10, tzinfo=LOCAL).timestamp())
    rows = by_window(told(site(edition=edition), [(start + 300 * i, {"power": 50.0}) for i in range(13)]))
    carbon = rows["carbon_location", "", start]
    assert carbon.value == pytest.approx(50 * factor)
    assert (carbon.unit, carbon.status) == ("kg", "final")


def test_a_factor_that_is_carried_on_leaves_carbon_provisional() -> None:
    start = int(datetime(2026, 5, 4, 10, tzinfo=LOCAL).timestamp())
    rows = by_window(told(site(), [(start + 300 * i, {"power": 50.0}) for i in range(13)]))
    carbon = rows["carbon_location", "", start]
    assert carbon.value == pytest.approx(50 * 0.740)
    assert (carbon.status, carbon.reason) == ("provisional", CARRIED)
    assert rows["energy_cost", "", start].status == "final"


def test_what_stays_provisional_is_judged_by_watches_once_its_window_is_over() -> None:
    start = int(datetime(2026, 5, 4, 10, tzinfo=LOCAL).timestamp())
    rows, finals = told_with_finals(site(), [(start + 300 * i, {"power": 50.0}) for i in range(13)])
    carried = [row for row in finals if row.kpi == "carbon_location" and row.value]
    assert carried == [row for row in rows if row.kpi == "carbon_location" and row.value]
    assert {row.status for row in carried} == {"provisional"}


def test_certificates_make_market_based_carbon_less_than_location_based() -> None:
    # 2024: 30 % by certificates at 0, 20 % at 0.1, the rest at the grid's 0.740
    dates = {"valid_from": "2024-01-01", "valid_to": "2025-01-01", "source": "a contract"}
    bought = [{"name": "sun", "share": 0.3, **dates}, {"name": "gas", "share": 0.2, "kg_per_kwh": 0.1, **dates}]
    start = int(datetime(2024, 5, 6, 10, tzinfo=LOCAL).timestamp())
    rows = by_window(told(site(certificates=bought), [(start + 300 * i, {"power": 100.0}) for i in range(13)]))
    assert rows["carbon_location", "", start].value == pytest.approx(74.0)
    assert rows["carbon_market", "", start].value == pytest.approx(0.2 * 100 * 0.1 + 0.5 * 74.0)


def test_cost_and_carbon_of_a_good_part() -> None:
    start = int(datetime(2024, 5, 6, 10, tzinfo=LOCAL).timestamp())
    minutes = [(start + 60 * i, {"power": 60.0, "good": 5 * i}) for i in range(61)]
    rows = by_window(told(SITES["tnb_medium_voltage"], minutes))
    assert rows["energy_cost_per_good", "", start].value == pytest.approx(60 * 0.355 / 300)
    assert rows["energy_cost_per_good", "", start].unit == "MYR/{item}"
    assert rows["carbon_per_good", "", start].value == pytest.approx(60 * 0.740 / 300)
    none = by_window(told(SITES["tnb_medium_voltage"], [(t, {**v, "good": 7}) for t, v in minutes]))
    assert none["energy_cost_per_good", "", start].reason == "no good item was produced"
