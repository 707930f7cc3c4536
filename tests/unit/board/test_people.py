"""With a password: nobody gets in, and nobody acts, without it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from schemas.errors import Misconfigured
from streams.board.guard import COOKIE
from streams.board.people import LASTS_S, People
from streams.board.run import check_before
from streams.cli.main import app
from streams.settings import load_settings
from tests.unit.board.make import browsing, event

PASSWORD = "correct horse battery"


async def test_nothing_but_health_and_the_door_is_open_without_the_password() -> None:
    async with browsing(board_password=SecretStr(PASSWORD)) as browser:
        browser.board.standing.take_event(event(asset="secret/plant/m1"))
        for path in ("/", "/closed", "/mutes", "/decisions", "/episodes/x", "/commands/x", "/?q=secret"):
            answer = await browser.raw(path)
            assert answer.status == 303, path
            assert answer.headers["Location"].startswith("/login?to=")
        for path in ("/healthz", "/login", "/static/board.css"):
            status, text = await browser.get(path)
            assert status == 200
            assert "secret" not in text
        form = {"kind": "rebaseline", "asset": "a", "by": "ann", "reason": "x"}
        assert (await browser.post("/commands", **form))[0] == 401
        assert browser.sent.commands == []


async def test_who_knows_it_gets_in_where_they_wanted_and_acts_under_the_name_they_gave_and_no_other() -> None:
    async with browsing(board_password=SecretStr(PASSWORD)) as browser:
        answer = await browser.raw("/mutes?q=1")
        assert answer.headers["Location"] == "/login?to=%2Fmutes%3Fq%3D1"
        status, text, _ = await browser.post("/login", by="ann", password="wrong", to="/mutes?q=1")
        assert (status, "This is not the password." in text, PASSWORD in text) == (401, True, False)
        assert (await browser.post("/login", by="", password=PASSWORD))[0] == 401
        assert (await browser.post("/login", by="a\x00", password=PASSWORD))[0] == 422
        status, _, leads = await browser.post("/login", by="ann", password=PASSWORD, to="/mutes?q=1")
        assert (status, leads) == (303, "/mutes?q=1")
        assert (await browser.get("/"))[0] == 200
        form = {"kind": "rebaseline", "asset": "a/b", "by": "somebody else", "reason": "x"}
        assert (await browser.post("/commands", **form))[0] == 303
        assert [command.by for command in browser.sent.commands] == ["ann"]
        await browser.post("/logout")
        assert (await browser.raw("/")).status == 303


async def test_a_cookie_cannot_be_made_or_changed_without_it_and_ends() -> None:
    people = People(SecretStr(PASSWORD))
    made = people.cookie_for("ann", now=1000.0)
    assert people.name_of(made, now=1000.0 + LASTS_S) == "ann"
    assert people.name_of(made, now=1001.0 + LASTS_S) is None
    assert People(SecretStr(PASSWORD)).name_of(made, now=1001.0) == "ann", "a restart makes nobody strange"
    assert People(SecretStr("another password")).name_of(made, now=1001.0) is None
    name, since, signature = made.split("|")
    later = f"{name}|{int(since) + 1}|{signature}"
    others = People(SecretStr("another password")).cookie_for("ann", now=1000.0)
    for forged in (later, others, "", "|", "||", "a|b|c", f"YmVu|{since}|{signature}", "x" * 5000, "é|1|2"):
        assert people.name_of(forged, now=1001.0) is None
    async with browsing(board_password=SecretStr(PASSWORD)) as browser:
        for forged in (later, "||", "x" * 3000, "%00|1|2"):
            assert (await browser.raw("/", headers={"Cookie": f"{COOKIE}={forged}"})).status == 303


async def test_names_of_any_language_are_kept_and_names_that_are_none_are_not() -> None:
    for people in (People(None), People(SecretStr(PASSWORD))):
        for name in ("林怡君", "Siti Nurhaliza", "o'brien; drop|table", "a" * 255):
            assert people.name_of(people.cookie_for(name)) == name
        for wrong in ("", "a\nb", "a" * 256):
            with pytest.raises(ValueError, match="expected"):
                people.cookie_for(wrong)


def test_a_password_can_be_tried_some_times_and_then_seldom_and_a_right_guess_looks_like_a_wrong_one() -> None:
    people = People(SecretStr(PASSWORD))
    assert [people.lets_in("guess", "10.0.0.9", now=100.0) for _ in range(7)] == [False] * 5 + [None] * 2
    assert people.lets_in(PASSWORD, "10.0.0.9", now=101.0) is None, "who tries on learns nothing"
    assert people.lets_in(PASSWORD, "10.0.0.8", now=101.0) is True, "others are let in"
    assert people.lets_in(PASSWORD, "10.0.0.9", now=106.0) is True
    answers = [people.lets_in("guess", f"10.1.{n >> 8}.{n & 255}", now=200.0) for n in range(5000)]
    assert answers.count(False) == 30, "from however many addresses"
    assert people.lets_in(PASSWORD, "10.0.0.8", now=203.0) is True


async def test_too_many_tries_are_told_so() -> None:
    async with browsing(board_password=SecretStr(PASSWORD)) as browser:
        got = [(await browser.post("/login", by="ann", password="guess"))[:2] for _ in range(6)]
        assert [status for status, _ in got] == [401] * 5 + [429]
        assert "Too many tries" in got[-1][1]


async def test_who_was_logged_out_sees_what_they_had_typed_and_the_way_back() -> None:
    async with browsing(board_password=SecretStr(PASSWORD)) as browser:
        form = {"kind": "rebaseline", "asset": "a", "reason": "a long story <b>"}
        status, text, _ = await browser.post("/commands", **form)
        assert (status, browser.sent.commands) == (401, [])
        assert "a long story &lt;b&gt;" in text
        assert "nothing was changed" in text


async def test_who_comes_every_day_stays_known_and_over_tls_a_cookie_is_for_tls_alone() -> None:
    people = People(SecretStr(PASSWORD))
    now = time.time()
    for age, renewed in ((3600, False), (2 * 86_400, True)):
        cookie = people.cookie_for("ann", now=now - age)
        assert (people.renewed(cookie, now) is not None) is renewed
        async with browsing(board_password=SecretStr(PASSWORD)) as browser:
            answer = await browser.raw("/", headers={"Cookie": f'{COOKIE}="{cookie}"'})
            assert answer.status == 200
            assert (COOKIE in answer.cookies) is renewed
    async with browsing() as browser:
        host = browser.origin.removeprefix("http://")
        for scheme, secure in (("http", False), ("https", True)):
            answer = await browser.raw_post("/language", {"language": "ms"}, f"{scheme}://{host}")
            cookie = answer.headers["Set-Cookie"]
            assert ("Secure" in cookie) is secure
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"board_host": "::"}, "MILLSTREAM_BOARD_PASSWORD"),
        ({"board_host": "10.0.0.5"}, "whoever reaches this address could mute machines"),
    ],
)
def test_a_page_for_others_without_a_password_is_not_served(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        check_before(load_settings(**given))


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MILLSTREAM_BOARD_PASSWORD": "short"}, "MILLSTREAM_BOARD_PASSWORD: expected at least 12 characters"),
        ({"MILLSTREAM_GRAFANA_URL": "javascript:alert(1)"}, "MILLSTREAM_GRAFANA_URL: expected an address"),
        ({"MILLSTREAM_BOARD_CERT": "x.pem"}, "MILLSTREAM_BOARD_CERT"),
        ({"MILLSTREAM_BOARD_PASSWORD_FILE": "/nowhere"}, "cannot be read"),
    ],
)
def test_settings_that_are_wrong_are_one_line(environment: dict[str, str], said: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["board"], env=environment)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "short" not in done.stderr.replace("shortly", "")
