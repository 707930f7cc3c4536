"""Windows: hours, shifts and demand windows of machines, when they are told of, and what they add up to."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.efficiency.account import Account
from detectors.efficiency.roles import Limits, Role
from streams.kpi.grid import Grid, Window
from streams.kpi.settling import Said, Settling
from streams.kpi.windows import Told, Windows
from streams.localtime import LocalTime
from streams.resolve import resolve
from streams.site import Site

SECOND = 1_000_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
MONDAY = 4 * DAY  # 1970-01-05
GRACE = 30 * SECOND


def grid(timezone: str = "UTC", **calendar: object) -> Grid:
    local = LocalTime(resolve(Site.model_validate({"site": {"timezone": timezone}})))
    given = {"shifts": {}, "breaks": [], "closed": [], "demand": 30 * MINUTE} | calendar
    return Grid(local, **given)  # type: ignore[arg-type]


class Plant:
    """One machine, told readings and asked what there is to tell."""

    def __init__(self, of: Grid) -> None:
        self.account = Account(of.edges)
        self.account.add([Limits(10 * MINUTE, 5 * MINUTE, HOUR)])
        self.settling = Settling(self.account, GRACE)
        self.windows = Windows(of, self.account, GRACE)
        self.message = 0

    def say(self, time: int, **values: float) -> None:
        for name, value in values.items():
            row = (self.message, 0, Role[name.upper()], time, value, time)
            self.settling.take(Said(*(np.array([v]) for v in row)))
        self.message += 1

    def tell(self, clock: int, kind: str = "hour") -> list[Told]:
        self.settling.elapse(clock)
        return [one for one in self.windows.due(self.settling.frontier(), clock) if one.window.kind == kind]


def test_local_hours_and_shifts_across_midnight() -> None:
    of = grid("Asia/Kolkata", shifts={"night": "22:10-06:00"})
    local_midnight = MONDAY - 5 * HOUR - 30 * MINUTE
    windows = {w.kind: w for w in of.windows(of.cell(local_midnight + 10 * MINUTE))}
    assert windows["hour"] == Window("hour", local_midnight, local_midnight + HOUR)
    start = local_midnight - 1 * HOUR - 50 * MINUTE
    assert windows["shift"] == Window("shift", start, local_midnight + 6 * HOUR, "night")
    assert start in of.edges(start - 1, start + 1).tolist(), "cells end where the shift begins"
    assert of.planned_ns(start - HOUR, local_midnight + 7 * HOUR) == 7 * HOUR + 50 * MINUTE


def test_breaks_closed_days_and_time_outside_shifts_are_not_planned() -> None:
    of = grid(shifts={"day": "08:00-16:00"}, breaks=["12:00-12:20"], closed=["tuesday"])
    assert of.planned_ns(MONDAY, MONDAY + DAY) == 7 * HOUR + 40 * MINUTE
    assert of.planned_ns(MONDAY + DAY, MONDAY + 2 * DAY) == 0
    assert of.planned_ns(MONDAY + 12 * HOUR, MONDAY + 12 * HOUR + 30 * MINUTE) == 10 * MINUTE


def test_a_shift_that_began_on_a_closed_day_is_closed_to_its_end() -> None:
    of = grid(shifts={"night": "22:00-06:00"}, closed=["sunday"])
    assert of.planned_ns(MONDAY, MONDAY + 6 * HOUR) == 0
    assert of.planned_ns(MONDAY + 22 * HOUR, MONDAY + DAY + 6 * HOUR) == 8 * HOUR


def test_a_window_is_provisional_then_final_then_restated() -> None:
    plant = Plant(grid())
    plant.say(MONDAY, state=1)
    plant.say(MONDAY + 5 * MINUTE, state=2)
    (first,) = plant.tell(MONDAY + 6 * MINUTE)
    assert (first.status, first.revision, first.until) == ("provisional", 1, MONDAY + 5 * MINUTE)
    assert plant.tell(MONDAY + 8 * MINUTE) == [], "nothing new"
    plant.say(MONDAY + 61 * MINUTE, state=1)
    told = {one.window.start: one for one in plant.tell(MONDAY + 62 * MINUTE)}
    assert (told[MONDAY].status, told[MONDAY].until) == ("final", MONDAY + HOUR)
    assert told[MONDAY + HOUR].status == "provisional"
    plant.say(MONDAY + 10 * MINUTE, energy=100.0)  # a meter that lags behind
    plant.say(MONDAY + 20 * MINUTE, energy=103.0)
    (again,) = plant.tell(MONDAY + 63 * MINUTE)
    assert (again.window.start, again.status) == (MONDAY, "restated")
    assert plant.windows.totals([again]).kwh.sum() == pytest.approx(3.0)


def test_a_machine_that_falls_silent_has_its_window_closed_by_the_clock() -> None:
    plant = Plant(grid())
    plant.say(MONDAY, state=1)
    plant.tell(MONDAY + MINUTE)
    assert plant.tell(MONDAY + HOUR + GRACE - 1) == []
    (last,) = plant.tell(MONDAY + HOUR + GRACE)
    assert last.status == "final"
    assert plant.windows.totals([last]).time[0, 1] == 10 * MINUTE, "a state holds 10 minutes, no longer"


def test_the_state_that_lasts_is_counted_as_far_as_the_machine_was_heard() -> None:
    plant = Plant(grid(breaks=["00:02-00:03"]))
    plant.say(MONDAY, state=1)
    plant.say(MONDAY + 6 * MINUTE, power=5.0)
    (one,) = plant.tell(MONDAY + 6 * MINUTE + GRACE)
    totals = plant.windows.totals([one])
    assert totals.time[0, 1] == 5 * MINUTE, "but for the break"
    assert (totals.planned[0], totals.elapsed[0]) == (5 * MINUTE, 6 * MINUTE)


def test_parts_of_a_break_are_parts_but_not_of_the_planned_time() -> None:
    plant = Plant(grid(breaks=["00:15-00:30"]))
    for minute, total in ((0, 0), (10, 7), (20, 9), (40, 10)):
        plant.say(MONDAY + minute * MINUTE, total=total)
    (one,) = plant.tell(MONDAY + 59 * MINUTE)
    totals = plant.windows.totals([one])
    assert (totals.parts[0, 0], totals.all_parts[0, 0]) == (8.0, 10.0)
    assert totals.made[:, 0].sum() == 8.0


def test_what_was_forgotten_leaves_no_rows() -> None:
    plant = Plant(grid(demand=0))
    for minute in range(0, 180, 5):
        plant.say(MONDAY + minute * MINUTE, state=1 + minute // 5 % 2)
    plant.tell(MONDAY + 3 * HOUR)
    before = plant.windows.totals(plant.tell(MONDAY + 4 * HOUR)[-1:])
    plant.windows.forget(MONDAY + HOUR)
    kept = sorted(plant.account.sums["cell"].tolist())
    assert kept == [MONDAY + quarter * 15 * MINUTE for quarter in range(4, 12)]
    plant.say(MONDAY + 175 * MINUTE + SECOND, energy=5.0)
    plant.say(MONDAY + 175 * MINUTE + 2 * SECOND, energy=6.0)
    (again,) = plant.tell(MONDAY + 5 * HOUR)
    assert plant.windows.totals([again]).time.tolist() == before.time.tolist(), "the rest is where it was"


@pytest.mark.parametrize("restarted", [False, True])
def test_a_window_that_was_forgotten_does_not_begin_again(restarted: bool) -> None:
    plant = Plant(grid(demand=0))
    for minute in range(0, 180, 5):
        plant.say(MONDAY + minute * MINUTE, state=1 + minute // 5 % 2)
    plant.say(MONDAY + 10 * MINUTE, energy=5.0)
    plant.tell(MONDAY + 3 * HOUR)
    assert [one.status for one in plant.tell(MONDAY + 4 * HOUR)] == ["final"], "the others were before"
    plant.windows.forget(MONDAY + HOUR)
    if restarted:
        saved, plant.windows = plant.windows.snapshot(), Windows(grid(demand=0), plant.account, GRACE)
        plant.windows.restore(saved)
    # the meter was silent for three hours, and spreads what it counted over all of them
    plant.say(MONDAY + 3 * HOUR + 10 * MINUTE, energy=11.0)
    told = plant.tell(MONDAY + 5 * HOUR)
    assert [(one.window.start, one.status, one.revision) for one in told] == [
        (MONDAY + HOUR, "restated", 2), (MONDAY + 2 * HOUR, "restated", 3), (MONDAY + 3 * HOUR, "provisional", 1)
    ]  # fmt: skip
    assert plant.windows.totals(told).kwh.sum(axis=1).tolist() == pytest.approx([2.0, 2.0, 1 / 3])
