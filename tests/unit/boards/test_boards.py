"""House rules of boards, those of Grafana's dashboard linter among them; and that alerts lead to them.

Of the linter's rules one is left out, matchers of job and instance: metrics begin with our name, and boards add up all
workers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from docs.generate import ROOT
from grafana.alerts.alert import link
from grafana.alerts.managed import DATASOURCE, FOLDER
from grafana.alerts.table import ALERTS
from grafana.boards.board import TAG, dashboard
from grafana.boards.colours import LOSS, PALETTE, STEPS
from grafana.boards.grid import COLUMNS
from grafana.boards.table import BOARDS, text
from grafana.boards.variables import SOURCES
from streams.metrics import TABLE
from streams.sinks.points import MEASUREMENTS

KINDS = {"timeseries", "stat", "bargauge", "table", "state-timeline", "barchart"}
UNITS = {
    "none", "short", "locale", "percentunit", "watt", "kwatt", "kwatth", "masskg", "s", "bytes", "cps",
    "dateTimeFromNow", "dateTimeAsLocal", "string", "suffix: min",
}  # fmt: skip
"""Ids that Grafana knows (packages/grafana-data, valueFormats)."""
NOT_OURS = {"up", "process_resident_memory_bytes"}
WITHOUT_PLACE = "millstream_readings_total"
"""Counted by partition and outcome alone: a worker's readings have no site."""
BUILT_IN = (
    "timeFilter", "__interval", "__rate_interval", "__range", "__url_time_range", "__data", "__all", "tag_", "col",
)  # fmt: skip
"""What Grafana or the data source itself puts in; beginnings of names."""

DASHBOARDS: dict[str, Any] = {uid: dashboard(board) for uid, board in BOARDS.items()}
each = pytest.mark.parametrize("uid", sorted(BOARDS))


def panels(uid: str) -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARDS[uid]["panels"] if panel["type"] != "row"]


def variables(uid: str) -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in DASHBOARDS[uid]["templating"]["list"]}


def said(target: dict[str, Any]) -> str:
    return str(target.get("expr") or target.get("query"))


def targets(uid: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every query of panels and marks, with the title of what it is in."""
    for panel in panels(uid):
        yield from ((panel["title"], target) for target in panel["targets"])
    for note in DASHBOARDS[uid]["annotations"]["list"][1:]:
        yield note["name"], note["target"]


def found(value: object, key: str) -> Iterator[Any]:
    """All values of a key, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from found(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from found(inner, key)


@each
def test_the_committed_file_is_what_the_code_gives(uid: str) -> None:
    path = ROOT / "deploy" / "grafana" / "dashboards" / f"{uid}.json"
    assert path.read_text(encoding="utf-8") == text(BOARDS[uid]), "run: make gen"


def test_no_file_is_left_of_a_board_that_is_gone() -> None:
    files = {path.stem for path in (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")}
    assert files == set(BOARDS)


def test_titles_of_boards_are_their_own() -> None:
    assert len({board.title for board in BOARDS.values()}) == len(BOARDS)


@each
def test_a_board_is_fixed_tagged_and_not_edited_by_hand(uid: str) -> None:
    board = DASHBOARDS[uid]
    assert board["uid"] == uid
    assert len(uid) <= 40
    assert "id" not in board
    assert board["editable"] is False
    assert board["tags"] == [TAG]
    assert board["graphTooltip"] == 1
    assert board["description"]


@each
def test_ids_of_panels_are_their_own_and_small(uid: str) -> None:
    ids = [panel["id"] for panel in DASHBOARDS[uid]["panels"]]
    assert ids == list(range(1, len(ids) + 1))


@each
def test_panels_lie_side_by_side_in_the_grid(uid: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARDS[uid]["panels"]:
        at = panel["gridPos"]
        assert 0 <= at["x"] < at["x"] + at["w"] <= COLUMNS
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            assert cell not in taken, f"{panel['title']} lies on {taken[cell]}"
            taken[cell] = panel["title"]


@each
def test_a_panel_is_wide_enough_for_a_screen_of_1366_px(uid: str) -> None:
    for panel in panels(uid):
        least = 4 if panel["type"] == "stat" else 6
        assert panel["gridPos"]["w"] >= least, f"{panel['title']}: {panel['gridPos']['w']} of {COLUMNS} columns"


@each
def test_a_panel_asks_a_question_and_says_what_it_means_in_what_unit(uid: str) -> None:
    titles = [panel["title"] for panel in panels(uid)]
    assert len(set(titles)) == len(titles)
    for panel in panels(uid):
        assert panel["title"].endswith("?"), f"{panel['title']}: a title says what the panel answers"
        assert len(panel["description"]) >= 10
        assert panel["description"].endswith(".")
        assert panel["type"] in KINDS
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"] in UNITS, panel["title"]
        assert defaults["noValue"], f"{panel['title']}: what does it mean that nothing is there?"
        steps = defaults["thresholds"]["steps"]
        assert steps[0]["value"] is None
        assert [step["value"] for step in steps[1:]] == sorted(step["value"] for step in steps[1:])


@each
def test_colours_are_those_that_colour_blind_eyes_tell_apart(uid: str) -> None:
    colours = [value for key in ("fixedColor", "color", "iconColor") for value in found(DASHBOARDS[uid], key)]
    used = {colour for colour in colours if isinstance(colour, str)}
    assert used <= PALETTE
    modes = {color["mode"] for color in found(DASHBOARDS[uid]["panels"], "color") if isinstance(color, dict)}
    assert modes <= {"fixed", "shades", "thresholds"}, "Grafana's own palettes mix red and green"


@each
def test_data_sources_are_variables(uid: str) -> None:
    for source in found([DASHBOARDS[uid]["panels"], DASHBOARDS[uid]["templating"]], "datasource"):
        name = source["uid"].removeprefix("${").removesuffix("}")
        assert source["uid"] == f"${{{name}}}"
        assert variables(uid)[name]["query"] == source["type"]


@each
def test_every_variable_is_used_and_every_name_is_a_variable(uid: str) -> None:
    board = DASHBOARDS[uid]
    asked = json.dumps([board["panels"], board["annotations"], board["templating"]])
    names = {a or b for a, b in re.findall(r"\$(?:\{(\w+)[^}]*\}|(\w+))", asked)}
    known = set(variables(uid))
    assert known <= names, f"not used: {known - names}"
    strangers = {name for name in names - known if not name.startswith(BUILT_IN)}
    assert not strangers


@each
def test_places_are_chained_and_can_be_chosen_together(uid: str) -> None:
    order = [variable for variable in variables(uid).values() if variable["type"] == "query"]
    for variable in order:
        assert variable["refresh"] == 2, "values follow the time shown"
        assert variable["includeAll"] is variable["multi"]
    wanted = [name for name in ("site", "area", "line", "asset") if name in variables(uid)]
    for place, name in enumerate(wanted):
        for before in wanted[:place]:
            assert f"${{{before}:regex}}" in variables(uid)[name]["query"]["query"], (
                f"{name} is not narrowed by {before}"
            )


@each
def test_every_query_is_narrowed_by_variables(uid: str) -> None:
    places = {name for name, variable in variables(uid).items() if variable["type"] == "query"}
    for title, target in targets(uid):
        query = said(target)
        if WITHOUT_PLACE in query and uid != "millstream-self":
            continue
        asked = set(re.findall(r"\$\{(\w+):regex\}", query))
        assert asked & places, f"{title}: {query}"


@each
def test_names_are_put_into_queries_by_the_format_for_regular_expressions(uid: str) -> None:
    """What the data sources make of `$asset` by themselves escapes nothing where one value alone may be chosen."""
    own = {name for name, variable in variables(uid).items() if variable["type"] in ("query", "custom")}
    asked = [said(target) for _, target in targets(uid)]
    asked += [variable["query"]["query"] for variable in variables(uid).values() if variable["type"] == "query"]
    for query in asked:
        for name, form in re.findall(r"\$\{?(\w+)(:regex\})?", query):
            assert form or name not in own, query
        assert not re.search(r'"[^"`]*\$\{', re.sub(r"`[^`]*`|/\^[^ ]*\$/", "", query)), (
            "PromQL takes `\\(` so in backticks"
        )


@each
def test_a_table_puts_its_unit_to_numbers_and_its_words_to_no_cell(uid: str) -> None:
    """Grafana puts a unit of all columns to names that look like numbers, and noValue into each empty cell."""
    for panel in panels(uid):
        if panel["type"] == "table":
            assert panel["fieldConfig"]["defaults"]["unit"] == "string"
            words, numbers = panel["fieldConfig"]["overrides"][:2]
            assert words == {
                "matcher": {"id": "byRegexp", "options": "/.*/"}, "properties": [{"id": "noValue", "value": ""}],
            }  # fmt: skip
            assert numbers["matcher"] == {"id": "byType", "options": "number"}
            assert {each["id"]: each["value"] in UNITS for each in numbers["properties"]} == {"unit": True}


@each
def test_marks_are_titled_by_a_column_of_theirs(uid: str) -> None:
    """Else by the first one, which is the time as a number."""
    for note in DASHBOARDS[uid]["annotations"]["list"][1:]:
        measurement, _, field = note["target"]["titleColumn"].partition(".")
        assert f'"{field}"' in note["target"]["query"].split("FROM")[0]
        assert f'FROM "{measurement}"' in note["target"]["query"]


@each
def test_influxql_is_narrowed_in_time_and_asks_for_what_is_stored(uid: str) -> None:
    for title, target in targets(uid):
        query = said(target)
        if "expr" in target:
            continue
        assert target["rawQuery"] is True
        assert "$timeFilter" in query
        (measurement,) = re.findall(r'FROM "(\w+)"', query)
        stored = MEASUREMENTS[measurement]
        source = str(target.get("datasource", {}).get("uid", "")).strip("${}")
        assert source in ("", stored.store), f"{title}: {measurement} is in {stored.store}"
        made = set(re.findall(r'AS "([^"]+)"', query))
        asked = set(re.findall(r'"([^"]+)"', query)) - made - {measurement}
        assert asked <= {*stored.tags, *stored.fields}, title
        assert not re.search(r"\bSLIMIT\b|\bSOFFSET\b|\bINTO\b|\btz\(", query), "InfluxDB 3 has none of these"


@each
def test_promql_asks_for_metrics_that_there_are_by_labels_that_they_have(uid: str) -> None:
    known = {definition.name: set(definition.labels) for definition in TABLE}
    histograms = {definition.name for definition in TABLE if definition.kind == "histogram"}
    counters = {definition.name for definition in TABLE if definition.kind == "counter"}
    for title, target in targets(uid):
        query = re.sub(r"=~`[^`]*`", '=~"x"', target.get("expr", ""))
        assert not re.search(r"rate\([^[]*\[(?!\$__rate_interval|\$__range)", query), f"{title}: {query}"
        for name, matchers in re.findall(r"\b((?:millstream|process)_\w+|up)\b(?:\{([^}]*)\})?", query):
            metric = name.removesuffix("_bucket")
            if metric in NOT_OURS:
                assert 'job=~"millstream.*"' in matchers, f"{title}: whose {metric}?"
                continue
            assert metric in known, f"{title}: no metric {metric}"
            assert (name != metric) is (metric in histograms)
            asked = set(re.findall(r"(\w+)(?=[!=]~?\")", matchers)) - {"instance", "le"}
            assert asked <= known[metric], f"{title}: {metric} has no {asked - known[metric]}"
            if metric in counters:
                assert re.search(rf"(rate|increase)\({metric}", query), f"{title}: {metric} only ever grows"


@each
def test_boards_link_to_each_other_with_time_and_places(uid: str) -> None:
    (links,) = DASHBOARDS[uid]["links"]
    assert links["tags"] == [TAG]
    assert links["keepTime"] is links["includeVars"] is True
    for url in (url for url in found(DASHBOARDS[uid]["panels"], "url") if url):
        parts = urlsplit(url)
        there = parts.path.removeprefix("/d/")
        assert there in BOARDS
        assert "${__url_time_range}" in parts.query
        for name in re.findall(r"var-(\w+)=", parts.query):
            assert name in variables(there), f"{there} has no variable {name}"
            column = re.search(rf"var-{name}=\$\{{__data\.fields\.(\w+)\}}", parts.query)
            assert column is not None


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_an_alert_leads_to_a_board_that_shows_what_it_is_of(name: str) -> None:
    alert = ALERTS[name]
    parts = urlsplit(link(alert))
    uid = parts.path.removeprefix("/d/")
    assert uid in BOARDS
    chosen = {key.removeprefix("var-") for key in parse_qs(parts.query, keep_blank_values=True)}
    assert chosen == set(alert.variables)
    for variable in chosen:
        assert variable in variables(uid), f"{uid} has no variable {variable}"
    # what the rule asks for is to be seen there, or what it is made of
    metrics = set(re.findall(r"millstream_\w+|\bup\b", alert.expr)) - {"millstream_watch_info"}
    shown = " ".join(said(target) for _, target in targets(uid))
    assert not metrics or any(metric in shown for metric in metrics), f"{uid} shows none of {metrics}"


def test_provisioned_data_sources_are_those_that_boards_and_alerts_name() -> None:
    path = ROOT / "deploy" / "grafana" / "provisioning" / "datasources" / "millstream.yml"
    sources = {one["uid"]: one for one in yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]}
    assert {(one["type"], uid) for uid, one in sources.items()} == {(kind, uid) for kind, uid, _ in SOURCES.values()}
    assert DATASOURCE in sources
    for source, (kind, uid, _) in SOURCES.items():
        if kind == "influxdb":
            assert sources[uid]["jsonData"]["version"] == "InfluxQL"
            assert sources[uid]["jsonData"]["dbName"].endswith(source)
            assert sources[uid]["secureJsonData"]["httpHeaderValue1"].startswith("$")
            variable = next(v for v in DASHBOARDS["millstream-asset"]["templating"]["list"] if v["name"] == source)
            assert re.search(variable["regex"].split("/")[1], sources[uid]["name"], re.I)


def test_boards_have_another_folder_than_alerts() -> None:
    path = ROOT / "deploy" / "grafana" / "provisioning" / "dashboards" / "millstream.yml"
    (provider,) = yaml.safe_load(path.read_text(encoding="utf-8"))["providers"]
    assert provider["folder"] != FOLDER
    assert provider["folderUid"]
    assert provider["allowUiUpdates"] is False


def test_the_waterfall_goes_through_every_loss_in_its_colour() -> None:
    (panel,) = (panel for row in BOARDS["millstream-energy"].rows for panel in row.panels if panel.kind == "barchart")
    assert [query.text.split('"kpi" = \'')[1].partition("'")[0] for query in panel.queries] == list(STEPS)
    assert {name: colour for name, (_, colour) in STEPS.items() if name in LOSS} == LOSS
    assert set(STEPS) - set(LOSS) == {"fully_productive_time"}
