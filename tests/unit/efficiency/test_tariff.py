"""Tariffs: the utility's worked values, the shipped files, the loaders' errors, and equality with a slow bill."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.efficiency.carbon import factors_at
from detectors.efficiency.tariff import Tariff, class_table
from detectors.efficiency.tariff_cost import bill, power_factor_share, price_per_kw, price_per_kwh
from schemas.errors import Misconfigured
from streams.dated import midnight_ns, zone
from streams.factors import load_factors, shipped_factors
from streams.tariffs import EXAMPLES, load_tariffs, shipped_tariffs
from tests.naive.efficiency.tariff import naive_bill, naive_class

ALL = [entry.tariff() for name in EXAMPLES for entry in shipped_tariffs(name)]
TNB_OLD, TNB, TAIPOWER = ALL


@pytest.mark.parametrize(("factor", "surcharge"), [(0.85, 0), (0.80, 150), (0.75, 300), (0.60, 1200), (0.99, 0)])
def test_tnb_power_factor_surcharge_on_rm_2000(factor: float, surcharge: float) -> None:
    assert 2000 * power_factor_share(TNB.power_factor, [factor])[0] == pytest.approx(surcharge)


def test_taipower_takes_off_a_tenth_of_a_percent_for_each_percent_above_80_up_to_95() -> None:
    said = power_factor_share(TAIPOWER.power_factor, [0.80, 0.90, 0.95, 0.99, 0.70])
    assert said.tolist() == pytest.approx([0, -0.010, -0.015, -0.015, 0.010])


def test_tnb_e2_month_by_hand() -> None:
    # 100,000 kWh peak x .355 + 50,000 off-peak x .219 + 500 kW x 37 = 64,950; PF .80: 7.5 % more
    said = bill(TNB_OLD, [[100_000.0, 50_000.0]], [[500.0, 800.0]], [0.80])
    assert said.energy[0] == pytest.approx(46_450)
    assert said.demand[0] == pytest.approx(18_500)
    assert said.power_factor[0] == pytest.approx(0.075 * 64_950)
    assert said.total()[0] == pytest.approx(1.075 * 64_950)


def test_a_month_without_use_costs_the_minimum() -> None:
    assert bill(TNB_OLD, [[0.0, 0.0]], [[0.0, 0.0]], [1.0]).total()[0] == 600


def test_taipower_demand_above_the_contract_costs_twice_then_three_times() -> None:
    none = np.zeros((1, 7))
    said = bill(TAIPOWER, none, none + 1200.0, [0.80], [1000.0], season=0)
    assert said.demand[0] == pytest.approx(223.6 * (1000 + 2 * 100 + 3 * 100))
    assert price_per_kw(TAIPOWER, 1)[0] == pytest.approx(2 * 166.9)


def test_an_unknown_power_factor_leaves_the_surcharge_unknown_not_0() -> None:
    said = bill(TNB, [[1.0, 1.0]], [[1.0, 1.0]])
    assert np.isnan(said.power_factor[0])
    assert said.energy[0] > 0


def test_prices_by_class_are_energy_and_fuel_adjustment() -> None:
    assert price_per_kwh(TNB.model_copy(update={"fuel_per_kwh": 0.01})).tolist() == pytest.approx([0.3232, 0.2823])
    assert price_per_kw(TNB).tolist() == pytest.approx([97.06, 0])


@pytest.mark.parametrize("tariff", ALL, ids=lambda t: t.name)
def test_the_class_of_every_minute_equals_the_periods_read_one_by_one(tariff: Tariff) -> None:
    table = class_table(tariff)
    for season in range(table.shape[0]):
        for day in range(3):
            assert table[season, day].tolist() == [naive_class(tariff, season, day, m) for m in range(1440)]


@given(st.sampled_from(ALL), st.integers(0, 2**32 - 1), st.integers(0, 1))
def test_a_bill_equals_the_naive_one(tariff: Tariff, seed: int, season: int) -> None:
    rng = np.random.default_rng(seed)
    season = min(season, len(tariff.seasons) - 1)
    kwh = rng.uniform(0, 1e5, (3, len(tariff.classes)))
    kw, factor, contract = rng.uniform(0, 900, kwh.shape), rng.uniform(0, 1, 3), rng.uniform(100, 900, 3)
    said = bill(tariff, kwh, kw, factor, contract, season).total()
    for i in range(3):
        slow = naive_bill(tariff, kwh[i].tolist(), kw[i].tolist(), float(factor[i]), float(contract[i]), season)
        assert said[i] == pytest.approx(slow, rel=1e-9)


def test_a_bill_of_the_wrong_shape_says_which_classes_are_expected() -> None:
    with pytest.raises(ValueError, match=r"\(k, 2\), by peak, off_peak"):
        bill(TNB, [[1.0]], [[1.0]])


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_shipped_tariff_says_its_source_and_asks_to_be_checked(name: str) -> None:
    path = Path(__file__).parents[3] / "streams" / "data" / "tariffs" / f"{name}.toml"
    assert "CHECK EVERY FIGURE AGAINST YOUR OWN BILL" in path.read_text(encoding="utf-8")
    assert all(t.source and t.note for t in load_tariffs(path))


def test_seasons_of_taipower_begin_on_16_may_and_16_october() -> None:
    entry = shipped_tariffs("taipower_high_voltage")[0]
    days = [(1, 1), (5, 15), (5, 16), (10, 15), (10, 16)]
    assert [entry.season_at(*day) for day in days] == [1, 1, 0, 0, 1]


WRONG = {
    'otherwise = "peak"': ('otherwise = "peek"', "expected one of the classes peak, got 'peek'"),
    'timezone = "UTC"': ('timezone = "Mars"', 'tariff[0] ("t").timezone: expected an IANA time zone'),
    "demand_window": ("demand_windw", "unknown key; did you mean 'demand_window'?"),
    "valid_from = 2020-01-01": ("valid_from = 2020-01-01\nvalid_to = 2019-01-01", "expected valid_to after"),
    "peak = 0.3": ("peak = 0.3\n[[tariff.period]]\nclass = 'peak'\nhours = '8-22'", "expected a span of local time"),
}
RIGHT = """
[[tariff]]
name = "t"
utility = "u"
currency = "MYR"
timezone = "UTC"
valid_from = 2020-01-01
source = "s"
demand_window = "30m"
otherwise = "peak"
[tariff.classes]
peak = 0.3
"""


@pytest.mark.parametrize("right", WRONG)
def test_a_wrong_tariff_file_is_refused_with_place_and_what_would_be_right(right: str, tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(RIGHT)
    assert load_tariffs(path)[0].tariff().demand_window_s == 1800
    wrong, message = WRONG[right]
    path.write_text(RIGHT.replace(right, wrong))
    with pytest.raises(Misconfigured) as caught:
        load_tariffs(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_tariffs_that_overlap_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(RIGHT + RIGHT.replace("2020", "2024").replace('"t"', '"later"'))
    with pytest.raises(Misconfigured, match="'t' is still valid when 'later' begins; expected valid_to = 2024-01-01"):
        load_tariffs(path)


FIGURES = [
    ("peninsular_malaysia", "Asia/Kuala_Lumpur", 2022, 1, 0.774),
    ("peninsular_malaysia", "Asia/Kuala_Lumpur", 2022, None, 0.769),
    ("peninsular_malaysia", "Asia/Kuala_Lumpur", 2023, None, 0.760),
    ("peninsular_malaysia", "Asia/Kuala_Lumpur", 2024, None, 0.740),
    ("taiwan", "Asia/Taipei", 2022, None, 0.495),
    ("taiwan", "Asia/Taipei", 2023, None, 0.494),
    ("taiwan", "Asia/Taipei", 2024, None, 0.474),
]


@pytest.mark.parametrize(("grid", "where", "year", "edition", "kg"), FIGURES)
def test_published_grid_factors(grid: str, where: str, year: int, edition: int | None, kg: float) -> None:
    start = midnight_ns(date(year, 1, 1), zone(where))
    said = factors_at(shipped_factors(), grid, np.array([start]), edition)
    assert said.kg_per_kwh.value[0] == kg
    assert not said.carried[0]


def test_a_year_without_a_factor_yet_carries_the_newest_on_and_says_so() -> None:
    start = midnight_ns(date(2026, 5, 1), zone("Asia/Taipei"))
    said = factors_at(shipped_factors(), "taiwan", np.array([start]))
    assert said.kg_per_kwh.value[0] == 0.474
    assert said.carried[0]


def test_a_wrong_factor_file_is_refused_with_place(tmp_path: Path) -> None:
    path = tmp_path / "factors.toml"
    path.write_text('[[factor]]\ngrid = "g"\ntimezone = "UTC"\nyear = 2024\nkg_per_kwh = -1\nsource = "s"\n')
    with pytest.raises(Misconfigured, match=r"factor\[0\].kg_per_kwh: input should be greater than or equal to 0"):
        load_factors(path)
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_factors(tmp_path / "none.toml")
