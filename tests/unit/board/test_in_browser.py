"""The web board in a real browser: it stays true by itself, never under a person's hands, and fits a telephone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiohttp import web
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from streams.board.crew import Seen
from streams.board.server import Board
from streams.settings import load_settings
from tests.servers.base import Unavailable
from tests.servers.chromium import browser
from tests.servers.net import wait_until
from tests.unit.board.make import OVEN, SECOND, START, Sent, event, muted, proposed


class Served:
    """A board in a thread of its own, which reads nothing of itself: what stands is put in by the test."""

    def __init__(self) -> None:
        self.board = Board(load_settings(board_port=0))
        self.board.crew.seen = lambda: Seen(True, 1, True)  # type: ignore[method-assign]
        self.sent = Sent(self.board)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.does(self.board._listen)

    def does(self, act: Callable[[], Any]) -> Any:
        async def there() -> Any:
            found = act()
            return await found if asyncio.iscoroutine(found) else found

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(20)

    def take(self, *events: Any) -> None:
        self.does(lambda: [self.board.standing.take_event(each) for each in events] and None)

    def hang_up(self) -> None:
        runner = self.board._runner
        assert isinstance(runner, web.AppRunner)
        self.does(runner.cleanup)

    def close(self) -> None:
        self.hang_up()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    try:
        with browser() as opened:
            yield opened
    except Unavailable as missing:
        pytest.skip(str(missing))


def text(chrome: Chrome, css: str) -> list[str]:
    """At one moment: the page may put others in their place."""
    found = chrome.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText.trim())", css
    )
    return [str(each) for each in found]


def comes(condition: Callable[[], Any], what: str, seconds: float = 15) -> None:
    assert wait_until(lambda: bool(condition()), seconds), what


def complaints(chrome: Chrome) -> list[str]:
    """What the browser says against the page: scripts that fail, and what the policy does not let through."""
    return [entry["message"] for entry in chrome.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def test_a_page_that_is_open_shows_what_opens_and_what_is_over(served: Served, chrome: Chrome) -> None:
    complaints(chrome)  # those of before are not of this test
    chrome.get(served.board.url)
    assert text(chrome, ".empty") == ["Nothing is open."]
    now = time.time_ns()
    served.take(event(started=now), event(asset="a/b/c/other", severity=900, started=now))
    comes(lambda: text(chrome, "td.asset b") == ["other", "oven3"], "both are listed, the worse one first")
    assert chrome.title == "(2) Open episodes · Millstream"
    served.take(event(1, "closed", started=now))
    comes(lambda: text(chrome, "td.asset b") == ["other"], "the one that is over is gone")
    assert complaints(chrome) == []


def test_times_are_the_readers_own(served: Served, chrome: Chrome) -> None:
    served.take(event())
    [episode] = served.board.standing.open()
    chrome.get(f"{served.board.url}/episodes/{episode.last.episode_id}")
    shown = text(chrome, "dd time")
    assert shown[0] == "5 Jan 2026, 16:00:00", "08:00 UTC, as a clock in Taipei shows it"
    title = chrome.find_element(By.CSS_SELECTOR, "dd time").get_attribute("title")
    assert title == "2026-01-05T08:00:00Z"


def test_what_is_being_typed_is_not_taken_away_and_is_sent_as_it_stands(served: Served, chrome: Chrome) -> None:
    until = time.time_ns() + 3600 * SECOND
    served.does(lambda: served.board.standing.take_audit(muted("a/*", until)))
    served.does(lambda: served.board.standing.take_audit(proposed(offset=1)))
    chrome.get(f"{served.board.url}/proposals")
    field = chrome.find_element(By.CSS_SELECTOR, "form:has([value=approve]) [name=reason]")
    field.send_keys("new compr")
    served.does(lambda: served.board.standing.take_audit(proposed("another/machine", "p2", offset=2)))
    comes(lambda: text(chrome, ".count") == ["1", "2"], "the page has had news")
    assert field.get_attribute("value") == "new compr"
    comes(chrome.find_element(By.CSS_SELECTOR, "[data-news]").is_displayed, "it says that there is more")
    assert text(chrome, "h2") == ["penang/utilities/air/compressor1"], "no form has moved"
    field.send_keys("essor")
    form = chrome.find_element(By.CSS_SELECTOR, "form:has([value=approve])")
    form.find_element(By.NAME, "by").send_keys("林怡君")
    form.find_element(By.TAG_NAME, "button").click()
    comes(lambda: "/commands/" in chrome.current_url, "it leads to what becomes of it")
    [command] = served.sent.commands
    assert (command.kind, command.by, command.reason) == ("approve", "林怡君", "new compressor")
    assert (command.payload.proposal, command.target.asset) == ("p1", "penang/utilities/air/compressor1")


def test_a_mute_is_filled_in_and_what_is_missing_is_asked_for(served: Served, chrome: Chrome) -> None:
    served.take(event())
    [episode] = served.board.standing.open()
    chrome.get(f"{served.board.url}/episodes/{episode.last.episode_id}")
    form = chrome.find_element(By.CSS_SELECTOR, "form:has([value=mute])")
    Select(form.find_element(By.NAME, "what")).select_by_value("machine")
    Select(form.find_element(By.NAME, "for")).select_by_value("8h")
    form.find_element(By.NAME, "by").clear()
    form.find_element(By.NAME, "by").send_keys("ann")
    form.find_element(By.TAG_NAME, "button").click()
    assert served.sent.commands == [], "the browser itself asks for the reason"
    form.find_element(By.NAME, "reason").send_keys("cleaning")
    form.find_element(By.TAG_NAME, "button").click()
    comes(lambda: served.sent.commands, "it is sent")
    [command] = served.sent.commands
    assert (command.target.asset, command.target.series, command.reason) == (OVEN, "*", "cleaning")


def test_a_board_that_does_not_answer_is_not_mistaken_for_a_quiet_plant(served: Served, chrome: Chrome) -> None:
    chrome.get(served.board.url)
    assert not chrome.find_element(By.CSS_SELECTOR, "[data-stale]").is_displayed()
    served.hang_up()
    comes(chrome.find_element(By.CSS_SELECTOR, "[data-stale]").is_displayed, "it says that it gets no news", 40)
    assert "Not updating" in text(chrome, "[data-stale]")[0]


@pytest.mark.parametrize("language", ["en", "ms", "zh-TW"])
def test_it_fits_a_telephone_in_each_language(served: Served, chrome: Chrome, language: str) -> None:
    long = "a-very-long-name-of-a-machine-" * 4
    served.take(event(asset=f"penang/surface-mount/line1/{long}", cost_per_hour=123456.0),
                event(1, "closed", started=START + SECOND))  # fmt: skip
    served.does(lambda: served.board.standing.take_audit(muted(f"penang/{long}", time.time_ns() + SECOND * 9000)))
    served.does(lambda: served.board.standing.take_audit(proposed(offset=1)))
    [episode] = served.board.standing.open()
    complaints(chrome)  # those of before are not of this test
    chrome.get(served.board.url)
    chrome.find_element(By.CSS_SELECTOR, f".languages [value='{language}']").click()
    try:
        for width in (360, 1366):
            size = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": width < 600}
            chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            for path in ("/", "/closed", "/mutes", "/proposals", "/decisions", f"/episodes/{episode.last.episode_id}"):
                chrome.get(served.board.url + path)
                assert chrome.execute_script("return document.documentElement.lang") == language
                wide = chrome.execute_script("return document.documentElement.scrollWidth")
                assert wide <= width, f"{path} is {wide} px wide on {width}"
                chrome.execute_script("for (const each of document.querySelectorAll('details')) each.open = true;")
                unnamed = [
                    field.get_attribute("outerHTML")
                    for field in chrome.find_elements(By.CSS_SELECTOR, "input:not([type=hidden]), select")
                    if not field.accessible_name
                ]
                assert unnamed == [], "what is read aloud has no name"
    finally:
        size = {"width": 1366, "height": 768, "deviceScaleFactor": 1, "mobile": False}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chrome.delete_all_cookies()
    assert complaints(chrome) == []
