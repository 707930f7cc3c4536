"""Settling: order of arrival within `grace`, and cuts of the log, do not show in what is booked."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.efficiency.account import Account
from detectors.efficiency.roles import Limits, Role
from streams.kpi.settling import Said, Settling

SECOND = 1_000_000_000
GRACE = 30 * SECOND


def edges(low: int, high: int) -> Any:
    cell = 900 * SECOND
    return np.arange(low // cell * cell, high + 2 * cell, cell)


def fresh() -> Settling:
    account = Account(edges)
    account.add([Limits(400 * SECOND, 300 * SECOND, 1_200 * SECOND)] * 3)
    return Settling(account, GRACE)


def stream(seed: int, late_s: float) -> Said:
    """A stream of three machines; each reading comes up to `late_s` after its time, a few much later."""
    rng = np.random.default_rng(seed)
    n = 300
    time = np.cumsum(rng.integers(0, 4, n)) * SECOND
    arrival = time + (rng.uniform(0, late_s, n) * SECOND).astype(np.int64)
    arrival[rng.random(n) < 0.03] += 120 * SECOND if late_s > GRACE / SECOND else 0
    order = np.argsort(arrival, kind="stable")
    role = rng.choice([int(r) for r in (Role.STATE, Role.TOTAL, Role.POWER, Role.ENERGY, Role.PRODUCT)], n)
    value = np.where(role == Role.PRODUCT, rng.integers(0, 2, n), rng.integers(0, 8, n)).astype(float)
    message = np.cumsum(rng.random(n) < 0.7)
    machine = rng.integers(0, 3, n)
    role[(role == Role.ENERGY) & (machine == 0)] = Role.POWER  # a machine has one meter
    role[(role == Role.POWER) & (machine > 0)] = Role.ENERGY
    return Said(message, machine[order], role[order], time[order], value[order], arrival[order])


def cut(said: Said, places: list[int]) -> list[Said]:
    """Split between messages."""
    starts = sorted({0, *(int(np.searchsorted(said.message, m)) for m in places), len(said.time)})
    return [said.of(np.arange(a, b)) for a, b in pairwise(starts)]


def figures(settling: Settling) -> Any:
    sums = settling.account.sums
    return {
        key: (
            sums["time"][row].tolist(),
            sums["parts"][row].tolist(),
            sums["kwh"][row].tolist(),
            sums["estimated"][row],
        )
        for key, row in sums.of.items()
    }


@given(
    seed=st.integers(0, 10**6),
    late_s=st.sampled_from([0.0, 10.0, 90.0]),
    places=st.lists(st.integers(0, 250), max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_where_the_log_is_cut_is_invisible(seed: int, late_s: float, places: list[int]) -> None:
    said = stream(seed, late_s)
    whole, parts = fresh(), fresh()
    whole.take(said)
    for part in cut(said, places):
        parts.take(part)
    assert figures(whole) == figures(parts)
    assert whole.late == parts.late


@given(seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_within_grace_the_order_of_arrival_is_invisible(seed: int) -> None:
    said = stream(seed, 25.0)
    in_order = np.argsort(said.time, kind="stable")
    shuffled, sorted_ = fresh(), fresh()
    n = len(said.time)
    # equal times of one series are told apart by arrival alone: leave one of each
    _, one = np.unique(np.stack((said.machine, said.role, said.time)), axis=1, return_index=True)
    keep = np.isin(np.arange(n), one)
    shuffled.take(said._replace(message=np.arange(n)).of(keep))
    straight = said.of(in_order[keep[in_order]])
    sorted_.take(straight._replace(message=np.arange(len(straight.time))))
    for settling in (shuffled, sorted_):
        settling.elapse(10**18)
    assert figures(shuffled) == figures(sorted_)
    assert shuffled.late == sorted_.late == 0


def test_a_reading_older_than_what_was_booked_of_its_series_is_late() -> None:
    settling = fresh()

    def take(message: int, role: Role, second: int) -> None:
        settling.take(Said(*(np.array([v]) for v in (message, 0, role, second * SECOND, 1.0, second * SECOND))))

    take(0, Role.STATE, 0), take(1, Role.STATE, 100), take(2, Role.STATE, 200)
    take(3, Role.POWER, 50)
    assert settling.late == 0, "the first of its series is not late, however old"
    take(4, Role.STATE, 50)
    assert settling.late == 1


def test_a_machine_that_has_stopped_is_booked_when_grace_has_passed_on_the_clock() -> None:
    settling = fresh()
    for second in (0, 10):
        settling.take(Said(*(np.array([v]) for v in (second, 0, Role.STATE, second * SECOND, 1.0, second * SECOND))))
    settling.elapse(39 * SECOND)
    assert not settling.account.sums.of
    settling.elapse(40 * SECOND)
    assert settling.account.sums["time"][0, 1] == 10 * SECOND
