"""What episodes cost: worked values by hand, and totals beside a plain integral over random logs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import at_stake
from streams.prices import PricesAt
from streams.resolve import ResolvedSite, resolve
from streams.segment import Ints
from streams.severity import severity_of
from streams.site import Site
from tests.naive import at_stake as naive
from tests.unit.engine.logs import LINE, Tape, command, play, renumbered
from tests.unit.engine.test_outcomes import of_json, single
from tests.unit.kpi.figure_logs import HOUR, MACHINE, log

M0 = f"{LINE}/m0"
SECOND = HOUR // 3600


class ByHour:
    """A price that changes every hour, and a factor that is not known in every third."""

    def at(self, times: Ints) -> PricesAt:
        hour = times // HOUR
        return PricesAt(0.2 + 0.1 * (hour % 5), np.where(hour % 3 == 0, np.nan, 0.74))


def site(
    watch: dict[str, Any], machine: dict[str, Any] | None = None, energy_price: float | None = None, **options: Any
) -> ResolvedSite:
    body = {
        "energy": {"currency": "MYR", "price": energy_price},
        "site": {"grace": "2m", "kpi_interval": "5m", **options},
        "machine": [MACHINE | (machine or {})],
        "watch": [{"name": "w", "off_delay": "10m", **watch}],
    }
    return resolve(Site.model_validate(body))


def power(values: list[float], of: ResolvedSite, step_s: float = 1800.0, unit: str | None = None) -> Tape:
    more = {} if unit is None else {"unit": unit}
    return play(of_json([single(M0, v, i * step_s, "power") | more for i, v in enumerate(values)]), of=of)


LIMITS = {"series": "*/power", "detector": {"kind": "limits", "high": 10}, "off_delay": "0s"}
NAMES = ("cost_per_hour", "cost_total", "kwh_per_hour", "kwh_total", "kgco2e_per_hour", "kgco2e_total")


def test_power_beyond_its_limit_costs_the_price_of_its_excess() -> None:
    """14 kW over a limit of 10 for half an hour is 2 kW.h, at .5 a kW.h 1.0; then 12 kW for half an hour: 1 kW.h."""
    events = power([8, 14, 12, 8], site(LIMITS, energy_price=0.5)).events
    told = [(e["phase"], *(e[name] for name in NAMES)) for e in events]
    assert told == [
        ("opened", 2.0, 0.0, 4.0, 0.0, None, None),
        ("closed", 0.0, 1.5, 0.0, 3.0, None, None),
    ]


@pytest.mark.parametrize(("unit", "kwh"), [("W", 0.004), ("kW", 4.0), ("MW", 4000.0), (None, 4.0), ("A", None)])
def test_the_unit_of_power_counts(unit: str | None, kwh: float | None) -> None:
    assert power([8, 14], site(LIMITS), unit=unit).events[0]["kwh_per_hour"] == kwh


def test_without_a_price_the_energy_is_told() -> None:
    opened = power([8, 14], site(LIMITS)).events[0]
    assert (opened["kwh_per_hour"], opened["cost_per_hour"]) == (4.0, None)


def test_power_below_its_limit_costs_nothing_and_is_as_severe_as_its_score() -> None:
    low = {**LIMITS, "detector": {"kind": "limits", "low": 5}}
    opened = power([8, 1], site(low, energy_price=0.5, cost_matters=1.0)).events[0]
    assert (opened["cost_per_hour"], opened["kwh_per_hour"]) == (0.0, 0.0)
    assert opened["severity"] == severity_of(opened["score"])


def test_what_it_costs_may_raise_the_severity() -> None:
    plain = power([8, 10.5], site(LIMITS, energy_price=8.0)).events[0]
    opened = power([8, 10.5], site(LIMITS, energy_price=8.0, cost_matters=1.0)).events[0]
    assert (opened["cost_per_hour"], opened["severity"]) == (4.0, severity_of(4.0))
    assert plain["severity"] == severity_of(plain["score"]) < opened["severity"]


def test_a_declared_cost_comes_before_the_price() -> None:
    opened = power([8, 14], site({**LIMITS, "cost": 40.0}, energy_price=0.5)).events[0]
    assert (opened["cost_per_hour"], opened["kwh_per_hour"]) == (40.0, 4.0)


def test_another_series_of_the_machine_is_not_priced() -> None:
    watch = {**LIMITS, "series": "*/good"}
    tape = play(of_json([single(M0, v, i * 60, "good") for i, v in enumerate([8, 14])]), of=site(watch, energy_price=1))
    assert [tape.events[0][name] for name in NAMES] == [None] * 6


def test_an_end_by_command_brings_the_totals_to_it() -> None:
    records = of_json([single(M0, v, i * 1800, "power") for i, v in enumerate([8, 14])])
    end = records[-1].timestamp + 2 * HOUR
    records.append(command(end, "mute", "x", {"until": end + HOUR}, asset=M0))
    closed = play(renumbered(records), of=site(LIMITS, energy_price=0.5)).events[-1]
    assert closed["reason"] == "muted"
    hours = (closed["ended"] - closed["started"]) / HOUR
    assert hours >= 1.5
    assert (closed["kwh_total"], closed["cost_total"]) == pytest.approx((4.0 * hours, 2.0 * hours))


@pytest.mark.parametrize(
    ("series", "value", "reference", "lost"),
    [
        ("kpi:oee", 0.55, {"expected": 0.8}, 15.0),  # a quarter of 60 minutes
        ("kpi:oee", 0.55, {"low": 0.6}, 3.0),
        ("kpi:oee", 0.9, {"expected": 0.8}, 0.0),
        ("kpi:availability", 0.5, {"expected": 1.0}, 30.0),
        ("kpi:time_down", 25.0, {"expected": 5.0}, 20.0),
        ("kpi:time_down", 25.0, {"high": 10.0}, 15.0),
        ("kpi:quality", 0.5, {"expected": 1.0}, None),
        ("kpi:oee@shift", 0.5, {"expected": 1.0}, None),
        ("kpi:oee", 0.5, {}, None),
    ],
)
def test_lost_production_costs_its_minutes(
    series: str, value: float, reference: dict[str, float], lost: float | None
) -> None:
    from streams.roster import Roster

    of = site(LIMITS, {"minute_cost": 12.0})
    roster = Roster(of.site)
    row = roster.add(M0, series, "1", derived=True)
    nan = float("nan")
    known = {"expected": nan, "low": nan, "high": nan} | reference
    stake = at_stake.Stakes(roster, of).of(row, value, **known, declared=None, kwh=(None, None))
    assert stake.cost == (None if lost is None else pytest.approx(12.0 * lost))


def rates(tape: Tape, prices: ByHour | None, minute_cost: float | None) -> dict[tuple[str, str], list[Any]]:
    """By (asset, series), the verdicts that say something: time and what an hour costs: money, kW.h, kg CO2e."""
    out: dict[tuple[str, str], list[Any]] = {}
    for v in tape.verdicts:
        value, score, expected, low, high = map(float, v[4:9])
        if np.isnan(score):
            continue
        if not np.isnan(expected):
            up, down = max(value - expected, 0), max(expected - value, 0)
        else:
            up, down = max(value - high, 0), max(low - value, 0)
        if v[1].series == "kpi:oee":
            said = (None if minute_cost is None else 60 * minute_cost * down, None, None)
        else:
            price, factor = (np.nan, np.nan) if prices is None else (a.item() for a in prices.at(np.array([v[3]])))
            cost = None if np.isnan(price) else up * price
            carbon = None if np.isnan(factor) else up * factor
            said = (cost, up, carbon)
        out.setdefault((v[1].path, v[1].series), []).append((v[3], *said))
    return out


def held(rated: list[Any], place: int) -> list[tuple[int, float]]:
    """The rates of one kind; one that is not known is the one before it, and none before the first."""
    out: list[tuple[int, float]] = []
    for time, *said in rated:
        if said[place] is not None:
            out.append((time, said[place]))
    return out


def check(tape: Tape, prices: ByHour | None, minute_cost: float | None, hold: int | None) -> int:
    """Compare each event's totals with the plain integral; how many totals there were."""
    known, compared = rates(tape, prices, minute_cost), 0
    for event in tape.events:
        rated = [r for r in known[event["asset"], event["series"]] if event["started"] <= r[0] <= event["time"]]
        for place, name in enumerate(("cost", "kwh", "kgco2e")):
            of_kind = held(rated, place)
            if not of_kind:
                assert event[f"{name}_per_hour"] is event[f"{name}_total"] is None
                continue
            compared += 1
            assert event[f"{name}_per_hour"] == pytest.approx(of_kind[-1][1], rel=1e-9, abs=1e-9)
            plain = naive.total(of_kind, event["time"], hold)
            assert event[f"{name}_total"] == pytest.approx(plain, rel=1e-9, abs=1e-9)
    return compared


@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 300), max_size=5), learned=st.booleans())
@settings(max_examples=6, deadline=None)
def test_totals_are_the_plain_integral_however_the_log_is_cut(seed: int, cuts: list[int], learned: bool) -> None:
    kind = {"kind": "robust_zscore", "warmup": 5} if learned else {"kind": "limits", "high": 9}
    of = site({"series": "*/power", "detector": kind, "off_delay": "8m", "refractory": "5m", "plausible": 1})
    records = log(seed, hours=5)
    with pytest.MonkeyPatch.context() as patch:
        prices = ByHour()
        patch.setattr(at_stake, "Prices", lambda site: prices)
        tape = play(records, cuts, of=of, restart=True)
        play(records, of=of).same(tape)
    assert learned or check(tape, prices, None, None) > 20
    check(tape, prices, None, None)


@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 300), max_size=5))
@settings(max_examples=3, deadline=None)
def test_lost_production_is_held_for_an_hour(seed: int, cuts: list[int]) -> None:
    oee = {"series": "*/kpi:oee", "detector": {"kind": "limits", "low": 0.9}, "off_delay": "2h", "min_coverage": 0.1}
    tape = play(log(seed, hours=9), cuts, of=site(oee, {"minute_cost": 12.0}), restart=True)
    assert check(tape, None, 12.0, HOUR) > 0


def of_line(kpi: str, **limits: float) -> list[float]:
    """Money an hour, rounded to sen, of the events of one of the line's figures; the site has a price for each thing.

    Of six hours; in each of them the last machine is down for half.
    """
    run = {"state": {"series": "state", "words": {"run": "producing", "stop": "down"}}, "hold": "40m"}
    body = {
        "energy": {"currency": "MYR", "price": 0.5},
        "site": {"grace": "2m", "kpi_interval": "5m"},
        "machine": [{"assets": "*", **run, "parts": {"total": "total", "good": "total", "ideal": "1m"},
                     "energy": {"power": "power", "bridge": "40m"}, "minute_cost": 1000.0}],
        "line": [{"path": LINE, "machines": ["m0", "m1"], "minute_cost": 4.0, "ideal": "1m"}],
        "watch": [{"name": "w", "series": f"{LINE}/kpi:{kpi}", "detector": {"kind": "limits", **limits}}],
    }  # fmt: skip
    said: list[dict[str, Any]] = []
    for half in range(13):
        for machine in ("m0", "m1"):
            down = machine == "m1" and half % 2 == 1
            cells = {"state": "stop" if down else "run", "total": 30.0 * half, "power": 10.0}
            said += [single(f"{LINE}/{machine}", value, half * 1800.0, name) for name, value in cells.items()]
    tape = play(of_json(said), of=resolve(Site.model_validate(body)))
    assert {event["asset"] for event in tape.events} <= {LINE}
    return [round(event["cost_per_hour"], 2) if event["cost_per_hour"] is not None else -1.0 for event in tape.events]


def test_a_lines_figures_cost_what_a_minute_of_the_line_does() -> None:
    """The last machine runs half of each hour: availability .5 is .4 below .9, 24 minutes at 4 a minute."""
    assert of_line("availability", low=0.9)[:1] == [96.0]
    assert of_line("energy", high=12.0)[:1] == [4.0], "two machines of 10 kW: 8 kW.h over the limit, at .5"
    assert of_line("time_down", high=12.0)[:1] == [-1.0], "minutes of machines together, not of the line"
