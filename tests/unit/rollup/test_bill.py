"""The bill of a site's month: by hand, beside a plain pass over all rows, and under the engine's laws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Misconfigured
from schemas.kpi import KpiRow
from streams.resolve import ResolvedSite, resolve
from streams.rollup.engine import SiteEngine
from streams.rollup.entries import Entry
from streams.rollup.offline import site_rows
from streams.site import Site
from streams.state.codec import pack, unpack
from streams.tariffs import load_tariffs
from tests.contract.readings import same_bits
from tests.naive.site_bill import bills

SECOND = 1_000_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
DATA = Path(__file__).parents[2] / "data"
TNB, TAIPOWER = ("Asia/Kuala_Lumpur", "tnb_medium_voltage"), ("Asia/Taipei", "taipower_high_voltage")


@cache
def of(zone: str, tariff: str, incomer: str | None = None, version: int = 1, **energy: Any) -> ResolvedSite:
    options = {"site": {"grace": "30s", "timezone": zone, "incomer": incomer, "version": version}}
    return resolve(Site.model_validate({**options, "energy": {"tariff": tariff, **energy}}), DATA)


def at(text: str, zone: str = "Asia/Kuala_Lumpur") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND


def row(kpi: str, start: int, value: float | None, minutes: int = 60, asset: str = "p/l/m1", **more: Any) -> KpiRow:
    unit = {"demand": "kW", "energy": "kW.h", "reactive_energy": "kvar.h"}[kpi]
    said: dict[str, Any] = {"status": "final", "revision": 1, "coverage": 1.0, "config": "c", "asset": asset}
    return KpiRow(
        **{**said, "kpi": kpi, "start": start, "end": start + minutes * MINUTE, "value": value, "unit": unit} | more
    )


def drawn(start: int, kw: float, hours: int, kvar: float | None = None, window: int = 30, **more: Any) -> list[KpiRow]:
    """Rows of a machine that draws the same for some hours."""
    out = [row("demand", start + n * window * MINUTE, kw, window, **more) for n in range(hours * 60 // window)]
    for hour in range(hours):
        out.append(row("energy", start + hour * HOUR, kw, **more))
        out += [row("reactive_energy", start + hour * HOUR, kvar, **more)] if kvar is not None else []
    return out


def billed(rows: Iterable[KpiRow], site: ResolvedSite) -> dict[str, KpiRow]:
    """The last row of each figure of the month's bill."""
    return {one.kpi: one for one in site_rows(list(rows), site) if one.kpi.startswith("bill")}


def test_tnb_e2_by_hand() -> None:
    """As tests/unit/efficiency/test_tariff.py by hand: 2 h at 500 kW in peak hours, 1 h at 800 kW at night, PF 0.80:
    1,000 x .355 + 800 x .219 = 530.20; 500 kW x 37 = 18,500 (night's 800 kW is not charged); 7.5 % of 19,030.20."""
    rows = drawn(at("2024-01-02T10:00"), 500.0, 2, 375.0) + drawn(at("2024-01-02T23:00"), 800.0, 1, 600.0)
    said = billed(rows, of(*TNB))
    assert {name: one.value for name, one in said.items()} == {
        "billed_energy_peak": pytest.approx(1000), "billed_energy_off_peak": pytest.approx(800),
        "bill_energy_peak": pytest.approx(355), "bill_energy_off_peak": pytest.approx(175.2),
        "billed_demand": 500, "bill_demand": pytest.approx(18_500), "billed_power_factor": pytest.approx(0.8),
        "bill_energy": pytest.approx(530.2), "bill_fuel": 0, "bill_fixed": 0, "bill_to_minimum": 0,
        "bill_power_factor": pytest.approx(1427.265), "bill_total": pytest.approx(20_457.465),
    }  # fmt: skip
    total = said["bill_total"]
    assert (total.asset, total.level, total.unit, total.status) == ("p", "site", "MYR", "final")
    assert (total.start, total.end) == (at("2024-01-01T00:00"), at("2024-02-01T00:00"))
    assert total.coverage == pytest.approx(3 / 48), "of two days so far three hours are metered"
    units = {said[name].unit for name in ("billed_energy_peak", "billed_demand", "billed_power_factor")}
    assert units == {"kW.h", "kW", "1"}


def test_the_month_so_far_costs_the_minimum_and_what_is_told_is_provisional_then_final_then_restated() -> None:
    """100 kWh off-peak are 21.90 of 600; restated to 4,000 kWh (8,000 kW in half an hour) they are 876."""
    site, begin = of(*TNB), at("2024-01-01T00:00")
    engine, offset, told = SiteEngine(0, site), 0, {}

    def feed(clock: int, *rows: KpiRow) -> None:
        nonlocal offset
        for one in rows:
            told.update({(r.kpi, r.revision): r for r in engine.feed([Entry(offset, clock, one)]).kpis})
            offset += 1

    def totals() -> list[tuple[float | None, str]]:
        return [(r.value, r.status) for (kpi, _), r in told.items() if kpi == "bill_total"]

    first, late = begin + 30 * MINUTE, at("2024-01-31T23:30")
    feed(first, row("demand", begin, 200.0, 30), row("energy", begin, 100.0, revision=1, status="provisional"))
    feed(first + 2 * MINUTE, row("demand", begin + 30 * MINUTE, 0.0, 30, status="provisional"))
    assert totals() == [(pytest.approx(600), "provisional")]
    assert told["bill_energy", 1].value == pytest.approx(21.9)
    assert told["bill_to_minimum", 1].value == pytest.approx(578.1)
    feed(late, row("demand", late, 0.0, 30))
    feed(late + 40 * MINUTE, row("energy", late, 0.0))
    assert totals()[-1] == (pytest.approx(600), "final")
    feed(late + HOUR, row("demand", late, 8000.0, 30, revision=2, status="restated"))
    feed(late + HOUR + 2 * MINUTE, row("energy", late, 0.0))
    assert totals()[-1] == (pytest.approx(897.9), "restated")
    revisions = sorted(revision for kpi, revision in told if kpi == "bill_total")
    assert revisions == list(range(1, len(revisions) + 1))


def test_without_reactive_energy_the_surcharge_has_no_number_and_the_total_says_so() -> None:
    said = billed(drawn(at("2024-01-02T10:00"), 500.0, 2), of(*TNB))
    for name in ("billed_power_factor", "bill_power_factor"):
        assert (said[name].value, said[name].coverage) == (None, 0.0)
        assert said[name].reason == "reactive energy is not measured of all that draws energy"
    assert said["bill_total"].value == pytest.approx(355 + 18_500)
    assert said["bill_total"].reason.startswith("without the power factor surcharge: reactive energy is not measured")


def test_the_power_factor_is_of_hours_in_which_every_meter_that_drew_has_reactive_energy() -> None:
    """m2 has no reactive meter: the two hours in which it draws do not count, those in which it draws nothing do."""
    rows = drawn(at("2024-01-02T10:00"), 80.0, 4, 60.0)
    rows += drawn(at("2024-01-02T10:00"), 100.0, 2, asset="p/l/m2")
    rows += drawn(at("2024-01-02T12:00"), 0.0, 2, asset="p/l/m2")
    said = billed(rows, of(*TNB))
    assert said["billed_power_factor"].value == pytest.approx(0.8)
    assert said["billed_power_factor"].coverage == 0.5
    assert said["billed_energy_peak"].value == pytest.approx(520)


def test_a_main_meter_is_billed_alone() -> None:
    rows = drawn(at("2024-01-02T10:00"), 500.0, 2, 375.0, asset="p/utilities/main")
    rows += drawn(at("2024-01-02T10:00"), 90.0, 2)
    said = billed(rows, of(*TNB, "p/utilities/*"))
    assert said["bill_total"].value == pytest.approx(1.075 * (355 + 18_500))
    assert said["billed_power_factor"].value == pytest.approx(0.8)


def test_a_change_of_season_splits_the_month_and_demand_on_a_contract_costs_more_above_it() -> None:
    """Taipower, May: 15 days at 166.90, 16 of summer at 223.60, contract 1,000 kW. 1,200 kW on the 10th, a Sunday, cost
    100 at twice and 100 at three times; 1,100 on the 20th 100 at twice. PF 0.80 adds nothing."""
    zone = TAIPOWER[0]
    rows = drawn(at("2026-05-10T12:00", zone), 1200.0, 1, 900.0, 15)
    rows += drawn(at("2026-05-20T17:00", zone), 1100.0, 1, 825.0, 15)
    said = billed(rows, of(*TAIPOWER, contract_kw=1000.0))
    demand = 166.9 * 1500 * 15 / 31 + 223.6 * 1200 * 16 / 31
    assert said["bill_demand"].value == pytest.approx(demand)
    assert said["bill_energy_off_peak"].value == pytest.approx(1200 * 2.32)
    assert said["bill_energy_summer_peak"].value == pytest.approx(1100 * 9.39)
    assert said["billed_demand"].value == 1200
    assert said["bill_total"].value == pytest.approx(demand + 1200 * 2.32 + 1100 * 9.39)
    assert said["bill_total"].unit == "TWD"


def test_without_the_contracted_capacity_the_demand_charge_has_no_number_and_the_total_says_so() -> None:
    said = billed(drawn(at("2026-05-20T17:00", TAIPOWER[0]), 1100.0, 1, 825.0, 15), of(*TAIPOWER))
    assert said["bill_demand"].value is None
    assert said["bill_demand"].reason == "the contracted capacity is not known: [energy] contract_kw"
    assert said["bill_total"].value == pytest.approx(1100 * 9.39)
    assert said["bill_total"].reason.startswith(
        "without the demand charge and the power factor surcharge: the contracted capacity"
    )


def test_where_no_tariff_is_valid_or_its_classes_cut_windows_there_is_no_bill_but_a_reason() -> None:
    for site, start, why in (
        (of(*TNB), "2013-12-31T10:00", "no tariff is valid at that time"),
        (of(TNB[0], "tariff_by_minutes.toml"), "2024-01-02T10:00", "begins within a window of maximum demand"),
    ):
        window = 30 if "2013" in start else 15
        said = billed(drawn(at(start), 10.0, 1, 5.0, window), site)
        assert list(said) == ["bill_total"]
        assert said["bill_total"].value is None
        assert why in said["bill_total"].reason


def test_without_a_tariff_there_is_no_bill() -> None:
    site = resolve(Site.model_validate({"energy": {"price": 0.5, "currency": "MYR"}}))
    assert billed(drawn(at("2024-01-02T10:00"), 10.0, 1, 5.0), site) == {}


def test_contract_capacity_without_a_tariff_is_refused() -> None:
    with pytest.raises((ValueError, Misconfigured), match="contract_kw is for the demand charge of a tariff"):
        Site.model_validate({"energy": {"contract_kw": 1000}})


# --- laws

SPLIT = of(TNB[0], "tariff_bills.toml", contract_kw=150.0)
ENTRIES = load_tariffs(DATA / "tariff_bills.toml")
ASSETS = ("p/l1/m1", "p/l1/m2", "p/l2/m3")


@st.composite
def logs(draw: st.DrawFn) -> list[tuple[int, KpiRow]]:
    """Rows about the turn of tariffs (3 January) or of the month, or of the season (5 January), in any order."""
    clock = draw(st.sampled_from([at("2026-01-02T22:00"), at("2025-12-31T23:00"), at("2026-01-04T22:00")]))
    out = []
    for _ in range(draw(st.integers(1, 50))):
        clock += draw(st.sampled_from((0, 0, SECOND, MINUTE, 10 * MINUTE, HOUR)))
        kpi = draw(st.sampled_from(("demand", "demand", "energy", "reactive_energy")))
        length = 30 * MINUTE if kpi == "demand" else HOUR
        start = clock // length * length - length * draw(st.integers(0, 3))
        value = draw(st.none() | st.floats(0, 500))
        revision, status = draw(st.integers(1, 4)), draw(st.sampled_from(("provisional", "final", "restated")))
        asset = draw(st.sampled_from(ASSETS))
        out.append((clock, row(kpi, start, value, length // MINUTE, asset, revision=revision, status=status)))
    return out


def play(log: list[tuple[int, KpiRow]], cuts: Sequence[int] = (), restore: bool = False) -> tuple[list[KpiRow], Any]:
    engine = SiteEngine(0, SPLIT)
    entries = [Entry(i, clock, made) for i, (clock, made) in enumerate(log)]
    out: list[KpiRow] = []
    for a, b in zip((0, *cuts), (*cuts, len(entries)), strict=True):
        if restore:
            saved = unpack(pack(engine.snapshot()))
            engine = SiteEngine(0, SPLIT)
            engine.restore(saved)
        out += engine.feed(entries[a:b]).kpis
    return out + engine.finish(), engine.snapshot()


@settings(max_examples=80, deadline=None)
@given(logs())
def test_the_last_bill_of_a_month_equals_a_plain_pass_over_all_rows(log: list[tuple[int, KpiRow]]) -> None:
    last = {one.start: one for one in play(log)[0] if one.kpi == "bill_total"}
    assert "provisional" not in {one.status for one in last.values()}
    expected = bills([made for _, made in log], "p", ENTRIES, 150.0)
    for (year, month), total in expected.items():
        told = last[at(f"{year}-{month:02}-01T00:00")]
        if total is None:
            assert "without the power factor surcharge" in told.reason
        else:
            assert told.reason == ""
            assert told.value == pytest.approx(total, rel=1e-9, abs=1e-9)


def test_the_logs_hold_bills_of_two_months_and_of_both_tariffs() -> None:
    seen: set[str] = set()

    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @given(logs())
    def look(log: list[tuple[int, KpiRow]]) -> None:
        found = bills([made for _, made in log], "p", ENTRIES, 150.0)
        seen.update({"two months"} if len(found) > 1 else ())
        seen.update("known" if total is not None else "unknown" for total in found.values())
        turn = at("2026-01-03T00:00")
        seen.update({"both"} if {made.start < turn for _, made in log if made.kpi == "demand"} == {True, False} else ())

    look()
    assert seen == {"two months", "known", "unknown", "both"}


@settings(max_examples=40, deadline=None)
@given(logs(), st.data())
def test_batching_and_restoring_are_invisible(log: list[tuple[int, KpiRow]], data: st.DataObject) -> None:
    whole, state = play(log)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=5)))
    for restore in (False, True):
        told, after = play(log, cuts, restore)
        assert told == whole
        assert same_bits(after, state)


def test_a_snapshot_of_before_there_were_bills_is_taken_up() -> None:
    engine = SiteEngine(0, of(*TNB))
    clock = at("2024-01-02T10:31")
    engine.feed([Entry(0, clock, row("demand", clock - 31 * MINUTE, 5.0, 30))])
    saved = engine.snapshot()
    del saved["books"]["p"]["metered"]
    again = SiteEngine(0, of(*TNB))
    again.restore(saved)
    assert [one.value for one in again.finish() if one.kpi == "demand_max"][-1] == 5.0
