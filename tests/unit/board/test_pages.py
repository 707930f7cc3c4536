"""Pages as a browser gets them: in three languages, with nothing of a plant's names taken for markup."""

from __future__ import annotations

import re
import time
from urllib.parse import quote

import pytest

from detectors.registry import REGISTRY
from grafana.alerts.table import ALERTS
from grafana.boards.table import BOARDS
from schemas.anomaly import Detector, heading_of
from schemas.command import Target
from schemas.times import format_time
from streams.board.crew import Seen
from streams.board.views import LISTED, grafana_link
from streams.board.words import LANGUAGES, WORDS
from tests.unit.board.make import OVEN, SECOND, START, Browser, audit, browsing, event, muted, proposed

HOSTILE = '<script>alert("x")</script>&\'"{{ 7654 * 4321 }}'
PATHS = (
    "/",
    "/runbook",
    "/closed",
    "/mutes",
    "/proposals",
    "/decisions",
    "/commands/c",
    "/commands/none",
    "/episodes/none",
)


def fill(browser: Browser, name: str = OVEN, text: str = "too hot") -> str:
    """Something of everything; the id of an open episode."""
    told = browser.board.standing
    said = {"en": text, "ms": text, "zh-TW": text}
    opened = event(asset=name, series=text[:200], message=said, contribution={text: 0.75, "b": 0.25}, cost_per_hour=9.0,
                   decision={text: text})  # fmt: skip
    told.take_event(opened)
    told.take_event(event(0, asset=name, started=START + SECOND))
    told.take_event(event(1, "closed", asset=name, started=START + SECOND, message=said))
    told.take_audit(muted(name, time.time_ns() + 3600 * SECOND, by=text, reason=text))
    told.take_audit(proposed(name, offset=1))
    told.take_audit(audit("approve", "refused", offset=2, target=Target(asset=name), by=text, why=text))
    return opened.episode_id


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_is_there_in_every_language(language: str) -> None:
    async with browsing() as browser:
        episode = fill(browser)
        for path in (*PATHS, f"/episodes/{episode}"):
            status, text = await browser.get(path, Cookie=f"millstream_language={language}")
            assert status == (404 if path.endswith("/none") else 200), path
            assert f'<html lang="{language}">' in text
            said = WORDS["open"].in_(language)  # type: ignore[arg-type]
            assert f">{said}" in text


async def test_names_and_texts_of_a_plant_are_never_taken_for_markup() -> None:
    async with browsing() as browser:
        episode = fill(browser, HOSTILE.replace("/", "-"), HOSTILE)
        for path in (*PATHS, f"/episodes/{episode}", f"/commands/{quote(HOSTILE)}", f"/?q={quote(HOSTILE)}"):
            _, text = await browser.get(path)
            assert "<script>alert" not in text, path
            assert "33072934" not in text, path
            assert text.count("<script") == 1, path


async def test_the_worst_is_shown_first_with_what_it_costs_and_can_be_searched() -> None:
    async with browsing() as browser:
        told = browser.board.standing
        told.take_event(event(asset="penang/smt/line1/oven3", severity=450, cost_per_hour=60.0))
        told.take_event(event(asset="penang/smt/line2/oven9", severity=900, cost_per_hour=240.5))
        told.take_event(event(asset="taipei/air/c1", severity=250, message={"en": "leaks", "zh-TW": "漏氣"}))
        _, text = await browser.get("/")
        order = re.findall(r"<b>(oven3|oven9|c1)</b>", text)
        assert order == ["oven9", "oven3", "c1"]
        assert "cost 300.5 an hour" in text
        for query, left in (("place=penang/smt/line1", ["oven3"]), ("q=LEAKS", ["c1"]), ("q=漏氣", ["c1"]),
                            ("place=penang", ["oven9", "oven3"]), ("band=critical", ["oven9"]), ("q=nothing", []),
                            ("place=penang/smt/line", [])):  # fmt: skip
            _, text = await browser.get(f"/?{query}")
            assert re.findall(r"<b>(oven3|oven9|c1)</b>", text) == left, query
        assert "Nothing matches" in text


async def test_an_empty_board_says_that_nothing_is_open_only_where_somebody_judges() -> None:
    async with browsing() as browser:
        _, text = await browser.get("/")
        assert "Nothing is open." in text
        assert 'class="banner nobody_works"' not in text
    cases = [
        (Seen(True, 0, False), "No worker is running"),
        (Seen(False, None, False), "Kafka does not answer"),
        (Seen(True, 2, False), "redistributing their work"),
    ]
    for seen, said in cases:
        async with browsing(seen) as browser:
            for path in ("/", "/mutes"):
                assert said in (await browser.get(path))[1]
    async with browsing(Seen(True, None, True)) as browser:
        _, text = await browser.get("/")
        assert 'class="banner nobody_works"' not in text
        assert "Workers:" not in text, "who may not ask does not say"


async def test_while_history_is_read_a_page_says_that_it_is_not_complete() -> None:
    async with browsing() as browser:
        tail = browser.board.tail
        tail.read, tail._end, tail._position = 30, {"p": 100}, {"p": 30}  # type: ignore[dict-item]
        assert "so far: 30 %" in (await browser.get("/"))[1]
        status, text = await browser.get("/readyz")
        assert (status, text) == (503, "reading what has happened so far: 30%\n")
        tail._position = {"p": 100}  # type: ignore[dict-item]
        assert "so far" not in (await browser.get("/"))[1]
        assert (await browser.get("/readyz"))[0] == 200
        tail.unreadable = 3
        assert "3 records could not be read" in (await browser.get("/"))[1]


async def test_before_it_is_known_what_there_is_to_read_nothing_is_taken_for_complete() -> None:
    async with browsing() as browser:
        browser.board.tail._end = None
        assert "so far: 0 %" in (await browser.get("/"))[1]
        assert (await browser.get("/readyz"))[0] == 503


async def test_a_page_says_when_its_reader_hears_nothing_or_is_behind_and_of_when_it_is() -> None:
    async with browsing() as browser:
        tail = browser.board.tail
        tail._began = time.time_ns() - 60 * SECOND
        _, text = await browser.get("/")
        assert "Kafka does not answer" in text
        footer = text[text.index("<footer") :]
        assert format_time(tail._began // SECOND * SECOND) in footer, "as of when it heard last"
        assert (await browser.get("/readyz"))[0] == 503
        tail._began = time.time_ns()
        type(tail).behind, kept = property(lambda self: 70_000), type(tail).behind  # type: ignore[method-assign,assignment]
        try:
            assert "70000 records are not read yet" in (await browser.get("/"))[1]
        finally:
            type(tail).behind = kept  # type: ignore[method-assign]


async def test_a_long_list_says_how_much_it_leaves_out() -> None:
    async with browsing() as browser:
        for i in range(LISTED + 7):
            browser.board.standing.take_event(event(asset=f"a/b/c/m{i}"))
        _, text = await browser.get("/")
        assert text.count("<tr>") == LISTED + 1
        assert "7 more are not listed" in text


async def test_an_episode_has_its_course_its_evidence_and_a_way_to_grafana() -> None:
    async with browsing(grafana_url="http://g:3000/") as browser:
        told = browser.board.standing
        told.take_event(event(0, severity=250))
        told.take_event(event(1, "escalated", severity=700, contribution={"flow": 0.25, "temp": 0.75}))
        [episode] = told.open()
        _, text = await browser.get(f"/episodes/{episode.last.episode_id}")
        assert re.findall(r"<td>(opened|worse)</td>", text) == ["worse", "opened"]
        assert "200 to 230 °C" in text
        assert re.findall(r"<span>(\w+)</span> <meter", text) == ["temp", "flow"]
        assert '"x": 241.7' in text
        assert 'href="http://g:3000/d/millstream-asset?' in text
        told.take_event(event(2, "closed", severity=700))
        _, text = await browser.get(f"/episodes/{episode.last.episode_id}")
        assert "back to normal" in text
        assert 'value="reject"' not in text, "there is nothing left to decide"


def test_grafana_is_asked_for_the_machine_by_variables_that_its_board_has() -> None:
    link = grafana_link("http://g", event(watch="t2 & spe", asset="penang/smt/line1/oven 3"))
    assert link is not None
    path, _, query = link.partition("?")
    board = BOARDS[path.rpartition("/")[2]]
    given = dict(pair.split("=") for pair in query.split("&"))
    names = {name.removeprefix("var-") for name in given if name.startswith("var-")}
    assert names <= {variable.name for variable in board.variables}
    assert (given["var-asset"], given["var-watch"], given["to"]) == ("oven+3", "t2+%26+spe", "now")
    assert int(given["from"]) == START // 1_000_000 - 3_600_000


async def test_an_episode_leads_to_its_place_in_the_runbook_of_every_detector() -> None:
    async with browsing() as browser:
        _, runbook = await browser.get("/runbook")
        for kind in REGISTRY:
            detector = Detector(kind=kind, state_version=1)
            browser.board.standing.take_event(event(asset=kind, detector=detector, runbook=heading_of(kind)))
            episode = next(e for e in browser.board.standing.open() if e.last.asset == kind)
            _, text = await browser.get(f"/episodes/{episode.last.episode_id}")
            (heading,) = re.findall(r'href="/runbook#([^"]+)"', text)
            assert f'id="{heading}"' in runbook
        assert set(re.findall(r'<h2 id="(millstream\w+)"', runbook)) >= {name.lower() for name in ALERTS}


async def test_what_serves_the_page_says_what_a_browser_may_do() -> None:
    async with browsing() as browser:
        for path in ("/", "/static/board.js", "/static/board.css", "/nowhere"):
            answer = await browser.raw(path)
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        _, page = await browser.get("/")
        assert not re.search(r"\son\w+=|style=|<script>", page), "the policy would not let it run"
        assert not re.search(r"https?://", page), "nothing is fetched from elsewhere"
