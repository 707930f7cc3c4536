"""States by a count of parts beside plain loops, and however the readings are cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.base import NEVER
from detectors.efficiency.count_state import CountState, Pace, Stated, init, step
from detectors.efficiency.machine_state import MachineState
from tests.naive.efficiency.count_state import states

PLAIN = [(10, 30, 100), (1, 1, None), (20, 60, 60)]
PACE = Pace(*(np.array([NEVER if row[c] is None else row[c] for row in PLAIN], dtype=np.int64) for c in range(3)))
QUIET = np.zeros(3, dtype=bool)

Reading = tuple[int, int, float]
"""Machine, time, count."""


def stream(seed: int, n: int) -> list[Reading]:
    """Counts of three machines in order of time: parts singly and in lots, repeats, pauses, resets."""
    rng = np.random.default_rng(seed)
    count, time, out = rng.integers(0, 5, 3).astype(float), int(rng.integers(50)), []
    for _ in range(n):
        time += int(rng.choice([1, 5, 10, 29, 30, 31, 60, 150], p=[0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05]))
        machine = int(rng.integers(3))
        if rng.random() < 0.6:
            count[machine] = rng.integers(0, 2) if rng.random() < 0.1 else count[machine] + rng.integers(1, 4)
        out.append((machine, time, float(count[machine])))
    return out


def fed(parts: list[list[Reading]], until: int) -> dict[int, list[tuple[int, int]]]:
    """What is told when all is fed in parts, what is undecided being given again; by machine (time, state)."""
    state, held = init(3), list[Reading]()
    out: dict[int, list[tuple[int, int]]] = {0: [], 1: [], 2: []}
    for part in parts:
        held = sorted(held + part)
        known = until if part is parts[-1] else part[-1][1]
        state, said, open_ = one(state, held, known)
        for machine, time, what in zip(*(column.tolist() for column in said), strict=True):
            out[machine].append((time, what))
        held = [row for row in held if row[1] >= open_[row[0]]]
    return out


def one(state: CountState, held: list[Reading], until: int) -> tuple[CountState, Stated, list[int]]:
    machine, time = (np.array([row[c] for row in held], dtype=np.int64) for c in (0, 1))
    count = np.array([row[2] for row in held], dtype=np.float64)
    state, said, open_ = step(state, PACE, machine, time, count, np.full(3, until), QUIET, QUIET)
    return state, said, open_.tolist()


def changes(said: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of states in order of time, those that differ from the one before; of one time the last."""
    by_time = dict(said)
    kept = [(t, s) for (_, before), (t, s) in pairwise([(-1, -1), *sorted(by_time.items())]) if s != before]
    assert [time for time, _ in said] == sorted(time for time, _ in said)
    return kept


@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.lists(st.integers(0, 80), max_size=8), st.integers(0, 200))
@settings(max_examples=300, deadline=None)
def test_equals_the_naive_states_however_the_readings_are_cut(seed: int, n: int, cuts: list[int], more: int) -> None:
    readings = stream(seed, n)
    edges = sorted({0, n, *(c for c in cuts if c < n)})
    until = readings[-1][1] + more
    found = fed([readings[a:b] for a, b in pairwise(edges)], until)
    for machine, (cycle, within, down) in enumerate(PLAIN):
        own = [(time, count) for of, time, count in readings if of == machine]
        expected = [(at, MachineState[name.upper()].value) for at, name in states(cycle, within, down, own, until)]
        assert changes(found[machine]) == expected


def test_a_machine_runs_while_parts_come_then_is_idle_from_one_cycle_after_the_last_then_down() -> None:
    """A part a minute is planned at 10 s, `within` 30: parts at 10 and 20, the next at 150. Idle from 30, down from
    120 (20 + 100), producing again from 150; the part of 20 had its 10 s of production."""
    held = [(0, 0, 0.0), (0, 10, 1.0), (0, 20, 2.0), (0, 60, 2.0), (0, 150, 3.0)]
    _, said, waits = one(init(3), held, 150)
    run, idle, down = MachineState.PRODUCING, MachineState.IDLE, MachineState.DOWN
    assert list(zip(said.time.tolist(), said.state.tolist(), strict=True)) == [
        (0, run), (10, run), (20, run), (30, idle), (60, idle), (120, down), (150, run),
    ]  # fmt: skip
    assert waits[0] == 160


def test_silence_decides_as_well() -> None:
    state, said, _ = one(init(3), [(0, 0, 0.0), (0, 10, 1.0)], 10)
    assert said.state.tolist() == [1, 1]
    none, silent = np.zeros(0, dtype=np.int64), np.array([True, False, False])
    until = np.full(3, 10)
    state, said, _ = step(state, PACE, none, none, np.zeros(0), until, silent, QUIET)
    assert (said.time.tolist(), said.state.tolist()) == ([20], [2])
    state, said, _ = step(state, PACE, none, none, np.zeros(0), until, QUIET, silent)
    assert (said.time.tolist(), said.state.tolist()) == ([110], [MachineState.DOWN])
    state, said, _ = step(state, PACE, *(np.array([v]) for v in (0, 35)), np.array([2.0]), until, QUIET, QUIET)
    assert (said.time.tolist(), said.state.tolist()) == ([110], [1]), "never older than what was told"
