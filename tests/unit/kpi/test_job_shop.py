"""Three days of a real machine shop's log through the engine: utilisation and bottlenecks, hour by hour."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.naive.efficiency.bottleneck import naive_shares
from tests.unit.efficiency.job_shop import job_shop, minute
from tests.unit.kpi.plant import HOUR, MINUTE, START, Said, entry, last, site, told

MONDAY = minute("2012/03/12 00:00:00.000")
HOURS = 3 * 24


@pytest.fixture(scope="module")
def days(shared_data: Path) -> tuple[list[str], list[tuple[int, int, int]]]:
    """Machines that worked in these days, and when: begin and end of each period that reaches into them, minutes."""
    names, worked = job_shop(shared_data)
    near = [one for one in worked if one[2] > MONDAY and one[1] < MONDAY + HOURS * 60]
    used = sorted({machine for machine, _, _ in near})
    return [names[machine] for machine in used], [(used.index(machine), a, b) for machine, a, b in near]


def test_utilisation_and_bottlenecks_equal_the_slow_ones(days: tuple[list[str], list[tuple[int, int, int]]]) -> None:
    names, worked = days
    begin = min(start for _, start, _ in worked) - 1440
    said: list[Said] = [(name, "state", at(begin), "IDLE") for name in names]
    for machine, start, end in worked:
        said += [(names[machine], "state", at(start), "RUN"), (names[machine], "state", at(end), "IDLE")]
    said += [
        (name, "state", at(time), state_at(worked, machine, time))
        for machine, name in enumerate(names)
        for time in range(MONDAY - 1440, MONDAY + HOURS * 60 + 1, 720)
    ]  # as a machine says that it is still there
    said += [(name, "state", at(MONDAY + HOURS * 60 + 1), "IDLE") for name in names]
    rows = last(told(site({}, entry(hold="7d")), sorted(said, key=lambda one: one[2]), provisional=False))
    shifted = busiest = 0.0
    for hour in range(HOURS):
        first = MONDAY + hour * 60
        key = "", (first * MINUTE - START) // HOUR
        sole, shifting = naive_shares(worked, len(names), first, first + 60)
        for machine, name in enumerate(names):
            busy = sum(max(0, min(b, first + 60) - max(a, first)) for m, a, b in worked if m == machine)
            row = rows.get((name, "time_producing", *key))
            assert (0 if row is None else row.value) == busy
            assert rows[name, "bottleneck_sole", *key].value == pytest.approx(sole[machine], abs=1e-9)
            assert rows[name, "bottleneck_shifting", *key].value == pytest.approx(shifting[machine], abs=1e-9)
            assert rows[name, "bottleneck_sole", *key].coverage == 1
            shifted, busiest = shifted + shifting[machine], max(busiest, busy)
        assert rows["", "bottleneck_lost", *key].value == 0, "the log says nothing of machines being down"
    assert busiest == 60
    assert shifted > 10, "hours in which the bottleneck shifts, or nothing would be compared"


def state_at(worked: list[tuple[int, int, int]], machine: int, time: int) -> str:
    return "RUN" if any(m == machine and a <= time < b for m, a, b in worked) else "IDLE"


def at(minutes: int) -> int:
    return minutes * MINUTE - START
