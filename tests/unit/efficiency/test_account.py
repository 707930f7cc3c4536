"""The account of machines beside plain loops, and its laws."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.efficiency.account import Account
from detectors.efficiency.machine_state import MachineState
from detectors.efficiency.roles import Limits, Role
from tests.naive.efficiency.account import Figures, account

SECOND = 1_000_000_000
CELL = 900 * SECOND
LIMITS = Limits(hold=400 * SECOND, gap=300 * SECOND, bridge=1_200 * SECOND, modulus=1_000.0, startup=200 * SECOND)


def edges(low: int, high: int) -> np.ndarray:
    return np.arange(low // CELL * CELL, high + 2 * CELL, CELL)


def booked(whole: Account, machine: int) -> Figures:
    out: Figures = defaultdict(float)
    sums = whole.sums
    for (of, cell, product), row in sums.of.items():
        if of != machine:
            continue
        one = np.array([row])
        for state in MachineState:
            out[cell, product, f"s {state.value}"] += sums["time"][row, state] / 1e9
            out[cell, product, f"kWh {state.value}"] += sums["kwh"][row, state]
        for column, role in enumerate((Role.TOTAL, Role.GOOD, Role.REJECT)):
            out[cell, product, role.name] += sums["parts"][row, column]
            out[cell, product, f"starting {role.name}"] += sums.picked("starting", one)[0, column]
        for name, amount, time in (("AIR_FLOW", "air", "aired"), ("COOLING", "cooling", "cooled")):
            out[cell, product, name] += sums.picked(amount, one)[0]
            out[cell, product, f"{name} known"] += sums.picked(time, one)[0] / 1e9
        out[cell, product, "kvarh"] += sums["kvarh"][row]
        out[cell, product, "estimated"] += sums["estimated"][row]
        out[cell, product, "counted"] += sums["counted"][row] / 1e9
        out[cell, product, "metered"] += sums["metered"][row] / 1e9
    return out


def same(a: Figures, b: Figures) -> None:
    for key in {*a, *b}:
        assert a.get(key, 0.0) == pytest.approx(b.get(key, 0.0), rel=1e-9, abs=1e-9), key


@st.composite
def streams(draw: st.DrawFn) -> list[tuple[int, Role, int, float]]:
    """Readings of two machines in order of time: counters that are reset and roll over, silences, products."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 120))
    steps = rng.choice([1, 7, 60, 300, 1500, 4000], n, p=[0.3, 0.2, 0.3, 0.1, 0.05, 0.05]) * SECOND
    times = draw(st.integers(0, 10**6)) * SECOND + np.cumsum(steps)
    counters: dict[tuple[int, Role], float] = defaultdict(lambda: float(rng.integers(0, 900)))
    out = []
    for time in times.tolist():
        machine, role = int(rng.integers(2)), Role(int(rng.choice(len(Role))))
        if machine == 0 and role in (Role.POWER, Role.REACTIVE_POWER):
            role = Role(role - 1)  # a machine has one meter of a kind: the other machine has those of power
        elif machine == 1 and role in (Role.ENERGY, Role.REACTIVE_ENERGY):
            role = Role(role + 1)
        if role is Role.STATE:
            value = float(rng.integers(len(MachineState)))
        elif role is Role.PRODUCT:
            value = float(rng.integers(3))
        elif role in (Role.POWER, Role.REACTIVE_POWER) or role >= Role.AIR_FLOW:
            value = float(rng.uniform(0, 50))
        else:
            at = counters[machine, role] + float(rng.integers(0, 40))
            value = counters[machine, role] = 0.0 if rng.random() < 0.1 else at % 1_000.0
        out.append((machine, role, time, value))
    return out


def book(parts: list[list[tuple[int, Role, int, float]]]) -> Account:
    whole = Account(edges)
    whole.add([LIMITS] * 2)
    for part in parts:
        columns = [np.array([row[i] for row in part]) for i in (1, 0, 2, 3)]
        whole.take(*(c.astype(np.int64) for c in columns[:3]), columns[3].astype(np.float64))
    return whole


def settled(readings: list[tuple[int, Role, int, float]], cuts: list[int]) -> list[list[tuple[int, Role, int, float]]]:
    edges_ = sorted({0, len(readings), *(c for c in cuts if c < len(readings))})
    return [readings[a:b] for a, b in itertools.pairwise(edges_)]


@given(readings=streams())
@settings(max_examples=60, deadline=None)
def test_what_is_booked_is_what_the_definitions_say(readings: list[tuple[int, Role, int, float]]) -> None:
    whole = book([readings])
    for machine in range(2):
        own = [(role, time, value) for of, role, time, value in readings if of == machine]
        same(booked(whole, machine), account(own, [len(own)] * len(own), LIMITS, CELL))


@given(readings=streams())
@settings(max_examples=30, deadline=None)
def test_readings_that_come_one_by_one_share_energy_by_what_is_known(
    readings: list[tuple[int, Role, int, float]],
) -> None:
    whole = book([[one] for one in readings])
    for machine in range(2):
        own = [(role, time, value) for of, role, time, value in readings if of == machine]
        same(booked(whole, machine), account(own, [i + 1 for i in range(len(own))], LIMITS, CELL))


@given(readings=streams(), cuts=st.lists(st.integers(0, 120), max_size=6))
@settings(max_examples=40, deadline=None)
def test_where_the_stream_is_cut_is_invisible(readings: list[tuple[int, Role, int, float]], cuts: list[int]) -> None:
    assert booked(book(settled(readings, cuts)), 0) == booked(book([readings]), 0)


@given(readings=streams())
@settings(max_examples=30, deadline=None)
def test_a_meter_that_lags_behind_is_shared_by_what_is_known_when_it_comes(
    readings: list[tuple[int, Role, int, float]],
) -> None:
    lagging = (Role.ENERGY, Role.POWER)
    late = [row for row in readings if row[1] not in lagging] + [row for row in readings if row[1] in lagging]
    whole = book([[one] for one in late])
    for machine in range(2):
        own = [(role, time, value) for of, role, time, value in late if of == machine]
        same(booked(whole, machine), account(own, [i + 1 for i in range(len(own))], LIMITS, CELL))


def test_a_state_is_forgotten_in_a_long_silence_though_the_meter_goes_on() -> None:
    day = 86_400 * SECOND
    readings = [(0, Role.STATE, 0, 1.0), (0, Role.ENERGY, 39 * day, 0.0), (0, Role.ENERGY, 39 * day + SECOND, 7.0)]
    whole = book([[*readings, (0, Role.STATE, 40 * day, 1.0)]])
    assert whole.sums["kwh"][:, MachineState.UNKNOWN].sum() == 7.0
