"""Planned maintenance: no planned busy time in it, of all machines or of some."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Misconfigured
from streams.kpi.grid import Grid
from streams.localtime import LocalTime
from streams.maintenance import MaintenanceOptions
from streams.resolve import resolve
from streams.site import Site, parse_site
from tests.unit.kpi.figure_logs import MACHINE
from tests.unit.kpi.test_windows import HOUR, MINUTE, MONDAY, SECOND, Plant, grid

SPAN = "1970-01-05T01:10/1970-01-05T02:20"
ALL = MaintenanceOptions(span=SPAN)


def test_cells_are_cut_at_its_ends_and_nothing_is_planned_between() -> None:
    of = grid(maintenance=[ALL])
    own = of.maintenance.of("any")
    begin, end = MONDAY + 70 * MINUTE, MONDAY + 140 * MINUTE
    assert {begin, end} <= set(of.edges(MONDAY, MONDAY + 3 * HOUR).tolist())
    assert of.planned_ns(MONDAY, MONDAY + 4 * HOUR, own) == 4 * HOUR - 70 * MINUTE
    assert of.planned_ns(begin, end, own) == 0


def test_it_is_local_time_and_may_cross_midnight() -> None:
    of = grid("Asia/Kuala_Lumpur", maintenance=[MaintenanceOptions(span="1970-01-05T23:00/1970-01-06T01:00")])
    hour = 15 * HOUR  # UTC + 8
    assert of.maintenance.of("any") == ((MONDAY + hour, MONDAY + hour + 2 * HOUR),)


def test_it_may_be_of_some_machines() -> None:
    of = grid(maintenance=[MaintenanceOptions(span=SPAN, assets=["*/m1", "*/line2/*"])])
    assert of.planned_ns(MONDAY, MONDAY + 4 * HOUR, of.maintenance.of("p/line1/m2")) == 4 * HOUR
    assert of.planned_ns(MONDAY, MONDAY + 4 * HOUR, of.maintenance.of("p/line1/m1")) < 4 * HOUR
    assert of.planned_ns(MONDAY, MONDAY + 4 * HOUR, of.maintenance.of("p/line2/m2")) < 4 * HOUR


def test_figures_of_a_window_leave_it_out() -> None:
    plant = Plant(grid(maintenance=[MaintenanceOptions(span="1970-01-05T00:10/1970-01-05T00:40")]))
    for minute in range(0, 61, 5):
        plant.say(MONDAY + minute * MINUTE, state=1, total=minute)
    (told,) = (one for one in plant.tell(MONDAY + 62 * MINUTE) if one.window.start == MONDAY)
    totals = plant.windows.totals([told])
    assert totals.planned[0] == totals.time[0, 1] == 30 * MINUTE
    assert (totals.parts[0, 0], totals.all_parts[0, 0]) == (30.0, 60.0)


@given(
    spans=st.lists(st.tuples(st.integers(0, 600), st.integers(1, 200), st.sampled_from(["*", "a*", "b"])), max_size=4),
    window=st.tuples(st.integers(0, 500), st.integers(1, 300)),
    asset=st.sampled_from(["a1", "b"]),
)
@settings(max_examples=40, deadline=None)
def test_planned_time_is_that_of_a_plain_count(
    spans: list[tuple[int, int, str]], window: tuple[int, int], asset: str
) -> None:
    def text(minute: int) -> str:
        return f"1970-01-05T{minute // 60:02}:{minute % 60:02}"

    options = [MaintenanceOptions(span=f"{text(a)}/{text(a + n)}", assets=glob) for a, n, glob in spans]
    local = LocalTime(resolve(Site.model_validate({})))
    of = Grid(local, {"day": "01:00-09:10"}, ["03:00-03:20"], [], 0, maintenance=options)
    low, n = window
    mine = [(a, a + long) for a, long, glob in spans if glob == "*" or asset.startswith(glob[0])]
    plain = sum(
        60 <= minute < 550 and not 180 <= minute < 200 and not any(a <= minute < b for a, b in mine)
        for minute in range(low, low + n)
    )
    found = of.planned_ns(MONDAY + low * MINUTE, MONDAY + (low + n) * MINUTE, of.maintenance.of(asset))
    assert found == plain * 60 * SECOND


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('["2026-02-01T08:00"]', "2026-02-01T08:00/2026-02-01T12:00"),
        ('["2026-02-01T12:00/2026-02-01T08:00"]', "begin before its end"),
        ('["2026-02-01T08:00Z/2026-02-01T12:00Z"]', "time zone of"),
        ('[{ span = "2026-02-30T08:00/2026-03-01T12:00" }]', "2026-02-30"),
        ('[{ spam = "2026-02-01T08:00/2026-02-01T12:00" }]', "span"),
    ],
)
def test_a_span_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        parse_site(f"[calendar]\nmaintenance = {text}\n", "site.toml")


def test_a_site_file_says_it() -> None:
    from streams.engine import Engine

    of = resolve(
        Site.model_validate({"calendar": {"maintenance": [SPAN, {"span": SPAN, "assets": "x"}]}, "machine": [MACHINE]})
    )
    assert len(Engine(0, 1, of).kpis.windows.grid.maintenance.of("x")) == 2
