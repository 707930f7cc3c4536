"""Bottlenecks of lines through the engine: against every second looked at, whatever the order of arrival."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.chunk import Record
from schemas.decode import Decoder
from schemas.kpi import KpiRow
from streams.engine import Engine
from streams.resolve import resolve
from tests.naive.efficiency.bottleneck import naive_shares
from tests.naive.efficiency.line import ACTIVE, naive_holders
from tests.unit.kpi.plant import LINE, MINUTE, SECOND, START, Said, entry, last, site, told

CODES = {"RUN": 1, "IDLE": 2, "STARVED": 3, "DOWN": 5, "SETUP": 6, "OFF": 7}
HOURS = 3
STEP_S = 60


def changing(seed: int, machines: int = 3) -> list[Said]:
    """Machines that change their state now and then, on full minutes; some fall silent for longer than they hold."""
    rng = np.random.default_rng(seed)
    said: list[Said] = []
    for machine in range(machines):
        minute = 0
        while minute < HOURS * 60:
            word = str(rng.choice([*CODES], p=[0.45, 0.15, 0.1, 0.1, 0.15, 0.05]))
            said.append((f"m{machine}", "state", minute * MINUTE, word))
            minute += int(rng.choice([1, 3, 7, 20, 70], p=[0.3, 0.3, 0.25, 0.1, 0.05]))
    said += [(f"m{machine}", "state", (HOURS * 60 + 1) * MINUTE, "IDLE") for machine in range(machines)]
    return sorted(said, key=lambda one: one[2])


def by_minute(said: list[Said], machines: int, hold_min: int) -> list[list[int]]:
    """The state of each machine in each minute: a state holds until the next one, `hold_min` at most."""
    out = [[0] * (HOURS * 60) for _ in range(machines)]
    for machine, _, time, word in said:
        begin = time // MINUTE
        for minute in range(begin, HOURS * 60):
            out[int(machine[1:])][minute] = CODES[str(word)] if minute < begin + hold_min else 0
    return out


def intervals(states: list[list[int]]) -> list[tuple[int, int, int]]:
    out = []
    for machine, of in enumerate(states):
        begin = None
        for minute, state in enumerate([*of, 0]):
            if state in ACTIVE and begin is None:
                begin = minute
            elif state not in ACTIVE and begin is not None:
                out.append((machine, begin, minute))
                begin = None
    return out


OF = site({"minute_cost": 12.5}, entry(hold="45m"), calendar={"breaks": ["08:50-09:05"]})


@given(seed=st.integers(0, 10**6))
@settings(max_examples=6, deadline=None)
def test_shares_and_losses_equal_the_slow_ones(seed: int) -> None:
    said = changing(seed)
    rows = last(told(OF, said))
    states = by_minute(said, 3, 45)
    for hour in range(HOURS):
        as_the_slow_ones(rows, states, hour)


def as_the_slow_ones(rows: dict[tuple[str, str, str, int], KpiRow], states: list[list[int]], hour: int) -> None:
    first = hour * 60
    sole, shifting = naive_shares(intervals(states), 3, first, first + 60)
    holders = naive_holders(states, 0)
    for machine in range(3):
        name = f"m{machine}"
        assert rows[name, "bottleneck_sole", "", hour].value == pytest.approx(sole[machine], abs=1e-9)
        assert rows[name, "bottleneck_shifting", "", hour].value == pytest.approx(shifting[machine], abs=1e-9)
        both = sole[machine] + shifting[machine]
        assert rows[name, "bottleneck_share", "", hour].value == pytest.approx(both, abs=1e-9)
        assert rows[name, "bottleneck_now", "", hour].value == float(holders[first + 59] == machine)
    start = START // MINUTE % 1440
    lost = sum(
        1
        for minute in range(first, first + 60)
        if (holder := holders[minute]) is not None
        and states[holder][minute] in (5, 6)
        and not 8 * 60 + 50 <= (start + minute) % 1440 < 9 * 60 + 5
    )
    assert rows["", "bottleneck_lost", "", hour].value == pytest.approx(lost)
    assert rows["", "bottleneck_cost", "", hour].value == pytest.approx(lost * 12.5)
    assert rows["", "bottleneck_minute_cost", "", hour].value == 12.5
    assert rows["", "bottleneck_minute_cost", "", hour].unit == "MYR/min"
    unknown = max(sum(state == 0 for state in of[first : first + 60]) for of in states)
    assert rows["", "bottleneck_lost", "", hour].coverage == pytest.approx(1 - unknown / 60)


def test_the_break_of_the_tests_site_is_in_the_hours_that_are_tested() -> None:
    assert START // MINUTE % 1440 == 8 * 60


def fed(said: list[Said], cuts: int) -> list[dict[str, Any]]:
    """Rows of a log that is fed in pieces."""
    records = [
        Record(i, START + t, None, json.dumps(
            {"asset": f"{LINE}/{m}", "series": s, "time": START + t, "value": v}).encode())
        for i, (m, s, t, v) in enumerate(said)
    ]  # fmt: skip
    engine, rows = Engine(0, 1, resolve(OF), rows="none"), list[KpiRow]()
    for piece in range(0, len(records), cuts):
        rows += engine.feed(Decoder(b"0123456789abcdef").decode(records[piece : piece + cuts], 0)).kpis
    return [row.model_dump() for row in [*rows, *engine.kpis.finish()]]


def test_batching_is_invisible_in_them() -> None:
    said = changing(11)
    whole = fed(said, 10**6)
    assert whole == fed(said, 1) == fed(said, 17)
    assert sum(row["kpi"] == "bottleneck_now" and row["value"] == 1 for row in whole) > 50


def test_a_gateway_that_lags_changes_the_bottleneck_as_if_it_had_come_in_time() -> None:
    said = changing(5)
    late = [one for one in said if one[0] != "m2"] + [one for one in said if one[0] == "m2"]
    straight, lagging = last(told(OF, said)), last(told(OF, late))
    shown = [key for key in straight if key[1].startswith("bottleneck") and key[3] < HOURS]
    assert len(shown) == (3 * 4 + 3) * HOURS
    assert [lagging[key].value for key in shown] == [straight[key].value for key in shown]


def test_who_it_is_now_is_told_while_the_hour_lasts_though_a_machine_is_silent() -> None:
    said: list[Said] = [("m1", "state", 0, "DOWN"), ("m2", "state", 0, "IDLE")]
    said += [("m2", "state", minute * MINUTE, "RUN") for minute in range(2, 12)]
    rows = [row for row in told(OF, said, finish=False) if row.kpi in ("bottleneck_now", "bottleneck_lost")]
    newest = {(row.asset[len(LINE) + 1 :], row.kpi): row for row in rows}
    assert newest["m1", "bottleneck_now"].value == 1
    assert newest["m2", "bottleneck_now"].value == 0
    # what was told last, at minute 11, is of minute 10: m1, which said nothing since, has been down for all of it
    assert newest["", "bottleneck_lost"].value == 10


def test_how_long_a_machine_has_been_active_is_remembered_for_longer_than_its_states() -> None:
    """m2 runs since the second hour, m1 runs and is down by turns since the third: nothing else is kept of that."""
    said: list[Said] = [("m1", "state", 0, "IDLE"), ("m2", "state", 0, "IDLE")]
    for hour in range(1, 60):
        said.append(("m2", "state", hour * 60 * MINUTE - 30 * SECOND, "RUN"))  # so that figures are told on the hour
        word = "IDLE" if hour < 2 else "RUN" if hour % 2 else "DOWN"
        said.append(("m1", "state", hour * 60 * MINUTE + 5 * SECOND, word))
    rows = last(told(site({}), said, finish=False))
    shown = {hour: rows["m2", "bottleneck_now", "", hour].value for hour in range(3, 58)}
    assert set(shown.values()) == {1.0}
