"""[energy] of a site file: what is read for it, what is refused, and what reaches the log."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.durations import SECOND
from schemas.errors import Misconfigured
from streams.prices import Prices
from streams.resolve import ResolvedSite, from_payload, resolve, to_payload
from streams.site import Site, parse_site
from tests.naive.efficiency.priced import LOCAL

DATA = Path(__file__).parents[2] / "data"
TARIFF = (DATA / "tariff_by_minutes.toml").read_text(encoding="utf-8")


def of(options: dict[str, Any] | None = None, folder: Path = DATA, **energy: Any) -> ResolvedSite:
    given = {"site": {"timezone": "Asia/Kuala_Lumpur", **(options or {})}, "energy": energy}
    return resolve(Site.model_validate(given), folder)


def price(site: ResolvedSite, local: str) -> float:
    at = int(datetime.fromisoformat(local).replace(tzinfo=LOCAL).timestamp()) * SECOND
    return float(Prices(site).at(np.array([at])).per_kwh[0])


def test_seasons_days_and_hours_of_taipower() -> None:
    site = of({"timezone": "Asia/Taipei"}, tariff="taipower_high_voltage")
    assert price(site, "2026-01-05T10:00") == 5.47, "Monday of the other season, semi-peak"
    assert price(site, "2026-01-05T11:00") == 2.32
    assert price(site, "2026-05-15T17:00") == 5.47, "the last day of the other season"
    assert price(site, "2026-05-18T17:00") == 9.39, "a Monday in summer, peak"
    assert price(site, "2026-05-16T17:00") == 2.60, "summer begins on a Saturday"
    assert price(site, "2026-05-17T17:00") == 2.53, "a Sunday"
    assert price(site, "2026-10-16T17:00") == 5.47
    assert Prices(site).currency == "TWD"


def test_demand_windows_are_the_tariffs_where_the_site_says_none() -> None:
    assert of(tariff="tnb_medium_voltage").site.site.demand_window == 1800 * SECOND
    assert of({"demand_window": "30m"}, tariff="tnb_medium_voltage").site.site.demand_window == 1800 * SECOND
    assert of().site.site.demand_window is None


def test_the_resolved_site_holds_prices_and_factors_and_its_hash_covers_them(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(TARIFF, encoding="utf-8")
    before = of(folder=tmp_path, tariff="own.toml", grid="taiwan")
    assert from_payload(to_payload(before)) == before
    path.write_text(TARIFF.replace("0.25", "0.26"), encoding="utf-8")
    after = of(folder=tmp_path, tariff="own.toml", grid="taiwan")
    assert after.hash != before.hash
    assert before.supply is not None
    assert {factor.grid for factor in before.supply.factors.factors} == {"taiwan"}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "own.toml").write_text(TARIFF, encoding="utf-8")
    assert of(folder=elsewhere, tariff="own.toml", grid="taiwan").hash == before.hash, "wherever the file lies"


def test_a_site_resolved_before_there_were_prices_is_still_taken() -> None:
    payload = to_payload(resolve(Site()))
    del payload["supply"], payload["site"]["energy"]
    assert from_payload(payload) == resolve(Site())


WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {},
        {"tariff": "tnb_medium"},
        "(tnb_medium_voltage, taipower_high_voltage), and there is no file",
    ),
    ({}, {"grid": "taiwan", "factors": "none.toml"}, "cannot be read"),
    ({}, {"grid": "mars"}, "known grids: peninsular_malaysia, taiwan"),
    ({}, {"grid": "taiwan", "residual": "mars", "certificates": ["x"]}, "[energy] residual: no factor of grid 'mars'"),
    ({"demand_window": "15m"}, {"tariff": "tnb_medium_voltage"}, 'expected demand_window = "30m"'),
    ({"demand_window": "20m"}, {"currency": "MYR"}, "[site] demand_window is 20m; expected a multiple of 15m of which"),
    ({"demand_window": "5m"}, {"currency": "MYR"}, 'such as "15m", "30m" or "1h"'),
    ({"demand_window": "7h"}, {"currency": "MYR"}, "[site] demand_window is 7h; expected a multiple of 15m of which"),
    ({"timezone": "UTC"}, {"tariff": "tnb_medium_voltage"}, 'expected timezone = "Asia/Kuala_Lumpur" in [site]'),
    ({}, {"tariff": "tnb_medium_voltage", "currency": "TWD"}, "expected one currency for all money, got TWD and MYR"),
]
SUN = {"name": "sun", "share": 0.6, "valid_from": "2024-01-01", "valid_to": "2025-01-01", "source": "a contract"}


@pytest.mark.parametrize(("options", "energy", "message"), WRONG, ids=[w[2] for w in WRONG])
def test_what_does_not_fit_is_refused_with_what_would_be_right(
    options: dict[str, Any], energy: dict[str, Any], message: str
) -> None:
    if "certificates" in energy:
        energy = {**energy, "certificates": [SUN]}
    with pytest.raises(Misconfigured) as caught:
        of(options, **energy)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('factors = "f.toml"', 'factors needs the grid that electricity comes from, such as grid = "taiwan"'),
        ('grid = "taiwan"\nresidual = "rest"', "it needs [[energy.certificates]]"),
        ('tarif = "x"', "energy.tarif: unknown key; did you mean 'tariff'?"),
    ],
)
def test_options_that_make_no_sense_are_refused(text: str, message: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        parse_site(f"[energy]\n{text}\n", "site.toml")
    assert message in str(caught.value)


def test_certificates_for_more_than_all_electricity_are_refused() -> None:
    with pytest.raises(ValueError, match=r"certificates cover 1\.2 of all electricity from 2024-01-01; at most 1"):
        of(grid="taiwan", certificates=[SUN, {**SUN, "name": "wind"}])


def test_a_tariff_whose_demand_windows_are_no_quarters_of_an_hour_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(TARIFF.replace('"15m"', '"10m"'), encoding="utf-8")
    with pytest.raises(Misconfigured, match="tariff 'by minutes': demand_window is 10m; expected a multiple of 15m"):
        of(folder=tmp_path, tariff="own.toml")


def test_a_demand_charge_without_a_currency_is_refused() -> None:
    machine = {"assets": "*", "energy": {"power": "kw", "demand_charge": 97.06}}
    with pytest.raises(Misconfigured, match=r'demand_charge is money: .* such as \[energy\] currency = "MYR"'):
        resolve(Site.model_validate({"machine": [machine]}))
    assert resolve(Site.model_validate({"machine": [machine], "energy": {"currency": "MYR"}})).supply is not None


def test_a_price_of_minutes_without_a_currency_is_refused() -> None:
    machine = {"assets": "*", "parts": {"good": "good"}, "minute_cost": 5}
    with pytest.raises(Misconfigured, match=r'such as \[energy\] currency = "MYR"'):
        resolve(Site.model_validate({"machine": [machine]}))
    assert resolve(Site.model_validate({"machine": [machine], "energy": {"currency": "MYR"}})).supply is not None
