"""Energy, utilities, carbon: their worked values, and equality with slow oracles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from detectors.efficiency.carbon import Factor, FactorTable, changes, factors_at, location_based, market_based
from detectors.efficiency.demand_risk import money_at_risk, shed_kw
from detectors.efficiency.energy import idle_energy, load_factor, per_good_unit, power_factor
from detectors.efficiency.stated import KNOWN, Stated
from detectors.efficiency.utilities import KW_PER_RT, cooling_kw, delivered, leak_share
from tests.naive.efficiency.carbon import naive_factor, naive_market
from tests.naive.efficiency.energy import (
    naive_chiller,
    naive_leak,
    naive_load_factor,
    naive_power_factor,
    naive_risk,
    naive_shed,
)

AMOUNT = st.floats(0, 1e6)


def known(*values: float) -> Stated:
    return Stated(np.array(values), np.full(len(values), KNOWN, dtype=np.uint8))


def test_load_factor_of_36000_kwh_at_100_kw_over_720_h_is_half() -> None:
    assert load_factor([36_000.0], [100.0], [720.0]).value[0] == 0.5
    assert load_factor([0.0, 1.0], [0.0, 1.0], [720.0, 0.0]).why() == ["no demand was measured", "no time passed"]


def test_power_factor_of_80_kwh_and_60_kvarh_is_80_hundredths() -> None:
    assert power_factor([80.0], [60.0]).value[0] == 0.8
    assert power_factor([0.0], [0.0]).why() == ["no energy was used"]


def test_energy_per_good_unit_has_none_where_nothing_was_good() -> None:
    said = per_good_unit([180.5, 3.0], [361, 0])
    assert said.value[0] == 0.5
    assert np.isnan(said.value[1])


@given(st.lists(st.tuples(AMOUNT, AMOUNT, AMOUNT), min_size=1, max_size=4), st.integers(0, 2), st.floats(0, 2))
def test_idle_energy_is_all_that_was_not_drawn_in_production(
    rows: list[tuple[float, float, float]], producing: int, price: float
) -> None:
    said = idle_energy(rows, producing, np.full(len(rows), price))
    for i, row in enumerate(rows):
        idle = sum(kwh for state, kwh in enumerate(row) if state != producing)
        assert said.kwh[i] == pytest.approx(idle, rel=1e-9)
        assert said.money[i] == pytest.approx(idle * price, rel=1e-9)
        if sum(row) > 0:
            assert said.share.value[i] == pytest.approx(idle / sum(row), rel=1e-9)
        else:
            assert said.share.why()[i] == "no energy was used"


def test_idle_energy_takes_a_price_of_its_own_for_each_state() -> None:
    assert idle_energy([[90.0, 8.0, 2.0]], 0, [[1.0, 0.5, 0.25]]).money[0] == 4.5


def test_compressed_air_load_8_unload_48_leaks_14_3_percent() -> None:
    assert leak_share([8.0], [48.0]).value[0] == pytest.approx(0.142857, abs=1e-6)
    assert leak_share([0.0], [0.0]).why() == ["no time passed"]


def test_chiller_24_kg_s_over_5_k_at_90_kw_is_502_kw_143_rt_630_w_a_ton_cop_5_58() -> None:
    said = delivered(cooling_kw([24.0, 24.0], [12.0, 7.0], [7.0, 7.0]), [90.0, 90.0])
    assert said.cooling_kw[0] == pytest.approx(24 * 4.186 * 5)
    assert said.cooling_kw[0] / KW_PER_RT == pytest.approx(142.8263, abs=1e-4)
    assert said.kw_per_rt.value[0] == pytest.approx(0.630136, abs=1e-6)
    assert said.cop.value[0] == pytest.approx(5.581333, abs=1e-6)
    assert said.cop.why()[1] == said.kw_per_rt.why()[1] == "no cooling was delivered"


FACTOR = st.tuples(st.integers(0, 5), st.integers(1, 3), st.floats(0, 1))


@given(st.lists(FACTOR, min_size=1, max_size=8, unique_by=lambda f: f[:2]), st.lists(st.integers(-3, 80), min_size=1),
       st.none() | st.integers(1, 3))  # fmt: skip
def test_factors_equal_a_search_through_the_whole_table(
    drawn: list[tuple[int, int, float]], starts: list[int], edition: int | None
) -> None:
    factors = [
        Factor(grid="g", valid_from=10 * y, valid_to=10 * y + 10, edition=e, kg_per_kwh=kg, source="s")
        for y, e, kg in drawn
    ]
    table = FactorTable(factors=tuple(factors))
    if edition is not None and all(f.edition > edition for f in factors):
        with pytest.raises(KeyError, match="known grids: g"):
            factors_at(table, "g", np.array(starts), edition)
        return
    said = factors_at(table, "g", np.array(starts), edition)
    for i, at in enumerate(starts):
        value, carried = naive_factor(factors, "g", at, edition)
        np.testing.assert_equal(said.kg_per_kwh.value[i], value)
        assert said.carried[i] == carried


def test_a_window_across_a_change_of_factor_is_told_where_to_be_split() -> None:
    years = [Factor(grid="g", valid_from=y * 10, valid_to=y * 10 + 10, kg_per_kwh=0.7, source="s") for y in range(3)]
    assert changes(FactorTable(factors=tuple(years)), "g", 10, 25).tolist() == [20]


def test_a_factor_that_stands_twice_is_refused() -> None:
    one = Factor(grid="g", valid_from=0, valid_to=1, kg_per_kwh=0.7, source="s")
    with pytest.raises(ValidationError, match="keep one"):
        FactorTable(factors=(one, one))


@given(AMOUNT, st.lists(st.tuples(AMOUNT, st.floats(0, 1)), min_size=1, max_size=3), st.floats(0, 1))
def test_market_based_equals_the_naive_sum(kwh: float, certificates: list[tuple[float, float]], grid: float) -> None:
    covered, factor = np.array(certificates).T
    said = market_based([kwh], covered[None], factor[None], known(grid))
    assert said.value[0] == pytest.approx(naive_market(kwh, certificates, grid), rel=1e-9, abs=1e-6)


def test_1000_kwh_in_peninsular_malaysia_2024_is_740_kg_and_with_400_kwh_of_certificates_444() -> None:
    assert location_based([1000.0], known(0.740)).value[0] == 740
    assert market_based([1000.0], [400.0], [0.0], known(0.740)).value[0] == pytest.approx(444)


NUMBER = st.just(0.0) | st.floats(1e-3, 1e5)


@given(st.lists(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), min_size=1, max_size=4))
def test_every_key_figure_equals_the_naive_one(rows: list[tuple[float, float, float, float]]) -> None:
    a, b, c, d = np.array(rows).T
    cooling = cooling_kw(a, b, c)
    cool = delivered(cooling, d)
    pairs = [
        (load_factor(a, b, c).value, [naive_load_factor(*r[:3]) for r in rows]),
        (power_factor(a, b).value, [naive_power_factor(*r[:2]) for r in rows]),
        (leak_share(a, b).value, [naive_leak(*r[:2]) for r in rows]),
        (np.stack([cooling, cool.kw_per_rt.value, cool.cop.value], axis=1), [naive_chiller(*r) for r in rows]),
        (shed_kw(a, b, c / 1e5, 0.25), [naive_shed(r[0], r[1], r[2] / 1e5, 0.25) for r in rows]),
        (money_at_risk(a, b, c, 0.25), [naive_risk(*r[:3], 0.25) for r in rows]),
    ]
    for fast, slow in pairs:
        np.testing.assert_allclose(fast, slow, rtol=1e-9)
