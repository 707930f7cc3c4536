"""States by power beside plain loops, and however the readings are cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.efficiency.machine_state import MachineState
from detectors.efficiency.power_state import NONE, Levels, init, step
from tests.naive.efficiency.power_state import Plain, states

PLAIN = [Plain(1.0, 5.0, 0.2, 30), Plain(0.0, 8.0, 0.0, 0), Plain(2.0, 3.0, 0.5, 7)]
LEVELS = Levels(*(np.array(column) for column in zip(*PLAIN, strict=True)))
NOW = np.zeros(3, dtype=np.int64)

Reading = tuple[int, int, float]
"""Machine, time, kW."""


def stream(seed: int, n: int) -> list[Reading]:
    """Power of three machines in order of time, that stays and jumps, often right at a level."""
    rng = np.random.default_rng(seed)
    power = np.zeros(3)
    out, time = [], 0
    for _ in range(n):
        time += int(rng.choice([1, 5, 40], p=[0.6, 0.3, 0.1]))
        machine = int(rng.integers(3))
        if rng.random() < 0.4:
            power[machine] = rng.choice([0.0, 0.9, 1.0, 2.4, 2.5, 4.0, 4.5, 5.0, 9.0])
        out.append((machine, time, float(power[machine])))
    return out


def fed(parts: list[list[Reading]], until: int) -> dict[int, list[int]]:
    """States that `step` gives, what is undecided being given again; by machine."""
    state, held = init(3), list[Reading]()
    out: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for part in parts:
        held = sorted(held + part)
        columns = [np.array([row[c] for row in held]) for c in range(3)]
        machine, time = (c.astype(np.int64) for c in columns[:2])
        known = until if part is parts[-1] else part[0][1]
        state, codes = step(state, LEVELS, machine, time, columns[2].astype(float), np.full(3, known))
        for row, code in zip(held, codes.tolist(), strict=True):
            if code != NONE:
                out[row[0]].append(code)
        held = [row for row, code in zip(held, codes.tolist(), strict=True) if code == NONE]
    return out


@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.lists(st.integers(0, 80), max_size=8), st.integers(0, 60))
@settings(max_examples=150, deadline=None)
def test_equals_the_naive_states_however_the_readings_are_cut(seed: int, n: int, cuts: list[int], more: int) -> None:
    readings = stream(seed, n)
    edges = sorted({0, n, *(c for c in cuts if c < n)})
    parts = [readings[a:b] for a, b in pairwise(edges)]
    until = readings[-1][1] + more
    found = fed(parts, until)
    for machine, levels in enumerate(PLAIN):
        own = [(time, kw) for of, time, kw in readings if of == machine]
        expected = [MachineState[name.upper()] for name in states(levels, own, until) if name is not None]
        assert found[machine] == expected


def test_a_change_counts_from_its_first_reading_once_it_has_lasted() -> None:
    """Levels 1 and 5 kW, stay 30 s: idle from 20 s on is known at 50 s; 3 s at 0 kW are no stop."""
    time = np.array([0, 10, 20, 30, 40, 50, 60, 63, 70])
    kw = np.array([9, 9, 2, 2, 2, 2, 0, 2, 2.0])
    zero = np.zeros(9, dtype=np.int64)
    state, codes = step(init(3), LEVELS, zero[:5], time[:5], kw[:5], NOW)
    assert codes.tolist() == [1, 1, NONE, NONE, NONE]
    _, codes = step(state, LEVELS, zero[2:], time[2:], kw[2:], NOW)
    assert codes.tolist() == [2] * 7


def test_power_between_a_level_and_its_hysteresis_leaves_the_level_as_it_was() -> None:
    kw = np.array([5.0, 4.1, 3.9, 4.9])
    _, codes = step(
        init(3), LEVELS._replace(stay=np.zeros(3, dtype=int)), np.zeros(4, dtype=int), np.arange(4), kw, NOW
    )
    assert codes.tolist() == [MachineState.PRODUCING, MachineState.PRODUCING, MachineState.IDLE, MachineState.IDLE]


def test_a_level_lasts_until_another_is_read_however_seldom_that_is() -> None:
    """Stay 30 s: read once a minute every level counts; the newest does once nothing else was read for 30 s."""
    zero, time, kw = np.zeros(3, dtype=np.int64), np.array([0, 60, 120]), np.array([9.0, 0.0, 9.0])
    codes = [step(init(3), LEVELS, zero, time, kw, np.full(3, until))[1].tolist() for until in (120, 149, 150)]
    assert codes == [[1, 5, NONE], [1, 5, NONE], [1, 5, 1]]


def test_nothing_read_is_nothing_said() -> None:
    none = np.zeros(0, dtype=np.int64)
    state, codes = step(init(3), LEVELS, none, none, np.zeros(0), NOW)
    assert len(codes) == 0
    assert state.force.tolist() == [NONE] * 3
