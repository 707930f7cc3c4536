"""Parts by completed cycles beside a plain loop, and however the readings are cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.efficiency.cycles import init, step
from detectors.efficiency.machine_state import MachineState
from tests.naive.efficiency.cycles import parts

SHORTEST, HOLD = np.array([0, 20, 60]), np.array([50, 1000, 45])


@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.lists(st.integers(0, 80), max_size=8))
@settings(max_examples=100, deadline=None)
def test_equals_the_naive_count_however_the_readings_are_cut(seed: int, n: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.choice([1, 9, 30, 80], n))
    machine, state = rng.integers(0, 3, n), rng.choice([int(s) for s in MachineState], n, p=[0.05, 0.5, *[0.075] * 6])
    complete = (state == MachineState.IDLE) | (rng.random(n) < 0.05)
    was, found = init(3), np.zeros(n, dtype=np.int64)
    edges = sorted({0, n, *(c for c in cuts if c < n)})
    for a, b in pairwise(edges):
        at = a + np.argsort(machine[a:b], kind="stable")
        was, found[at] = step(was, SHORTEST, HOLD, machine[at], time[at], state[at], complete[at])
    for m in range(3):
        mine = np.flatnonzero(machine == m)
        own = [(int(time[i]), MachineState(state[i]).name.lower(), bool(complete[i])) for i in mine]
        assert found[mine].tolist() == parts(own, int(SHORTEST[m]), int(HOLD[m]))
