"""Figures by product: what was made of each, and what it took."""

from __future__ import annotations

import pytest

from tests.unit.kpi.plant import MINUTE, Said, entry, last, site, told

OF = site(
    {},
    entry(
        parts={"total": "total", "reject": "reject", "ideal": "1m", "ideal_of": {"B": "30s"}},
        energy={"power": "power"},
        product="product",
    ),
)


def hour_of_two_products() -> list[Said]:
    """A for 40 minutes at a part a minute and 6 kW, 4 rejected; then B for 20 at 2 a minute and 9 kW, 10 rejected.

    Nothing is made from minute 30 to 40, though A is named.
    """
    said: list[Said] = []
    for minute in range(62):
        made = min(minute, 30) + 2 * max(min(minute, 60) - 40, 0)
        rejected = (4 if minute >= 10 else 0) + (10 if minute >= 50 else 0)
        said += [
            ("m1", "product", minute * MINUTE, "A" if minute < 40 else "B"),
            ("m1", "state", minute * MINUTE, "IDLE" if 30 <= minute < 40 else "RUN"),
            ("m1", "total", minute * MINUTE, made),
            ("m1", "reject", minute * MINUTE, rejected),
            ("m1", "power", minute * MINUTE, 6.0 if minute < 40 else 9.0),
        ]
    return said


def test_each_product_has_its_parts_and_factors_worked_by_hand() -> None:
    """ISO 22400-2: E = PRI x PQ / APT, Q = GQ / PQ; A 60 s x 30 / 1800 s and 26/30, B 30 s x 40 / 1200 s and 30/40."""
    rows = last(told(OF, hour_of_two_products()))
    value = {(kpi, product): row.value for (m, kpi, product, hour), row in rows.items() if m and product and not hour}
    assert (value["produced", "A"], value["produced", "B"]) == (30, 40)
    assert (value["good", "A"], value["good", "B"]) == (26, 30)
    assert value["quality", "A"] == pytest.approx(26 / 30)
    assert value["quality", "B"] == pytest.approx(30 / 40)
    assert value["effectiveness", "A"] == pytest.approx(60 * 30 / 1800)
    assert value["effectiveness", "B"] == pytest.approx(30 * 40 / 1200)
    # the step from 6 to 9 kW is the minute before B, which is A's
    assert value["energy_per_good", "A"] == pytest.approx((39 * 6 + 7.5) / 60 / 26)
    assert value["energy_per_good", "B"] == pytest.approx(20 * 9 / 60 / 30)
    assert ("availability", "A") not in value


def test_products_add_up_to_the_machines_own_figures() -> None:
    rows = last(told(OF, hour_of_two_products()))
    for kpi in ("produced", "good"):
        by_product = [rows["m1", kpi, product, 0].value or 0 for product in ("A", "B")]
        assert sum(by_product) == rows["m1", kpi, "", 0].value


def test_a_product_of_which_nothing_was_made_has_no_rows() -> None:
    said = [*hour_of_two_products()[:-5], ("m1", "product", 60 * MINUTE, "C"), ("m1", "state", 65 * MINUTE, "RUN")]
    assert {product for _, _, product, _ in last(told(OF, said))} == {"", "A", "B"}


def test_what_was_made_before_a_product_was_named_is_no_products() -> None:
    said = [one for one in hour_of_two_products() if one[1] != "product" or one[2] >= 40 * MINUTE]
    rows = last(told(OF, said))
    assert ("m1", "produced", "A", 0) not in rows
    assert rows["m1", "produced", "B", 0].value == 40
    assert rows["m1", "produced", "", 0].value == 70


def test_time_of_a_product_that_still_runs_counts_while_the_hour_lasts() -> None:
    said = [one for one in hour_of_two_products() if one[1] != "state" or one[2] in (0, 30 * MINUTE, 40 * MINUTE)]
    running = [one for one in said if one[2] <= 50 * MINUTE]
    rows = last(told(OF, running, finish=False))
    shown = rows["m1", "effectiveness", "B", 0]
    assert shown.status == "provisional"
    # what was told last, at minute 50, is of minute 49: no state is booked yet, and it has run for 9 minutes
    assert shown.value == pytest.approx(30 * 18 / (9 * 60))


def test_a_machine_without_a_product_series_has_no_such_rows() -> None:
    of = site({}, entry(parts={"total": "total", "good": "good"}))
    assert {row.product for row in told(of, hour_of_two_products())} == {""}
