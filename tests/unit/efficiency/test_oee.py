"""OEE and the six big losses: the standard's worked values, what is missing, and equality with a slow oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.efficiency.losses import Losses, StateTimes, in_money, six_big_losses
from detectors.efficiency.oee import oee
from tests.naive.efficiency.oee import naive_losses, naive_oee

SECONDS = st.floats(0, 1e5).map(lambda s: round(s, 6))  # times are whole nanoseconds: no ratio of them overflows
COUNT = st.integers(0, 5000)


def test_iso_22400_pbt_480_apt_400_pri_1_pq_380_gq_361_is_oee_75208() -> None:
    said = oee([480 * 60], [400 * 60], [60.0], [380], [361])
    got = [float(part.value[0]) for part in said[:4]]
    assert got == pytest.approx([0.8333333, 0.95, 0.95, 0.7520833], abs=1e-6)
    assert not said.too_fast[0]


def test_faster_than_planned_is_shown_and_flagged_never_clamped() -> None:
    said = oee([480 * 60], [400 * 60], [60.0], [440], [440])
    assert said.effectiveness.value[0] == pytest.approx(1.1)
    assert said.too_fast[0]


def test_what_cannot_be_formed_is_nan_with_its_reason_never_0() -> None:
    said = oee([0.0, 600.0, 600.0, 600.0], [0.0, 0.0, 300.0, np.nan], [60.0] * 4, [0, 0, 0, 1], [0, 0, 0, 1])
    assert np.isnan(said.oee.value).all()
    assert said.availability.why() == ["nothing was planned", "", "", "an input is missing"]
    assert said.effectiveness.why()[1] == "nothing ran"
    assert said.quality.why()[2] == "nothing was produced"
    assert said.effectiveness.value[2] == 0  # it ran and made nothing: that is a figure
    assert said.oee.why() == ["nothing was planned", "nothing ran", "nothing was produced", "an input is missing"]


def test_planned_run_times_of_several_products_add() -> None:
    said = oee([3600.0], [3000.0], [[10.0, 40.0]], [[100, 40]], [[90, 40]])
    assert said.effectiveness.value[0] == pytest.approx((1000 + 1600) / 3000)
    assert said.quality.value[0] == pytest.approx((900 + 1600) / 2600)
    assert said.oee.value[0] == pytest.approx(2500 / 3600)


def test_a_product_without_planned_run_time_matters_only_where_it_was_produced() -> None:
    said = oee([3600.0] * 2, [3000.0] * 2, [[10.0, np.nan]] * 2, [[100, 0], [100, 5]], [[90, 0], [90, 5]])
    assert said.oee.value[0] == pytest.approx(900 / 3600)
    assert said.oee.why() == ["", "the planned run time of a product is unknown"]


@given(st.lists(st.tuples(SECONDS, SECONDS, st.lists(st.tuples(SECONDS, COUNT, COUNT), min_size=2, max_size=2)),
                min_size=1, max_size=5))  # fmt: skip
def test_equals_the_naive_oee(rows: list[tuple[float, float, list[tuple[float, int, int]]]]) -> None:
    parts = np.array([row[2] for row in rows], dtype=float)
    said = oee([r[0] for r in rows], [r[1] for r in rows], parts[:, :, 0], parts[:, :, 1], parts[:, :, 2])
    for i, (pbt, apt, products) in enumerate(rows):
        slow = naive_oee(pbt, apt, products)
        np.testing.assert_allclose([part.value[i] for part in said[:4]], slow, rtol=1e-9)


STATES = ("producing", "idle", "starved", "blocked", "down", "setup")


@given(SECONDS, st.lists(SECONDS, min_size=6, max_size=6),
       st.lists(st.tuples(SECONDS, COUNT, COUNT, COUNT), min_size=1, max_size=3))  # fmt: skip
def test_losses_equal_the_naive_ones_and_add_up_to_all_that_was_not_fully_productive(
    extra: float, states: list[float], products: list[tuple[float, int, int, int]]
) -> None:
    pbt = sum(states) + extra
    p = np.array([products], dtype=float)
    times = StateTimes(*(np.array([s]) for s in states))
    lost = six_big_losses([pbt], times, p[..., 0], p[..., 1], p[..., 2], p[..., 3])
    slow = naive_losses(pbt, dict(zip(STATES, states, strict=True)), products)
    scale = (pbt + sum(pri * max(pq, gq, sr) for pri, pq, gq, sr in products)) / 60
    for name, minutes in slow.items():
        assert getattr(lost, name)[0] == pytest.approx(minutes, rel=1e-9, abs=1e-9 * scale)
    productive = sum(pri * gq for pri, pq, gq, _ in products if pq > 0) / 60
    assert lost.total()[0] == pytest.approx(pbt / 60 - productive, rel=1e-9, abs=1e-9 * scale)


def test_losses_of_the_worked_shift_are_119_minutes_and_their_money() -> None:
    states = StateTimes(producing=[24000.0], down=[2400.0], setup=[1200.0], idle=[1200.0])
    lost = six_big_losses([28800.0], states, [60.0], [380], [361], [4])
    assert [float(m[0]) for m in lost] == [40, 20, 20, 20, 4, 15, 0]
    assert lost.total()[0] == 480 - 361
    money = in_money(lost, 10.0, startup_material=4 * 2.0, production_material=15 * 2.0)
    assert money.total()[0] == 1190 + 38
    assert isinstance(money, Losses)
