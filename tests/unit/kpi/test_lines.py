"""Lines: what a line's machines took and made together, OEE of the line, and how its windows stand."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from streams.site import Site
from tests.unit.kpi.plant import HOUR, LINE, MINUTE, SECOND, START, Said, entry, last, site, told

PARTS = {"total": "total", "good": "good", "ideal": "30s"}
ENERGY = {"power": "power"}


def hour_of_three() -> list[Said]:
    """Three machines for 61 minutes: m1 and m2 run throughout, m3 is down from minute 20 to 35; m3 makes a part a
    minute while it runs, each tenth of them rejected."""
    said: list[Said] = []
    made = 0
    for minute in range(62):
        down = 20 <= minute < 35
        if minute and not 20 < minute <= 35:
            made += 1
        for machine in ("m1", "m2"):
            said += [(machine, "state", minute * MINUTE, "RUN"), (machine, "total", minute * MINUTE, 2 * minute)]
            said += [(machine, "good", minute * MINUTE, 2 * minute), (machine, "power", minute * MINUTE, 6.0)]
        said += [
            ("m3", "state", minute * MINUTE, "DOWN" if down else "RUN"),
            ("m3", "total", minute * MINUTE, made),
            ("m3", "good", minute * MINUTE, made - made // 10),
            ("m3", "power", minute * MINUTE, 3.0),
        ]
    return said


def test_oee_of_a_line_worked_by_hand() -> None:
    """Braglia, Frosolini, Zammori 2009: slowest machine 1 min a part, last machine 45 made and 41 good in 60 min.

    A = 45/60, E = 1 x 45/45, Q = 41/45, OEE = 41/60.
    """
    rows = last(told(site({"ideal": "1m"}, entry(parts=PARTS)), hour_of_three()))
    value = {name: row.value for (machine, name, _, hour), row in rows.items() if not machine and hour == 0}
    assert (value["produced"], value["good"]) == (45, 41)
    assert value["availability"] == pytest.approx(45 / 60)
    assert value["effectiveness"] == pytest.approx(1.0)
    assert value["quality"] == pytest.approx(41 / 45)
    assert value["oee"] == pytest.approx(41 / 60)
    assert "oee_mean" not in value


def test_without_a_run_time_of_the_line_there_is_a_mean_by_another_name() -> None:
    rows = last(told(site({}, entry(parts=PARTS)), hour_of_three()))
    # each machine's OEE of an hour at 30 s a part: 120/120, 120/120 and 41/120
    assert rows["", "oee_mean", "", 0].value == pytest.approx((1 + 1 + 41 / 120) / 3)
    of_machines = [rows[m, "oee", "", 0].value or 0 for m in ("m1", "m2", "m3")]
    assert rows["", "oee_mean", "", 0].value == pytest.approx(sum(of_machines) / 3)
    assert ("", "oee", "", 0) not in rows


def test_planned_stops_of_the_last_machine_are_not_of_the_lines_busy_time() -> None:
    said = [(m, s, t, "OFF" if (m, s) == ("m3", "state") and v == "DOWN" else v) for m, s, t, v in hour_of_three()]
    rows = last(told(site({"ideal": "1m"}, entry(parts=PARTS)), said))
    assert rows["", "oee", "", 0].value == pytest.approx(41 / 45)


def test_energy_and_time_of_a_line_are_those_of_its_machines_together() -> None:
    of = site({"ideal": "1m"}, entry(parts=PARTS, energy=ENERGY), site={"grace": "10s", "demand_window": "30m"})
    every = told(of, hour_of_three())
    rows = last(every)
    assert rows["", "energy", "", 0].value == pytest.approx(6 + 6 + 3)
    assert rows["", "time_producing", "", 0].value == pytest.approx(60 + 60 + 45)
    assert rows["", "time_down", "", 0].value == pytest.approx(15)
    demand = {row.start: row.value for row in every if row.asset == LINE and row.kpi == "demand"}
    assert list(demand.values())[:2] == pytest.approx([15, 15])


def test_the_machines_of_a_line_may_be_named_and_the_last_one_is_the_last_of_the_flow() -> None:
    rows = last(told(site({"machines": ["m3", "m1"]}, entry(parts=PARTS, energy=ENERGY)), hour_of_three()))
    assert rows["", "produced", "", 0].value == 120
    assert rows["", "energy", "", 0].value == pytest.approx(9)


def test_a_machine_that_was_never_heard_leaves_no_coverage_and_what_it_makes_is_unknown() -> None:
    of = site({"machines": ["m1", "m2", "m3", "m4"], "ideal": "1m"}, entry(parts=PARTS, energy=ENERGY))
    rows = last(told(of, hour_of_three()))
    assert rows["", "energy", "", 0].coverage == 0
    assert rows["m1", "bottleneck_share", "", 0].coverage == 0
    assert ("", "produced", "", 0) not in rows
    assert ("", "oee", "", 0) not in rows


def test_coverage_is_that_of_the_machine_that_is_known_least() -> None:
    said = [one for one in hour_of_three() if one[0] != "m2" or one[2] <= 15 * MINUTE]
    rows = last(told(site({}, entry(parts=PARTS, hold="3m", energy=ENERGY)), said))
    # 15 minutes and 3 for which the last state holds
    assert rows["", "time_producing", "", 0].coverage == pytest.approx(18 / 60)
    assert rows["", "energy", "", 0].coverage == pytest.approx(15 / 60)
    assert rows["m1", "time_producing", "", 0].coverage == 1


def test_a_window_of_a_line_is_final_when_those_of_its_machines_are_and_restated_when_one_is() -> None:
    said = hour_of_three()
    silent = [one for one in said if one[0] != "m2" or one[2] < 50 * MINUTE]
    late: list[Said] = [("m2", "energy", minute * MINUTE, float(minute)) for minute in (5, 40)]
    of = site({}, entry(parts=PARTS, energy={"counter": "energy"}))
    after: list[Said] = [("m1", "state", 63 * MINUTE, "RUN"), *late, ("m1", "state", 65 * MINUTE, "RUN")]
    rows = [
        row
        for row in told(of, [*silent, *after], delay=2 * SECOND, finish=False)
        if row.start == START and row.level == "line" and row.kpi == "energy"
    ]
    status = [row.status for row in rows]
    assert status[0] == "provisional"
    assert status.count("final") == 1, "once, though m1 and m3 had passed the hour before m2 was given up"
    assert status[-1] == "restated"
    assert [row.revision for row in rows] == sorted({row.revision for row in rows})
    assert (rows[-2].value, rows[-1].value) == (0, pytest.approx(35))


def test_a_line_of_which_a_machine_says_nothing_for_hours_is_closed_by_the_clock() -> None:
    said: list[Said] = [("m2", "state", 0, "RUN")]
    said += [("m1", "state", minute * MINUTE, "RUN") for minute in range(0, 200)]
    rows = [row for row in told(site({}), said, finish=False) if row.level == "line" and row.kpi == "time_producing"]
    final = {(row.start - START) // HOUR for row in rows if row.status == "final"}
    assert final == {0, 1, 2}


def test_machines_of_other_lines_and_of_no_line_are_left_out() -> None:
    rows = told(site({"path": "other/*"}), hour_of_three())
    assert {row.level for row in rows} == {"machine"}
    assert not [row for row in rows if row.kpi.startswith("bottleneck")]


@pytest.mark.parametrize(
    ("line", "more", "says"),
    [
        ({"path": "p/l/"}, {}, "path of a line"),
        ({"path": "p/l", "machines": []}, {}, "leave it out for all"),
        ({"path": "p/l", "machines": ["a", "a"]}, {}, "'a' stands twice"),
        ({"path": "p/l", "minute_cost": -1}, {}, "greater than or equal to 0"),
        ({"path": "p/l", "ideal": "0s"}, {}, "greater than 0"),
        ({"path": "p/l"}, {"machine": []}, r"needs \[\[machine\]\] entries"),
        ({"path": "p/l"}, {"site": {"partition_level": "machine"}}, "may be judged apart"),
        ({"path": "p/l"}, {"site": {"partition_level": "area"}}, "paths of three levels"),
    ],
)
def test_a_line_that_cannot_be_made_is_refused_with_what_would_be_right(
    line: dict[str, object], more: dict[str, object], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        Site.model_validate({"machine": [entry()], "line": [line]} | more)


def test_two_entries_for_one_path_are_refused() -> None:
    with pytest.raises(ValidationError, match="'p/l' stands twice"):
        Site.model_validate({"machine": [entry()], "line": [{"path": "p/l"}, {"path": "p/l"}]})
