"""The second engine: sums of machines by hand, beside a plain dictionary, and under the engines' laws."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.control import Control
from schemas.kpi import KpiRow
from streams.configure import configure_records
from streams.resolve import ResolvedSite, resolve, to_payload
from streams.rollup.dealing import dealt
from streams.rollup.engine import SiteEngine
from streams.rollup.entries import Entry
from streams.rollup.site_book import KEPT
from streams.site import Site
from streams.state.codec import pack, unpack
from tests.contract.readings import same_bits
from tests.naive.site_sums import sums

SECOND = 1_000_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
NOON = 20_454 * DAY + 12 * HOUR  # 2026-01-01
TICK = Control(kind="tick", partition=0)


@cache
def site(**options: Any) -> ResolvedSite:
    return resolve(Site.model_validate({"site": {"grace": "30s", **options}}))


def row(asset: str, value: float | None, revision: int = 1, **more: Any) -> KpiRow:
    fields = {"kpi": "energy", "start": NOON, "end": NOON + HOUR, "unit": "kW.h", "coverage": 1.0, "config": "c"}
    status = "final" if more.pop("final", False) else "provisional"
    return KpiRow(**{**fields, "asset": asset, "value": value, "revision": revision, "status": status, **more})


class Log:
    """A partition of kpi.v1, and an engine that reads it."""

    def __init__(self, of: ResolvedSite | None = None) -> None:
        self.engine = SiteEngine(0, of or site())
        self.offset = 0

    def at(self, received: int, *said: KpiRow | Control) -> list[KpiRow]:
        """Append records at a time; what the engine tells. Without any, a tick."""
        out: list[KpiRow] = []
        for one in said or (TICK,):
            entry = Entry(self.offset, received)
            entry = entry._replace(control=one) if isinstance(one, Control) else entry._replace(row=one)
            out += self.engine.feed([entry]).kpis
            self.offset += 1
        return out


def shown(rows: Sequence[KpiRow], *names: str) -> list[tuple[Any, ...]]:
    return [(r.asset, r.kpi, r.value, r.status, r.revision) for r in rows if not names or r.kpi in names]


def test_energies_of_machines_add_up_to_their_area_and_site_and_later_revisions_replace() -> None:
    """10 + 4 kWh; then 12 in the place of 10, with a line's row of the same hour beside them: 16, not 26 or 42."""
    log = Log()
    log.at(NOON + 30 * MINUTE, row("p/smt/l1/m1", 10.0), row("p/smt/l1/m2", 4.0))
    told = log.at(NOON + 31 * MINUTE)
    assert shown(told) == [("p", "energy", 14.0, "provisional", 1), ("p/smt", "energy", 14.0, "provisional", 1)]
    assert {(r.unit, r.coverage) for r in told} == {("kW.h", 1.0)}
    log.at(NOON + 32 * MINUTE, row("p/smt/l1/m1", 12.0, 2), row("p/smt/l1", 16.0), row("p/smt/l1/m1", 10.0, 1))
    assert shown(log.at(NOON + 33 * MINUTE)) == [
        ("p", "energy", 16.0, "provisional", 2), ("p/smt", "energy", 16.0, "provisional", 2),
    ]  # fmt: skip
    assert log.at(NOON + 40 * MINUTE) == [], "nothing new, nothing told"


def test_a_line_counts_until_the_first_of_its_machines_is_heard_of_and_never_beside_it() -> None:
    log = Log()
    log.at(NOON, row("p/smt/l1", 16.0))
    assert shown(log.at(NOON + MINUTE)) == [("p", "energy", 16.0, "provisional", 1)]
    log.at(NOON + MINUTE, row("p/smt/l1/m1", 9.0, start=NOON - HOUR, end=NOON))
    hour = [one for one in log.at(NOON + 2 * MINUTE) if one.start == NOON]
    assert [(one.value, one.coverage) for one in hour] == [(None, 0.0)], "what its machines make of it is not told yet"


def test_final_when_all_known_machines_are_then_restated() -> None:
    log = Log()
    over = NOON + HOUR
    log.at(over - MINUTE, row("p/l1/m1", 10.0), row("p/l1/m2", 4.0))
    log.at(over, row("p/l1/m1", 11.0, 2, final=True))
    assert shown(log.at(over + 20 * SECOND)) == [("p", "energy", 15.0, "provisional", 2)]
    log.at(over + 31 * SECOND, row("p/l1/m2", 5.0, 2, final=True))
    assert shown(log.at(over + 80 * SECOND)) == [("p", "energy", 16.0, "final", 3)]
    assert log.at(over + 10 * MINUTE) == [], "nobody is waited for"
    log.at(over + HOUR, row("p/l1/m2", 6.0, 3, status="restated"))
    assert shown(log.at(over + HOUR + MINUTE)) == [("p", "energy", 17.0, "restated", 4)]


def test_a_silent_machine_is_missed_in_coverage_and_waited_for_until_grace_and_two_intervals_are_over() -> None:
    """Of two machines one tells the next hour, of which it has metered 0.8: half of 0.8."""
    log = Log()
    log.at(NOON + HOUR, row("p/l1/m1", 10.0, final=True), row("p/l1/m2", 4.0, final=True))
    later = {"start": NOON + HOUR, "end": NOON + 2 * HOUR}
    log.at(NOON + 2 * HOUR, row("p/l1/m1", 7.0, final=True, coverage=0.8, **later))
    (told,) = log.at(NOON + 2 * HOUR + MINUTE)
    assert (told.value, told.coverage, told.status) == (7.0, 0.4, "provisional")
    wait = 30 * SECOND + 2 * MINUTE
    assert log.at(NOON + 2 * HOUR + wait + 44 * SECOND) == []
    (told,) = log.at(NOON + 2 * HOUR + wait + 45 * SECOND)  # 15 s past the next minute
    assert (told.value, told.coverage, told.status, told.revision) == (7.0, 0.4, "final", 2)


def test_a_machine_that_said_nothing_for_two_days_is_not_missed() -> None:
    log = Log()
    log.at(NOON, row("p/l1/m1", 1.0, final=True), row("p/l1/m2", 1.0, final=True))
    later = NOON + 3 * DAY
    log.at(later, row("p/l1/m1", 5.0, final=True, start=later - HOUR, end=later))
    (told,) = log.at(later + MINUTE)
    assert (told.value, told.coverage, told.status) == (5.0, 1.0, "final")


def test_what_is_missing_is_no_zero() -> None:
    log = Log()
    log.at(NOON, row("p/l1/m1", None, coverage=0.0, reason="an input is missing"))
    (told,) = log.at(NOON + MINUTE)
    assert (told.value, told.coverage, told.reason) == (None, 0.0, "no machine told it")


def test_money_in_two_currencies_is_not_added() -> None:
    log = Log()
    log.at(NOON, row("p/l1/m1", 1.0, kpi="energy_cost", unit="MYR"), row("p/l1/m2", 1.0, kpi="energy_cost", unit="TWD"))
    (told,) = log.at(NOON + MINUTE)
    assert (told.value, told.reason) == (None, "machines tell it in different units: MYR, TWD")


def test_shares_and_unknown_figures_are_not_added() -> None:
    log = Log()
    log.at(NOON, row("p/l1/m1", 0.5, kpi="oee", unit="1"), row("p/l1/m1", 3.0, kpi="cheerfulness"), row("m1", 1.0))
    assert log.at(NOON + HOUR) == []


def test_a_main_meter_is_the_site_and_the_others_are_told_as_submetered() -> None:
    """The main meter says 100 kWh, machines 30 + 50; what is idle is of machines all the same."""
    log = Log(site(incomer="p/utilities/*"))
    meter, m1, m2 = "p/utilities/main", "p/smt/l1/m1", "p/smt/l1/m2"
    log.at(NOON, row(m1, 30.0), row(m2, 50.0), row(m1, 5.0, kpi="idle_energy"))
    assert shown(log.at(NOON + MINUTE)) == [
        ("p", "submetered_energy", 80.0, "provisional", 1), ("p/smt", "energy", 80.0, "provisional", 1),
        ("p", "idle_energy", 5.0, "provisional", 1), ("p/smt", "idle_energy", 5.0, "provisional", 1),
    ], "without its main meter the site has no sum yet"  # fmt: skip
    log.at(NOON + 2 * MINUTE, row(meter, 100.0))
    assert shown(log.at(NOON + 3 * MINUTE)) == [("p", "energy", 100.0, "provisional", 1)]


def demand(asset: str, start: int, kw: float, revision: int = 1, **more: Any) -> KpiRow:
    span = {"kpi": "demand", "unit": "kW", "start": start, "end": start + 30 * MINUTE}
    return row(asset, kw, revision, **{"final": True, **span, **more})


def test_demand_adds_by_window_and_the_months_maximum_is_that_of_final_windows() -> None:
    """Windows of 60 + 20 and 50 + 50 kW: the site's maximum is 100, not the machines' 60 + 50. A month of Kuala
    Lumpur begins at 16:00 UTC; of its first hour both halves are known."""
    log = Log(site(timezone="Asia/Kuala_Lumpur", demand_window="30m"))
    begin = 20_454 * DAY - 8 * HOUR
    at = begin + 30 * MINUTE
    log.at(at - MINUTE, demand("p/l/m1", begin, 55.0, final=False), demand("p/l/m2", begin, 19.0, final=False))
    assert shown(log.at(at)) == [("p", "demand", 74.0, "provisional", 1)]
    log.at(at + SECOND, demand("p/l/m1", begin, 60.0, 2), demand("p/l/m2", begin, 20.0, 2))
    first = log.at(at + MINUTE)
    assert shown(first) == [("p", "demand", 80.0, "final", 2), ("p", "demand_max", 80.0, "provisional", 1)]
    assert (first[1].start, first[1].end) == (begin, begin + 31 * DAY)
    log.at(at + 30 * MINUTE, demand("p/l/m1", at, 50.0), demand("p/l/m2", at, 50.0))
    second = log.at(at + 31 * MINUTE)
    assert shown(second, "demand_max") == [("p", "demand_max", 100.0, "provisional", 2)]
    assert second[1].coverage == 1.0
    log.at(at + HOUR, demand("p/l/m2", at, 25.0, 2, status="restated"))
    assert shown(log.at(at + HOUR + MINUTE), "demand_max") == [("p", "demand_max", 80.0, "provisional", 3)]
    assert shown(log.at(begin + 32 * DAY)) == [("p", "demand_max", 80.0, "final", 4)]


def test_windows_older_than_two_days_are_let_go_and_memory_stays_bounded() -> None:
    log = Log()
    sizes = []
    for hour in range(24 * 9):
        start = NOON + hour * HOUR
        log.at(start + HOUR, row(f"p/l1/m{hour // 24}", 1.0, final=True, start=start, end=start + HOUR))
        book = log.engine.books["p"]
        sizes.append((len(book.windows), len(book.machines.names)))
    assert max(sizes) <= (51, 5)
    log.at(NOON + 10 * DAY)
    assert log.at(NOON + 20 * DAY, row("p/l1/m0", 3.0, 9, end=NOON + 20 * DAY - KEPT)) == []
    assert log.engine.late == 1
    log.at(NOON + 21 * DAY)
    assert log.engine.books == {}


def test_a_configuration_in_the_log_counts_from_its_place_on_if_its_version_is_higher() -> None:
    log = Log()
    old = log.engine.site.hash
    new = site(version=2, kpi_interval="10s")
    log.at(NOON, row("p/l1/m1", 1.0), *configure_records(to_payload(new), 0))
    assert [r.config for r in log.at(NOON + 13 * SECOND)] == [new.hash]
    log.at(NOON, *configure_records(to_payload(site()), 0))
    assert log.engine.site.hash == new.hash != old


def test_when_partitions_grow_sites_go_where_their_rows_go_and_nothing_else_changes() -> None:
    """`p` and `q` of one partition, dealt over five; what is told afterwards is what one engine would have told."""
    whole, log = Log(), [(NOON, row(f"{name}/l1/m1", 5.0)) for name in "pq"]
    for clock, made in log:
        whole.at(clock, made)
    grown = []
    for saved in dealt([{"engine": unpack(pack(whole.engine.snapshot()))}], 5):
        grown.append(SiteEngine(len(grown), site()))
        grown[-1].restore(unpack(pack(saved))["engine"])
    assert [sorted(engine.books) for engine in grown if engine.books] == [["p"], ["q"]]
    told = whole.at(NOON + MINUTE, row("p/l1/m1", 6.0, 2)) + whole.at(NOON + 2 * MINUTE, row("q/l1/m1", 7.0, 2))
    told += whole.engine.finish()
    found = []
    for engine in grown:
        mine = [row("p/l1/m1", 6.0, 2)] * ("p" in engine.books) + [row("q/l1/m1", 7.0, 2)] * ("q" in engine.books)
        for made in mine:
            entry = Entry(engine.next_offset, NOON + (1 if made.asset[0] == "p" else 2) * MINUTE, made)
            found += engine.feed([entry]).kpis
        found += engine.finish()
    assert sorted(found, key=str) == sorted(told, key=str)


# --- laws

ASSETS = ("p/a/l1", "p/a/l1/m1", "p/a/l1/m2", "p/b/l2/m3", "p/main", "q/l3/m4")
KPIS = ("energy", "idle_energy", "demand", "loss_breakdown_cost", "oee")


@st.composite
def logs(draw: st.DrawFn, longest: int = DAY) -> list[tuple[int, KpiRow]]:
    """Rows of machines in an order as odd as it may be: repeats, revisions that go back, silence of hours."""
    clock, out = NOON, []
    for _ in range(draw(st.integers(1, 40))):
        clock += draw(st.sampled_from((0, 0, SECOND, 20 * SECOND, MINUTE, 10 * MINUTE, HOUR, longest)))
        kpi = draw(st.sampled_from(KPIS))
        start = clock // HOUR * HOUR - HOUR * draw(st.integers(0, 2))
        made = row(
            draw(st.sampled_from(ASSETS)), draw(st.none() | st.floats(-1e6, 1e6)), draw(st.integers(1, 4)), kpi=kpi,
            start=start, end=start + HOUR, final=draw(st.booleans()), coverage=draw(st.floats(0, 1)),
        )  # fmt: skip
        out.append((clock, made))
    return out


def play(log: list[tuple[int, KpiRow]], cuts: Sequence[int] = (), restore: bool = False) -> tuple[list[KpiRow], Any]:
    """What is told, and the state at the end; fed in one go, or cut, with a restart at each cut."""
    engine = SiteEngine(0, site())
    entries = [Entry(i, clock, made) for i, (clock, made) in enumerate(log)]
    out: list[KpiRow] = []
    for a, b in zip((0, *cuts), (*cuts, len(entries)), strict=True):
        if restore:
            saved = unpack(pack(engine.snapshot()))
            engine = SiteEngine(0, site())
            engine.restore(saved)
        out += engine.feed(entries[a:b]).kpis
    return out + engine.finish(), engine.snapshot()


@settings(max_examples=60, deadline=None)
@given(logs(longest=HOUR))
def test_the_last_row_of_a_window_is_the_plain_sum_of_the_last_rows_of_machines(log: list[tuple[int, KpiRow]]) -> None:
    told, _ = play(log)
    last = {}
    for one in told:
        key = one.asset, one.kpi, one.product, one.shift, one.start, one.end
        assert one.revision == (last[key].revision + 1 if key in last else 1)
        last[key] = one
    assert "provisional" not in {one.status for one in last.values()}
    rows = [made for _, made in log]
    for place in ("p", "q", "p/a", "p/b"):
        expected = sums(rows, place, KPIS[:-1])
        mine = {key[1:]: one.value for key, one in last.items() if key[0] == place and key[1] != "demand_max"}
        found = {key: value for key, value in mine.items() if value is not None}
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(logs(), st.data())
def test_batching_and_restoring_are_invisible(log: list[tuple[int, KpiRow]], data: st.DataObject) -> None:
    whole, state = play(log)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=5)))
    for restore in (False, True):
        told, after = play(log, cuts, restore)
        assert told == whole
        assert same_bits(after, state)


@settings(max_examples=40, deadline=None)
@given(logs(), st.data())
def test_extra_ticks_are_invisible(log: list[tuple[int, KpiRow]], data: st.DataObject) -> None:
    plain, _ = play(log)
    engine, out, offset, before = SiteEngine(0, site()), [], 0, NOON
    for clock, made in log:
        for tick in sorted(data.draw(st.lists(st.integers(before, clock), max_size=3))):
            out += engine.feed([Entry(offset, tick, control=TICK)]).kpis
            offset += 1
        out += engine.feed([Entry(offset, clock, made)]).kpis
        offset, before = offset + 1, clock
    assert out + engine.finish() == plain
