"""Severity from what matters, and what a fault costs."""

from __future__ import annotations

from typing import Any

import pytest

from streams.severity import severity_of
from tests.unit.engine.logs import LINE, Tape, play, site
from tests.unit.engine.test_outcomes import of_json, single

M1 = f"{LINE}/m1"
LIMITS = {"kind": "limits", "high": 10}


def of(cost_matters: float | None = None, **options: Any) -> Any:
    more = {} if cost_matters is None else {"cost_matters": cost_matters}
    return site(watches=[{"name": "w", "series": "*", "detector": LIMITS, "off_delay": "0s", **options}], **more)


def run(values: list[float], where: Any, step_s: float = 3600.0) -> Tape:
    return play(of_json([single(M1, v, i * step_s, "x") for i, v in enumerate(values)]), of=where)


def test_without_limit_and_cost_the_severity_is_of_the_score() -> None:
    opened = run([5, 30], of()).events[0]
    assert opened["severity"] == severity_of(opened["score"])
    assert opened["cost_per_hour"] is None


@pytest.mark.parametrize(("limit", "severity"), [(20.0, 201), (10.0, 401), (5.0, 601), (1000.0, 1)])
def test_with_a_limit_it_is_of_the_deviation(limit: float, severity: int) -> None:
    assert run([5, 30], of(limit=limit)).events[0]["severity"] == severity


def test_a_fixed_severity_comes_before_both() -> None:
    assert run([5, 30], of(limit=5.0, severity=333)).events[0]["severity"] == 333


def test_worse_in_the_units_unit_is_a_band_more() -> None:
    phases = [(e["phase"], e["severity"]) for e in run([5, 15, 35, 5], of(limit=5.0)).events]
    assert phases == [("opened", 201), ("escalated", 665), ("closed", 665)]


def test_cost_is_told_an_hour_and_as_a_total() -> None:
    events = run([5, 30, 30, 30, 5], of(cost=40.0)).events
    assert [(e["phase"], e["cost_per_hour"], e["cost_total"]) for e in events] == [
        ("opened", 40.0, 0.0),
        ("closed", 40.0, 120.0),
    ]


def test_cost_grows_with_the_deviation_where_a_limit_says_what_matters() -> None:
    opened = run([5, 30], of(cost=40.0, limit=5.0)).events[0]
    assert opened["cost_per_hour"] == 160.0


def test_what_a_fault_costs_makes_it_severe() -> None:
    assert run([5, 10.1], of(cost_matters=10.0, cost=40.0)).events[0]["severity"] == 601
    assert run([5, 10.1], of(cost_matters=1e6, cost=40.0)).events[0]["severity"] == 1


def test_a_silence_costs_what_an_hour_of_it_is_declared_to() -> None:
    """Read every hour up to 2 h, then at 5 h: silent from 3.5 h on, so 1.5 h at 40; and 4 times what matters is two
    bands above a warning."""
    gap = {"kind": "gap", "timeout": "90m"}
    watch = {"name": "w", "series": "*", "detector": gap, "off_delay": "0s", "cost": 40.0}
    readings = [single(M1, 5, i * 3600.0, "x") for i in (0, 1, 2, 5)]
    events = play(of_json(readings), of=site(watches=[watch], cost_matters=10.0)).events
    assert [(e["phase"], e["severity"], e["cost_per_hour"], e["cost_total"]) for e in events] == [
        ("opened", 601, 40.0, 0.0),
        ("closed", 601, 40.0, 60.0),
    ]
