"""Restating: stored figures under another tariff or factor are what a run with it from the start would have told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from schemas.kpi import KpiRow
from streams.kpi.restate import MADE, TOO_COARSE, Kept, restated
from streams.resolve import ResolvedSite, resolve
from streams.rollup.offline import site_rows
from streams.rollup.restate import KeptRows
from streams.site import Site
from tests.naive.efficiency.priced import LOCAL
from tests.unit.kpi.one_machine import by_window, told

DATA = Path(__file__).parents[2] / "data"
ALL = (0, 2**62)
STARTS = ("2022-05-02T05:40", "2022-05-07T20:50", "2023-12-31T20:40", "2025-06-30T18:40")
NEW = {"tariff": "tnb_medium_voltage", "grid": "peninsular_malaysia"}
OLDER: dict[str, dict[str, Any]] = {
    "a factor that was restated": {**NEW, "edition": 1},
    "no prices at all": {},
    "another tariff": {**NEW, "tariff": "half_hours.toml"},
    "another grid": {**NEW, "grid": "taiwan"},
}


def site(folder: Path, energy: dict[str, Any], shift: str = "06:00-14:00") -> ResolvedSite:
    options = {
        "site": {"timezone": "Asia/Kuala_Lumpur", "demand_window": "30m"},
        "calendar": {"shifts": {"early": shift, "late": "14:00-22:00"}},
        "machine": [
            {
                "assets": "*",
                "state": {"series": "state", "words": {"RUN": "producing", "STOP": "idle"}},
                "parts": {"good": "good"},
                "energy": {"power": "power"},
            }
        ],
        "watch": [],
        **({"energy": energy} if energy else {}),
    }
    return resolve(Site.model_validate(options), folder)


@pytest.fixture(scope="module")
def sites(folder: Path) -> dict[str, ResolvedSite]:
    return {name: site(folder, energy) for name, energy in {**OLDER, "new": NEW}.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a tariff whose prices change at half hours within an hour."""
    path = tmp_path_factory.mktemp("tariffs")
    text = (DATA / "tariff_by_minutes.toml").read_text(encoding="utf-8").replace("15m", "30m")
    text = text.replace("16:02-16:04", "20:30-22:30").replace("16:04-16:07", "05:30-11:30")
    (path / "half_hours.toml").write_text(text, encoding="utf-8")
    return path


def readings(start: str, seed: int) -> list[tuple[int, dict[str, Any]]]:
    rng = np.random.default_rng(seed)
    first = int(datetime.fromisoformat(start).replace(tzinfo=LOCAL).timestamp())
    times = (first + np.cumsum(rng.choice([60, 300, 900], 40))).tolist()
    good = np.cumsum(rng.integers(0, 4, len(times)))
    return [
        (t, {"power": float(rng.uniform(1, 50)), "good": int(g), "state": str(rng.choice(["RUN", "STOP"]))})
        for t, g in zip(times, good, strict=True)
    ]


def after(before: list[KpiRow], more: list[KpiRow]) -> dict[tuple[str, str, int], KpiRow]:
    """What stands when the restated rows have replaced those that they restate."""
    stand = by_window(before)
    for row in more:
        known = stand.get((row.kpi, row.shift, row.start // SECOND))
        assert row.status == "restated"
        assert known is None or row.revision > known.revision
        stand |= by_window([row])
    return {key: row for key, row in stand.items() if row.kpi in MADE}


@pytest.mark.parametrize("older", OLDER)
@settings(max_examples=6, deadline=None)
@given(st.sampled_from(STARTS), st.integers(0, 2**32 - 1))
def test_restated_rows_equal_a_run_with_the_new_prices_from_the_start(
    sites: dict[str, ResolvedSite], older: str, start: str, seed: int
) -> None:
    new, log = sites["new"], readings(start, seed)
    before = told(sites[older], log)
    stand = after(before, restated(Kept(before), new, *ALL).rows)
    expected = {key: row for key, row in by_window(told(new, log)).items() if row.kpi in MADE}
    assert stand.keys() == expected.keys()
    assert any(kpi == "energy_cost" and shift for kpi, shift, _ in expected), "with a shift"
    for key, row in expected.items():
        assert (stand[key].value is None) == (row.value is None)
        assert row.value is None or stand[key].value == pytest.approx(row.value, rel=1e-9, abs=1e-12), key
        assert (stand[key].unit, stand[key].reason) == (row.unit, row.reason)
        assert stand[key].coverage == pytest.approx(row.coverage)


def test_prices_that_change_at_half_hours_are_restated_from_demand_windows(folder: Path) -> None:
    new, log = site(folder, {**NEW, "tariff": "half_hours.toml"}), readings("2022-05-02T05:00", 3)
    before = told(site(folder, NEW), log)
    kept = Kept(before)
    stand = {key: row for key, row in after(before, restated(kept, new, *ALL).rows).items() if row.kpi != "idle_cost"}
    expected = by_window(told(new, log))
    for key, row in stand.items():
        assert row.value == pytest.approx(expected[key].value, rel=1e-9), key
    (hour,) = (row for row in restated(kept, new, *ALL).left if row.kpi == "idle_cost" and not row.shift)
    assert _local(hour) == "05:00", "energy outside production is not kept by half hour"
    assert hour in before


def test_what_stored_rows_do_not_divide_is_said_and_not_guessed(folder: Path) -> None:
    # a shift that begins within a demand window and at another price than it ends
    new, log = site(folder, NEW, "06:10-14:00"), readings("2022-05-02T05:40", 5)
    before = told(site(folder, {**NEW, "edition": 1}, "06:10-14:00"), log)
    coarse = site(folder, {**NEW, "tariff": "half_hours.toml"}, "06:10-14:00")
    left = {row.kpi: row for row in restated(Kept(before), coarse, *ALL).left if row.shift == "early"}
    assert left["energy_cost"] == by_window(before)["energy_cost", "early", left["energy_cost"].start // SECOND]
    never = [row for row in before if row.kpi not in MADE]
    rows = {row.kpi: row for row in restated(Kept(never), coarse, *ALL).rows if row.shift == "early"}
    assert (rows["energy_cost"].value, rows["energy_cost"].reason) == (None, TOO_COARSE)
    carbon = {row.kpi: row for row in restated(Kept(before), new, *ALL).rows if row.shift == "early"}["carbon_location"]
    energy = by_window(before)["energy", "early", carbon.start // SECOND]
    assert energy.value is not None
    assert carbon.value == pytest.approx(energy.value * 0.769), "one factor all through: its own kWh are enough"


def test_only_windows_that_begin_in_the_time_asked_for_and_differ_are_restated(folder: Path) -> None:
    before = told(site(folder, {**NEW, "edition": 1}), readings("2022-05-02T05:40", 1))
    new = site(folder, NEW)
    hours = sorted({row.start for row in before if row.kpi == "energy" and not row.shift})
    rows = restated(Kept(before), new, hours[1], hours[2]).rows
    assert {(row.kpi, row.start) for row in rows if not row.shift} == {
        ("carbon_location", hours[1]), ("carbon_per_good", hours[1])
    }  # fmt: skip
    both = [*before, *restated(Kept(before), new, *ALL).rows]
    assert not restated(Kept(both), new, *ALL).rows, "a second time says nothing"


def test_windows_that_are_not_over_are_left_to_their_engine(folder: Path) -> None:
    before = told(site(folder, {}), readings("2022-05-02T05:40", 1))
    open_ones = [row.model_copy(update={"status": "provisional"}) for row in before]
    assert not restated(Kept(open_ones), site(folder, NEW), *ALL).rows


def _local(row: KpiRow) -> str:
    return datetime.fromtimestamp(row.start // SECOND, LOCAL).strftime("%H:%M")


@settings(max_examples=4, deadline=None)
@given(st.sampled_from(STARTS), st.integers(0, 2**32 - 1))
def test_sums_of_sites_follow_as_if_told_with_the_new_prices_from_the_start(
    sites: dict[str, ResolvedSite], start: str, seed: int
) -> None:
    def of_two(at: ResolvedSite) -> list[KpiRow]:
        rows = told(at, readings(start, seed))
        other = [row.model_copy(update={"asset": "p/a/l/m2"}) for row in told(at, readings(start, seed + 1))]
        return rows + other

    older, new = sites["a factor that was restated"], sites["new"]
    machines, places = of_two(older), last(site_rows(of_two(older), older))
    sums, kept = KeptRows(), Kept(machines)
    for row in [*machines, *places.values()]:
        sums.take(row)
    changed = restated(kept, new, *ALL).rows
    more = sums.restated(changed, new)
    assert {row.level for row in more} == ({"area", "site"} if changed else set())
    for row in more:
        assert row.status == "restated"
        assert row.revision > places[key_of(row)].revision
    stand = places | last(more)
    for key, row in last(site_rows(of_two(new), new)).items():
        if row.kpi in MADE:
            assert (stand[key].value is None) == (row.value is None), key
            assert row.value is None or stand[key].value == pytest.approx(row.value, rel=1e-9), key
            assert stand[key].coverage == pytest.approx(row.coverage, rel=1e-9), key
    for row in [*changed, *more]:
        sums.take(row)
    assert sums.restated(changed, new) == [], "a second time says nothing"


def key_of(row: KpiRow) -> tuple[str, str, str, int, int]:
    return row.asset, row.kpi, row.shift, row.start, row.end


def last(rows: list[KpiRow]) -> dict[tuple[str, str, str, int, int], KpiRow]:
    return {key_of(row): row for row in rows if not row.product}
