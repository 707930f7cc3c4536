"""Leaks of compressed air and performance of chillers: by hand with their sources, units, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from schemas.chunk import Record
from schemas.kpi import KpiRow
from streams.engine import Engine
from streams.resolve import ResolvedSite, resolve
from streams.site import Site
from tests.unit.engine.logs import decoded
from tests.unit.kpi.one_machine import ASSET, by_window, told

START = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp())  # a Monday
MINUTE, HOUR = 60, 3600
COMPRESSOR: dict[str, Any] = {
    "state": {"series": "state", "words": {"LOAD": "producing", "UNLOAD": "idle", "OFF": "down"}},
    "energy": {"power": "power"},
    "hold": "2h",
}
Readings = list[tuple[int, dict[str, Any]]]


def site(machine: dict[str, Any], shift: str = "06:00-22:00", units: dict[str, str] | None = None) -> ResolvedSite:
    """Nothing is planned at night."""
    series = {name: {"unit": unit} for name, unit in (units or {}).items()}
    options = {
        "calendar": {"shifts": {"day": shift}},
        "energy": {"price": 0.4, "currency": "MYR"},
        "machine": [{"assets": "*", **machine}],
        "asset": [{"path": ASSET, "series": series}],
        "watch": [],
    }
    return resolve(Site.model_validate(options))


def night(**more: float) -> Readings:
    """An hour and a bit in which a compressor loads for the first 8 of each 56 minutes: 80 kW, and 20 kW unloaded."""
    out = []
    for minute in range(5 * 60 + 1):
        loads = minute % 56 < 8
        out.append((START + 60 * minute, {"state": "LOAD" if loads else "UNLOAD", **more}))
        out.append((START + 60 * minute + 1, {"power": 80.0 if loads else 20.0}))
        out.append((START + 60 * minute + 59, {"power": 80.0 if loads else 20.0}))
    return out


def of(rows: dict[Any, KpiRow], kpi: str, hour: int = 0) -> KpiRow:
    return rows[kpi, "", START + hour * HOUR]


def test_load_8_unload_48_leaks_14_3_percent() -> None:
    """US Department of Energy, Improving Compressed Air System Performance (2003), fact sheet 7. The shift from 00:56
    makes the first 56 minutes of the hour those in which nobody is to use air: 8 of load and 48 of unload.

    8 min x 80 kW = 10.667 kWh in 56 min of running: 11.43 kW, at 0.40 a kWh 4.57 an hour; of a capacity of 14 m3/min
    2 leak."""
    rows = by_window(told(site(COMPRESSOR | {"air": {"capacity": 14.0}}, "00:56-22:00"), night()))
    assert of(rows, "leak_share").value == pytest.approx(8 / 56)
    assert of(rows, "leak_share").value == pytest.approx(0.143, abs=5e-4)
    assert (of(rows, "leak_share").unit, of(rows, "leak_share").coverage) == ("1", pytest.approx(1.0))
    assert of(rows, "leak_flow").value == pytest.approx(2.0)
    assert of(rows, "leak_power").value == pytest.approx(8 * 80 / 56, rel=0.01), "the meter is read twice a minute"
    assert of(rows, "leak_cost").value == pytest.approx(8 * 80 / 56 * 0.4, rel=0.01)
    assert of(rows, "leak_cost").value == pytest.approx(0.4 * (of(rows, "leak_power").value or 0), rel=1e-9)
    assert (of(rows, "leak_flow").unit, of(rows, "leak_cost").unit) == ("m3/min", "MYR/h")
    assert ("leak_share", "", START + HOUR) not in rows, "from then on somebody is to use air"


def test_a_measured_flow_is_the_leak_while_nothing_is_planned() -> None:
    """120 m3/h are 2 m3/min; in a machine that says no state there is no share, power or cost."""
    machine = {"air": {"flow": "flow"}, "energy": {"power": "power"}}
    readings = night(flow=120.0)
    rows = by_window(told(site(machine, units={"flow": "m3/h"}), readings))
    assert of(rows, "leak_flow").value == pytest.approx(2.0)
    assert of(rows, "leak_flow").coverage == pytest.approx(1.0)
    assert not [kpi for kpi, _, _ in rows if kpi in ("leak_share", "leak_power", "leak_cost")]


def test_a_compressor_that_is_off_at_night_says_so_and_a_silent_one_has_no_coverage() -> None:
    off = [(START + 600 * n, {"state": "OFF", "power": 0.0}) for n in range(31)]
    rows = by_window(told(site(COMPRESSOR | {"air": {}}), off))
    said = of(rows, "leak_share", 1)
    assert (said.value, said.coverage, said.reason) == (None, 1.0, "it did not run while nothing was planned")
    half = [(START + 60 * n, {"state": "LOAD" if n < 30 else "?", "power": 10.0}) for n in range(70)]
    said = of(by_window(told(site(COMPRESSOR | {"air": {}}), half)), "leak_share")
    assert (said.value, said.coverage) == (1.0, 0.5)


CHILLER = {"chiller": {"flow": "flow", "supply": "out", "back": "in"}, "energy": {"power": "power"}}


def hours(said: dict[str, float], n: int = 3) -> Readings:
    return [(START + 60 * minute, said) for minute in range(n * 60 + 1)]


def test_24_kg_of_water_a_second_cooled_by_5_kelvin_are_502_kw_and_143_rt() -> None:
    """Q = 24 x 4.186 x 5 = 502.32 kW = 142.83 RT; with 90 kW 0.630 kW/RT and a COP of 5.58."""
    rows = by_window(told(site(CHILLER), hours({"flow": 24.0, "out": 7.0, "in": 12.0, "power": 90.0})))
    assert of(rows, "cooling_energy", 1).value == pytest.approx(502.32)
    assert of(rows, "kw_per_rt", 1).value == pytest.approx(90 / (502.32 / 3.517))
    assert of(rows, "cop", 1).value == pytest.approx(5.5813, abs=5e-5)
    assert (of(rows, "kw_per_rt", 1).unit, of(rows, "cop", 1).coverage) == ("kW/{RT}", pytest.approx(1.0))


@pytest.mark.parametrize(
    ("flow", "unit", "warm", "cold", "degrees"),
    [(86.4, "m3/h", 12, 7, "Cel"), (1440, "L/min", 285.15, 280.15, "K"), (86.4, "t/h", 53.6, 44.6, "[degF]")],
)
def test_units_are_converted(flow: float, unit: str, warm: float, cold: float, degrees: str) -> None:
    units = {"flow": unit, "out": degrees, "in": degrees}
    rows = by_window(told(site(CHILLER, units=units), hours({"flow": flow, "out": cold, "in": warm, "power": 90.0})))
    assert of(rows, "cooling_energy", 1).value == pytest.approx(502.32)


def test_temperatures_in_two_units_and_a_meter_of_cooling() -> None:
    mixed = site(CHILLER, units={"out": "[degF]", "in": "K"})
    rows = by_window(told(mixed, hours({"flow": 24.0, "out": 44.6, "in": 285.15, "power": 90.0})))
    assert of(rows, "cop", 1).value == pytest.approx(5.5813, abs=5e-5)
    metered = site({"chiller": {"cooling": "q"}, "energy": {"power": "power"}}, units={"q": "W"})
    rows = by_window(told(metered, hours({"q": 502_320.0, "power": 90.0})))
    assert of(rows, "cop", 1).value == pytest.approx(5.5813, abs=5e-5)


def test_a_chiller_that_cools_nothing_has_no_cop_but_a_reason() -> None:
    rows = by_window(told(site(CHILLER), hours({"flow": 24.0, "out": 9.0, "in": 9.0, "power": 30.0})))
    for kpi in ("cop", "kw_per_rt"):
        assert (of(rows, kpi, 1).value, of(rows, kpi, 1).reason) == (None, "no cooling was delivered")


def test_a_silent_thermometer_is_missing_and_not_carried_on() -> None:
    """The water's return is read for half an hour; its last value counts for `bridge`, 10 minutes."""
    machine = CHILLER | {"energy": {"power": "power", "bridge": "10m"}}
    said = {"flow": 24.0, "out": 7.0, "power": 90.0}
    readings = [(START + 60 * n, said | ({"in": 12.0} if n <= 30 else {})) for n in range(131)]
    rows = by_window(told(site(machine), readings))
    assert of(rows, "cop").value == pytest.approx(5.5813, abs=5e-5)
    assert of(rows, "cop").coverage == pytest.approx(40 / 60)
    assert (of(rows, "cop", 1).value, of(rows, "cop", 1).coverage) == (None, 0.0)


def naive(readings: Readings, bridge: int, end: int) -> tuple[float, float]:
    """kWh of cooling, and seconds for which it is known, of the first hour: reading by reading."""
    held: dict[str, tuple[int, float]] = {}
    points: list[tuple[int, float]] = []
    for time in sorted({at for at, _ in readings}):
        for at, said in readings:
            if at == time:
                held |= {name: (at, value) for name, value in said.items()}
        if all(name in held and time - held[name][0] <= bridge for name in ("flow", "out", "in")):
            points.append((time, held["flow"][1] * 4.186 * (held["in"][1] - held["out"][1])))
    kwh, known = 0.0, 0.0
    for (a, was), (b, now) in pairwise(points):
        if b - a <= bridge:
            inside = max(0, min(b, end) - a)
            kwh += (was + now) / 2 * inside / 3600  # a span's energy is spread evenly over it
            known += inside
    return kwh, known


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_cooling_is_that_of_a_plain_pass_over_the_readings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = START + np.cumsum(rng.choice([1, 20, 60, 400, 900], 60, p=[0.2, 0.3, 0.3, 0.15, 0.05]))
    readings: Readings = []
    for at in times.tolist():
        values = {"flow": rng.uniform(0, 30), "out": rng.uniform(5, 8), "in": rng.uniform(4, 14)}
        chosen = [name for name in values if rng.random() < 0.6]
        readings += [(at, {name: float(values[name]) for name in chosen})] if chosen else []
    machine = CHILLER | {"energy": {"power": "power", "bridge": "10m"}}
    rows = by_window(told(site(machine), readings))
    kwh, known = naive(readings, 600, START + HOUR)
    row = rows.get(("cooling_energy", "", START))
    assert (0.0 if row is None or row.value is None else row.value) == pytest.approx(kwh, rel=1e-9, abs=1e-9)
    assert (0.0 if row is None else row.coverage) == pytest.approx(min(known / 3600, 1.0), rel=1e-9, abs=1e-9)


def naive_leaks(readings: Readings, bridge: int) -> dict[str, float]:
    """Of the first hour, in which nothing is planned but from 00:20 to 00:40: second by second."""
    states = [(at, said["state"]) for at, said in readings if "state" in said]
    rates = {name: [(at, said[name]) for at, said in readings if name in said] for name in ("power", "flow")}
    load = unload = aired = 0
    kwh = air = 0.0
    for second in range(START, START + HOUR):
        if 20 * MINUTE <= second - START < 40 * MINUTE:
            continue
        state = next((word for at, word in reversed(states) if at <= second), "?")
        mean = dict.fromkeys(rates, float("nan"))
        for name, points in rates.items():
            for (a, was), (b, now) in pairwise(points):
                if a <= second < b and b - a <= bridge:
                    mean[name] = (was + now) / 2
        load, unload = load + (state == "LOAD"), unload + (state == "UNLOAD")
        if state == "LOAD" and mean["power"] == mean["power"]:
            kwh += mean["power"] / 3600
        if mean["flow"] == mean["flow"]:
            air, aired = air + mean["flow"] / 60, aired + 1
    ran = load + unload
    said = (
        {"leak_share": load / ran, "leak_power": kwh * 3600 / ran, "leak_cost": 0.4 * kwh * 3600 / ran} if ran else {}
    )
    return said | ({"leak_flow": air / (aired / 60)} if aired else {})


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_leaks_are_those_of_a_plain_pass_over_every_second(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = START + np.cumsum(rng.choice([1, 20, 60, 200, 500], 90, p=[0.2, 0.3, 0.3, 0.15, 0.05]))
    readings: Readings = []
    for at in [*times.tolist(), START + 2 * HOUR]:
        values = {"power": float(rng.uniform(10, 90)), "flow": float(rng.uniform(0, 9))}
        said: dict[str, Any] = {name: value for name, value in values.items() if rng.random() < 0.7}
        if rng.random() < 0.5:
            said["state"] = str(rng.choice(["LOAD", "UNLOAD", "OFF", "?"]))
        readings += [(at, said)] if said else []
    machine = COMPRESSOR | {"air": {"flow": "flow"}, "energy": {"power": "power", "bridge": "5m"}}
    rows = by_window(told(site(machine, "00:20-00:40"), readings))
    found = {kpi: row.value for (kpi, shift, start), row in rows.items() if start == START and not shift}
    expected = naive_leaks(readings, 300)
    for kpi in ("leak_share", "leak_power", "leak_cost", "leak_flow"):
        value = found.get(kpi)
        assert value == (None if kpi not in expected else pytest.approx(expected[kpi], rel=1e-9, abs=1e-9)), kpi


WRONG = {
    "chiller needs either cooling": {"chiller": {"flow": "f", "supply": "s"}},
    "a chiller needs either": {"chiller": {"cooling": "q", "flow": "f", "supply": "s", "back": "b"}},
    "air needs a state that tells load": {"air": {"capacity": 3}},
    "give flow or capacity, not both": {"air": {"capacity": 3, "flow": "f"}},
    "at least one of state, parts, energy, air and chiller": {},
}


@pytest.mark.parametrize("words", WRONG)
def test_what_does_not_fit_together_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Site.model_validate({"machine": [{"assets": "*", **WRONG[words]}]})


def test_a_unit_that_is_none_of_a_flow_is_warned_of_and_left_out() -> None:

    body = b'{"asset": "p/a/l/m1", "series": "flow", "time": %d, "value": 3, "unit": "bar"}' % (START * SECOND)
    engine = Engine(0, 1, site({"air": {"flow": "flow"}}))
    said = engine.feed(decoded([Record(0, START * SECOND, None, body)])).warnings
    assert any("'bar' is no unit of air flow" in warning and "m3/min" in warning for warning in said)
