"""Windows of demand that are not over: what they are forecast to end at, what is to be shed, and the money at risk."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from schemas.chunk import Record
from schemas.kpi import KpiRow
from streams.engine import Engine
from streams.kpi.demand import slots_of
from streams.kpi.options import EnergyOptions
from streams.resolve import ResolvedSite, resolve
from streams.site import Site
from streams.state.codec import pack, unpack
from streams.state.regroup import regroup
from tests.naive.efficiency.demand import NaiveDemand
from tests.unit.engine.logs import LINE, PARTITION, PARTITIONS, Tape, decoded, play

MINUTE = 60 * SECOND
START = 1_767_600_000 * SECOND  # a Monday, 16:00 in Malaysia
FEW = settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate])


def site(window: str = "30m", interval: str = "1m", series: str = "counter", **energy: Any) -> ResolvedSite:
    options = {"timezone": "Asia/Kuala_Lumpur", "grace": "10s", "demand_window": window, "kpi_interval": interval}
    machine = {"assets": "*", "energy": {series: series, "gap": "1h", "demand_forecast": True, **energy}}
    body = {"site": options, "machine": [machine], "energy": {"currency": "MYR"}, "watch": []}
    return resolve(Site.model_validate(body))


def readings(minutes: list[float], shown: list[float], series: str = "counter", unit: str = "kW.h") -> list[Record]:
    """A meter that shows these values at `minutes` after START, a message each, that come when they are read."""
    out = []
    for offset, (minute, value) in enumerate(zip(minutes, shown, strict=True)):
        time = START + round(minute * MINUTE)
        body = {"asset": f"{LINE}/m1", "series": series, "time": time, "value": value, "unit": unit}
        out.append(Record(offset, time, None, json.dumps(body).encode()))
    return out


def told(records: list[Record], of: ResolvedSite) -> list[KpiRow]:
    running = Engine(PARTITION, PARTITIONS, of)
    return [row for record in records for row in running.feed(decoded([record])).kpis]


def values(rows: list[KpiRow], window: int) -> set[float | None]:
    """Of the window of half an hour that is so far behind the first, to 1e-6."""
    start = START + window * 30 * MINUTE
    return {None if row.value is None else round(row.value, 6) for row in rows if row.start == start}


def figure(rows: list[KpiRow], name: str) -> list[KpiRow]:
    return [row for row in rows if row.kpi == name]


def test_windows_are_cut_into_slots_that_divide_a_quarter_of_an_hour() -> None:
    for minutes, slots in ((15, 15), (30, 30), (45, 30), (60, 24), (90, 30), (120, 24), (480, 0), (20, 0)):
        window = minutes * MINUTE
        assert slots_of(window) == slots
        assert not slots or (15 * MINUTE) % (window / slots) == 0


def test_300_kw_h_in_half_an_hour_are_600_kw_and_100_kw_over_the_limit_at_half_time_ask_for_200() -> None:
    """As in tests/unit/efficiency/test_demand.py, and 100 kW at 97.06 are 9,706."""
    of = site(demand_limit=500, demand_charge=97.06)
    rows = told(readings([*range(0, 31)], [10.0 * minute for minute in range(31)]), of)
    half = [row for row in rows if row.start == START and row.coverage == pytest.approx(1.0)]
    at_15 = {row.kpi: row for row in half if row.revision == 16}
    assert at_15["demand_forecast"].value == pytest.approx(600)
    assert (at_15["demand_forecast"].low, at_15["demand_forecast"].status) == (None, "provisional")
    assert at_15["demand_limit"].value == 500
    assert at_15["demand_shed"].value == pytest.approx(200)
    assert at_15["demand_risk"].value == pytest.approx(9706)


def test_a_window_that_is_over_has_its_demand_and_no_forecast() -> None:
    rows = told(readings([*range(0, 63)], [10.0 * minute for minute in range(63)]), site(demand_limit=500))
    assert {row.status for row in rows if row.kpi.startswith("demand_")} == {"provisional"}
    final = [row for row in figure(rows, "demand") if row.status == "final"]
    assert [row.start for row in final] == [START, START + 30 * MINUTE]
    for row in final:
        last = rows.index(row)
        assert not [r for r in rows[last:] if r.kpi.startswith("demand_") and r.start == row.start]


def test_money_is_at_risk_above_the_months_highest_demand_so_far() -> None:
    """600 kW, then 480: nothing; then 720: 120 kW at 10. In the first window nothing is known to compare with."""
    kwh = np.cumsum([0.0, *[10.0] * 30, *[8.0] * 30, *[12.0] * 29]).tolist()
    rows = figure(told(readings([*range(90)], kwh), site(demand_charge=10)), "demand_risk")
    by_window = [[row for row in rows if row.start == START + n * 30 * MINUTE] for n in range(3)]
    assert {row.value for row in by_window[0]} == {None}
    assert {row.reason for row in by_window[0]} == {"no demand was measured"}
    assert {row.value for row in by_window[1]} == {0.0}
    assert by_window[2][-1].value == pytest.approx(1200)


def test_a_new_month_begins_with_no_highest_demand() -> None:
    late = 27 * 1440 - 16 * 60  # 2026-02-01 00:00 there
    minutes = [*range(late - 31, late + 20)]
    rows = figure(told(readings(minutes, [10.0 * m for m in minutes]), site(demand_charge=10)), "demand_risk")
    assert {row.value for row in rows if row.start >= START + late * MINUTE} == {None}


def test_a_quarter_hourly_meter_is_forecast_at_half_time() -> None:
    rows = figure(told(readings([0, 15, 30, 45, 50], [0.0, 30.0, 50.0, 90.0, 95.0]), site()), "demand_forecast")
    said = {(row.start - START) // MINUTE: row.value for row in rows}
    assert said == {0: pytest.approx(120), 30: pytest.approx(160)}


def test_a_window_with_a_silence_says_that_an_input_is_missing() -> None:
    minutes = [*range(35), *range(36, 90)]
    records = readings(minutes, [60.0] * len(minutes), series="power", unit="kW")
    rows = figure(told(records, site(series="power", bridge="1m")), "demand_forecast")
    assert [values(rows, window) for window in range(3)] == [{60.0}, {60.0, None}, {60.0}]
    assert {row.reason for row in rows if row.value is None} == {"an input is missing"}


def busy(seed: int, hours: float) -> list[Record]:
    """A meter each minute or so, with a silence now and then that loses slots, and a whole window once."""
    rng = np.random.default_rng(seed)
    minute, total, minutes, kwh = 0.0, 0.0, [], []
    while minute < hours * 60:
        minutes.append(minute)
        kwh.append(total)
        gap = float(rng.choice([0.5, 1.0, 1.5, 8.0, 19.0, 50.0], p=[0.1, 0.8, 0.093, 0.004, 0.002, 0.001]))
        minute, total = minute + gap, total + gap * (1 + minute // 40 % 3) * float(rng.uniform(0.7, 1.3))
    return readings(minutes, kwh)


def test_forecasts_are_those_of_the_naive_method_over_the_slots() -> None:
    records = busy(3, 20)
    body = [json.loads(record.value or b"") for record in records]
    slow, said, last = NaiveDemand(15, 1024, 50), {}, None
    time, kwh = ([row[name] for row in body] for name in ("time", "value"))
    near = [(a, b, k - j) for (a, b), (j, k) in zip(pairwise(time), pairwise(kwh), strict=True)]
    near = [(a, b, k) for a, b, k in near if b - a <= 15 * MINUTE]
    for start in range(START, time[-1] // MINUTE * MINUTE, MINUTE):
        inside = [(min(b, start + MINUTE) - max(a, start), b - a, k, b) for a, b, k in near]
        inside = [part for part in inside if part[0] > 0]
        if sum(part[0] for part in inside) < MINUTE:
            continue
        window, slot = start // (15 * MINUTE), start // MINUTE % 15
        if last is not None and window != last // (15 * MINUTE) and (slot or start != last + MINUTE):
            slow.take(14, float("nan"))  # what is missing since then
        last = start
        asked = inside[-1][3] < start + 2 * MINUTE  # else a later slot was known by then: this one is never told of
        now = slow.take(slot, sum(part[2] * part[0] / part[1] for part in inside), asked)
        if asked:
            said[start + MINUTE] = now
    rows = figure(told(records, site("15m")), "demand_forecast")
    asked = [row for row in rows if row.low is not None]
    assert len(asked) > 100
    ends = sorted(said)
    for row in asked:
        of = [said[at] for at in ends if row.start < at <= row.end]
        got = np.array([row.value, row.low, row.high])
        assert any(np.allclose(got, 4 * np.array(one), rtol=1e-9) for one in of), row


@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 2**16), max_size=6))
@FEW
def test_batching_and_restoring_are_invisible(seed: int, cuts: list[int]) -> None:
    of = site("15m", "4m", demand_limit=100, demand_charge=30)
    records = busy(seed, 17)
    whole = play(records, of=of)
    assert any(row["low"] is not None for row in whole.kpis if row["kpi"] == "demand_forecast")
    play(records, cuts, of).same(whole)
    play(records, cuts, of, restart=True).same(whole)


def test_growing_partitions_carry_forecasts_along() -> None:
    of = site("15m", "4m", demand_limit=100, demand_charge=30)
    records = busy(4, 19)
    half = len(records) * 3 // 4
    before = Engine(PARTITION, PARTITIONS, of)
    before.feed(decoded(records[:half]))
    others = [Engine(p, PARTITIONS, of) for p in range(PARTITIONS)]
    others[PARTITION] = before
    grown = regroup([unpack(pack(engine.snapshot())) for engine in others], 7, "line")
    after = next(saved for saved in grown if saved["kpis"]["signals"]["assets"])
    said = []
    for saved in (before.snapshot(), after):
        running = Engine(PARTITION, PARTITIONS, of)
        running.restore(unpack(pack(saved)))
        running.partition, running.partitions = PARTITION, PARTITIONS
        rest = [record._replace(offset=running.next_offset + i) for i, record in enumerate(records[half:])]
        tape, chunk = Tape(), decoded(rest)
        tape.add(running.feed(chunk), chunk)
        said.append([(row["kpi"], row["start"], row["value"], row["low"], row["high"]) for row in tape.kpis])
    assert said[0] == said[1]
    assert any(low is not None for name, _, _, low, _ in said[0] if name == "demand_forecast")


def test_a_snapshot_of_before_there_were_forecasts_is_taken_up() -> None:
    of = site()
    records = readings([*range(40)], [float(minute) for minute in range(40)])
    first = Engine(PARTITION, PARTITIONS, of)
    first.feed(decoded(records[:10]))
    saved = unpack(pack(first.snapshot()))
    del saved["kpis"]["demands"]
    second = Engine(PARTITION, PARTITIONS, resolve(Site()))
    second.restore(saved)
    rows = [row for record in records[10:] for row in second.feed(decoded([record])).kpis]
    forecast = figure(rows, "demand_forecast")
    assert values(forecast, 0) == {None}, "its first slots are not known"
    assert values(forecast, 1) == {60.0}


def test_machines_that_are_not_to_be_forecast_are_not() -> None:
    records = readings([*range(20)], [float(minute) for minute in range(20)])
    rows = told(records, site(demand_forecast=False, demand_limit=10))
    assert figure(rows, "demand")
    assert not figure(rows, "demand_forecast")
    assert not EnergyOptions(power="kw").forecasts, "unless somebody cares what the window ends at"
    assert EnergyOptions(power="kw", demand_charge=30.0).forecasts
    with pytest.raises(ValueError, match="greater than 0"):
        EnergyOptions(power="kw", demand_limit=0)
