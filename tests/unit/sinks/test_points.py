"""Points of both stores: which rows, which tags, which time."""

from __future__ import annotations

from schemas.kpi import KpiRow
from streams.results import SeriesRef, WatchRef
from streams.sinks.line_protocol import Writer
from streams.sinks.points import MEASUREMENTS, anomalies, kpis, readings, tables, verdicts
from tests.unit.sinks import make


def test_two_events_of_one_episode_at_one_time_are_two_points() -> None:
    results = make.results(events=[make.event(100), make.event(100, "escalated", 1)])
    table = anomalies(results._replace(event_shift=[0, 1]))
    assert table.time.tolist() == [100, 101]


def test_the_time_of_an_event_does_not_depend_on_the_chunk_it_is_in() -> None:
    first, second = make.event(100), make.event(100, "escalated", 1)
    together = anomalies(make.results(events=[first, second])).time.tolist()
    apart = [anomalies(make.results(events=[each])).time[0] for each in (first, second)]
    assert together == apart


def test_an_event_takes_the_tags_of_its_series_in_the_results() -> None:
    odd = SeriesRef("a/b", "x", "y", "z", "m", "s")
    table = anomalies(make.results(events=[make.event(1, asset="a/b", series="s")], series=[make.OVEN, odd]))
    assert table.tags[0][:5] == ("x", "y", "z", "m", "s")


def test_an_event_of_an_unlisted_series_takes_its_tags_from_the_path() -> None:
    events = [make.event(1, asset=path, series="s") for path in ("pump", "p/pump", "p/a/l/pump", "p/a/l/c/pump")]
    table = anomalies(make.results(events=events, series=[]))
    assert [tags[:4] for tags in table.tags] == [
        ("-", "-", "-", "pump"),
        ("p", "-", "-", "pump"),
        ("p", "a", "l", "pump"),
        ("p", "a", "l", "c/pump"),
    ]


def test_the_message_is_english_where_there_is_one() -> None:
    events = [make.event(1, message={"ms": "panas", "en": "hot"}), make.event(2, message={"ms": "panas"})]
    assert anomalies(make.results(events=events)).texts["message"] == {0: "hot", 1: "panas"}


def test_verdicts_keep_their_series_and_watch_through_the_thinning() -> None:
    watches = [WatchRef("one", "limits"), WatchRef("two", "cusum")]
    made = make.verdicts([1, 2, 3, 4], [0, 1, 2, 3], [True, False, True, True], [1, 0, 0, 1], [0, 0, 1, 1])
    table = verdicts(make.results(None, made, watches=watches))
    rows = [(table.tags[c][3], table.tags[c][5], table.tags[c][6]) for c in table.code.tolist()]
    assert rows == [("pump", "one", "limits"), ("oven3", "two", "cusum"), ("pump", "two", "cusum")]
    assert table.time.tolist() == [1, 3, 4]


def test_results_without_rows_make_no_tables() -> None:
    assert tables([make.results()]) == []
    assert tables([make.results(None, make.verdicts([1], [1.0], [False]))]) == []


def test_a_table_names_only_series_that_it_has() -> None:
    assert readings(make.results(make.points([1], [1.0], [1]))).tags == [("penang", "-", "-", "pump", "flow")]


def test_measurements_are_those_of_the_contract() -> None:
    levels = {"site", "area", "line", "asset", "series"}
    assert {name: (set(m.tags) - levels, m.store) for name, m in MEASUREMENTS.items()} == {
        "reading": (set(), "raw"),
        "verdict": ({"watch", "detector"}, "raw"),
        "anomaly": ({"watch", "detector", "phase"}, "main"),
        "kpi": ({"kpi", "product", "shift"}, "main"),
    }
    assert MEASUREMENTS["reading"].fields == {"value": "float", "text": "str", "quality": "int", "late": "bool"}
    assert all(levels - {"series"} <= set(m.tags) for m in MEASUREMENTS.values())


def test_of_one_figure_and_window_the_newest_row_is_stored_under_the_machines_levels() -> None:
    row = KpiRow(
        asset="p/a/l/m1", kpi="oee", shift="day", start=100, end=200, value=0.5, unit="1", coverage=0.9,
        status="provisional", revision=1, config="abc",
    )  # fmt: skip
    newer = row.model_copy(update={"value": 0.75, "status": "final", "revision": 2})
    unknown = row.model_copy(update={"kpi": "quality", "value": None, "reason": "nothing was produced"})
    table = kpis(make.results()._replace(kpis=[row, newer, unknown]))
    assert table.tags == [("p", "a", "l", "m1", "oee", "-", "day"), ("p", "a", "l", "m1", "quality", "-", "day")]
    assert table.time.tolist() == [100, 100]
    lines = [line.decode() for line in Writer(table).lines(0, 2)]
    assert lines[0] == (
        "kpi,site=p,area=a,line=l,asset=m1,kpi=oee,product=-,shift=day "
        'revision=2i,value=0.75,coverage=0.9,status="final" 100'
    )
    assert "value" not in lines[1], "what cannot be formed is no number"
