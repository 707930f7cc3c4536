"""States that follow from a count of parts, through the whole engine: time, energy, silence."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from streams.resolve import ResolvedSite, resolve
from streams.site import Site
from tests.naive.efficiency.count_state import states
from tests.unit.kpi.one_machine import by_window, told

START = 1_767_600_000  # a full hour, UTC
HOUR = 3600


def site(**count: Any) -> ResolvedSite:
    machine = {
        "assets": "*", "state": {"count": count}, "parts": {"total": "n", "ideal": "1m"}, "energy": {"power": "kw"},
    }  # fmt: skip
    return resolve(Site.model_validate({"machine": [machine], "watch": []}))


def minutes(rows: Any, kpi: str, hour: int = 0) -> float:
    row = rows.get((kpi, "", START + hour * HOUR))
    return 0.0 if row is None else row.value


def test_an_hour_of_a_machine_that_only_counts() -> None:
    """A part a minute until 00:20, then none until 00:50, then again: three planned run times are 3 minutes, so it
    is idle from 00:21 (the part of 00:20 had its minute) to 00:50, of which from 00:30 on it is down."""
    out, made = [], 0
    for minute in range(91):
        made += not 20 < minute < 50
        out.append((START + 60 * minute, {"n": made}))
    rows = by_window(told(site(down="10m"), out))
    assert minutes(rows, "time_producing") == pytest.approx(31)
    assert minutes(rows, "time_idle") == pytest.approx(9)
    assert minutes(rows, "time_down") == pytest.approx(20)
    assert rows["availability", "", START].value == pytest.approx(31 / 60)
    assert rows["availability", "", START].coverage == pytest.approx(1.0)
    assert rows["effectiveness", "", START].value == pytest.approx(1.0), "31 parts of a minute in 31 minutes"


def test_energy_of_a_stop_is_idle_energy_though_the_stop_was_known_only_later() -> None:
    """60 kW while parts come, until 00:20; 12 kW from 00:21 on: 39 minutes of it are 7.8 kWh."""
    out = []
    for second in range(0, 4500, 10):
        kw = 60.0 if second <= 1260 else 12.0
        said: dict[str, Any] = {"kw": kw}
        if second <= 1200 and second % 60 == 0:  # sent when it changes, and not while it stands still
            said["n"] = second // 60
        out.append((START + second, said))
    rows = by_window(told(site(), out))
    assert minutes(rows, "time_producing") == pytest.approx(21)
    assert minutes(rows, "time_idle") == pytest.approx(39)
    assert minutes(rows, "idle_energy") == pytest.approx(39 / 60 * 12.0 + 48 * 10 / 2 / 3600, rel=1e-6)


def test_a_machine_that_falls_silent_is_idle_then_down_then_unknown() -> None:
    """Its last part came at 00:20; nothing is heard of it again. Idle until 00:30; down from then on, for `hold`."""
    out = [(START + 60 * minute, {"n": minute}) for minute in range(21)]
    rows = by_window(told(site(down="10m"), out))
    assert minutes(rows, "time_producing") == pytest.approx(21)
    assert minutes(rows, "time_idle") == pytest.approx(9)
    assert minutes(rows, "time_down") == pytest.approx(30)


def test_a_counter_that_is_polled_needs_longer_than_a_poll() -> None:
    """Read each 10 minutes, ten parts a time: by three planned run times it would stand still for most of the time."""
    out = [(START + 600 * n, {"n": 10 * n}) for n in range(10)]
    assert minutes(by_window(told(site(within="25m"), out)), "time_producing") == pytest.approx(60)
    assert minutes(by_window(told(site(), out)), "time_producing") == pytest.approx(5)


def test_times_are_those_of_a_plain_pass_over_the_readings() -> None:
    moments = [0, 40, 80, 130, 400, 460, 900, 960, 1000, 1800, 3000, 3050, 3100, 4000, 7000]
    counts = [5, 5, 6, 7, 7, 8, 9, 9, 1, 2, 2, 3, 4, 4, 4]
    readings = [(START + at, {"n": n}) for at, n in zip(moments, counts, strict=True)]
    rows = by_window(told(site(factor=2, down="5m"), readings))
    known = [(START + at, float(n)) for at, n in zip(moments, counts, strict=True)]
    changes = [*states(60, 120, 300, known, START + 7000), (START + HOUR, "")]
    expected: dict[str, float] = {}
    for (begin, state), (end, _) in pairwise(changes):
        inside = max(0, min(end, START + HOUR) - max(begin, START))
        expected[state] = expected.get(state, 0.0) + inside / 60
    for state, length in expected.items():
        assert minutes(rows, f"time_{state}") == pytest.approx(length, abs=1e-9), state
    assert sum(expected.values()) == pytest.approx(60)
