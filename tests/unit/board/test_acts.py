"""Forms: what becomes of them, and what is refused, with what was typed still there."""

from __future__ import annotations

import asyncio
import re
import time
from fnmatch import fnmatchcase

import pytest
from pydantic import SecretStr

from schemas.command import Target
from schemas.errors import Misconfigured, Retry
from streams.board.words import LANGUAGES
from tests.unit.board.make import OVEN, SECOND, audit, browsing, event, proposed

HOUR = 3600 * SECOND
ID = "9bdfc8cb-371c-5d5b-85a7-0f488ec14013"


async def test_a_false_alarm_is_told_to_its_partition_with_name_and_reason() -> None:
    async with browsing() as browser:
        browser.board.standing.take_event(event())
        [episode] = browser.board.standing.open()
        form = {"kind": "reject", "episode": episode.last.episode_id, "asset": OVEN, "command_id": ID}
        status, _, leads = await browser.post("/commands", **form, by=" ann ", reason=" sun on it ")
        assert (status, leads) == (303, f"/commands/{ID}")
        [command] = browser.sent.commands
        assert (command.kind, command.by, command.reason, command.command_id) == ("reject", "ann", "sun on it", ID)
        assert (command.target.episode, command.target.asset) == (episode.last.episode_id, OVEN)
        _, text = await browser.get(f"/episodes/{episode.last.episode_id}")
        assert 'name="by" value="ann"' in text, "a name is typed once"


@pytest.mark.parametrize(
    ("what", "asset", "series"),
    [("series", OVEN, "temp"), ("machine", OVEN, "*"), ("line", "penang/smt/line1/*", "*")],
)
async def test_a_mute_is_of_what_was_chosen_on_the_page_of_an_episode(what: str, asset: str, series: str) -> None:
    async with browsing() as browser:
        browser.board.standing.take_event(event())
        [episode] = browser.board.standing.open()
        form = {"kind": "mute", "about": episode.last.episode_id, "what": what, "for": "8h"}
        status, _, _ = await browser.post("/commands", **form, by="ann", reason="cleaning")
        [command] = browser.sent.commands
        assert (status, command.target.asset, command.target.series, command.target.watch) == (303, asset, series, "*")
        assert command.command_id != "", "a form without one gets one"
        assert command.payload.until is not None
        assert abs(command.payload.until - time.time_ns() - 8 * HOUR) < 60 * SECOND


async def test_a_mute_can_be_ended_without_a_reason() -> None:
    async with browsing() as browser:
        form = {"kind": "mute", "unmute": "1", "asset": "a/*", "series": "temp", "watch": "level"}
        assert (await browser.post("/commands", **form, by="ann"))[0] == 303
        [command] = browser.sent.commands
        assert (command.target.asset, command.target.series, command.target.watch) == ("a/*", "temp", "level")
        assert command.payload.until == 0


async def test_a_proposed_baseline_is_decided_on() -> None:
    async with browsing() as browser:
        browser.board.standing.take_audit(proposed("penang/air/c1", "p1"))
        form = {"kind": "approve", "proposal": "p1", "asset": "penang/air/c1"}
        assert (await browser.post("/commands", **form, by="ann", reason="new compressor"))[0] == 303
        [command] = browser.sent.commands
        assert (command.payload.proposal, command.target.asset, command.target.episode) == ("p1", "penang/air/c1", None)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"kind": "mute", "asset": "a/b", "for": "2h", "by": "ann"}, "give a reason"),
        ({"kind": "mute", "asset": "a/b", "for": "2h", "reason": "x"}, "give your name"),
        ({"kind": "mute", "asset": "", "for": "2h", "by": "ann", "reason": "x"}, "expected 1 to 255 characters"),
        ({"kind": "mute", "asset": "/a", "for": "2h", "by": "ann", "reason": "x"}, "site/area/line/machine"),
        ({"kind": "mute", "asset": "a", "for": "soon", "by": "ann", "reason": "x"}, "soon"),
        ({"kind": "configure", "by": "ann", "reason": "x"}, "kind: expected one of mute, rebaseline, approve, reject"),
        ({"kind": "mute", "asset": "a", "for": "2h", "by": "a\x00b", "reason": "x"}, "control characters"),
        ({}, "give your name"),
    ],
)
async def test_a_form_that_is_wrong_changes_nothing_and_says_what_would_be_right(
    form: dict[str, str], said: str
) -> None:
    async with browsing() as browser:
        status, text, _ = await browser.post("/commands", **form)
        assert (status, browser.sent.commands) == (422, [])
        assert said in text
        assert 'data-refresh="no"' in text, "it is not to be taken away from under who reads it"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("fault", "status"), [(Retry("Kafka is away"), 503), (Misconfigured("too long"), 422)])
async def test_what_cannot_be_sent_comes_back_as_it_was_typed(
    language: str, fault: Retry | Misconfigured, status: int
) -> None:
    async with browsing() as browser:
        browser.board.standing.take_event(event())
        [episode] = browser.board.standing.open()
        browser.sent.fault = fault
        await browser.post("/language", language=language)
        form = {"kind": "mute", "about": episode.last.episode_id, "what": "machine", "for": "7d", "command_id": ID}
        got, text, _ = await browser.post("/commands", **form, by="ann", reason="a long story <b>")
        assert got == status
        assert str(fault) in text
        assert text.count('value="a long story &lt;b&gt;"') == 1, "in the form that it was typed into, and no other"
        assert '<option value="machine" selected>' in text
        assert text.count(f'value="{ID}"') == 1, "sent again it is the same command"
        assert '<option value="7d" selected>' in text
        assert f'<html lang="{language}">' in text


async def test_only_a_page_of_its_own_may_act_and_only_under_its_own_name() -> None:
    async with browsing() as browser:
        form = {"kind": "rebaseline", "asset": "a/b", "by": "ann", "reason": "x"}
        port = browser.origin.rpartition(":")[2]
        for origin in (None, "null", "https://elsewhere.example", "http://127.0.0.1:1", f"http://evil.example:{port}"):
            status, text, _ = await browser.post("/commands", origin=origin, **form)
            assert status == 403, origin
            assert "expected a form of this page" in text
        for path in ("/login", "/logout", "/language"):
            assert (await browser.post(path, origin="https://elsewhere.example"))[0] == 403
        # a name of somebody else's that was made to point here
        assert (await browser.get("/", Host=f"evil.example:{port}"))[0] == 403
        assert (await browser.get("/", Host=f"localhost:{port}"))[0] == 200
        assert browser.sent.commands == []
        assert (await browser.post("/commands", **form))[0] == 303


async def test_a_language_is_kept_and_leads_back_and_nowhere_else() -> None:
    async with browsing() as browser:
        assert (await browser.post("/language", language="zh-TW", to="/mutes?q=1"))[2] == "/mutes?q=1"
        assert '<html lang="zh-TW">' in (await browser.get("/", **{"Accept-Language": "ms"}))[1]
        for elsewhere in ("//evil.example/", "https://evil.example/", "/\\evil.example", "/a\r\nSet-Cookie: b=c"):
            assert (await browser.post("/language", language="ms", to=elsewhere))[2] == "/"
        assert '<html lang="ms">' in (await browser.get("/"))[1]
        assert (await browser.post("/language", language="../xx", to="/"))[0] == 303
        assert '<html lang="ms">' in (await browser.get("/"))[1]


async def test_names_of_a_plant_are_never_taken_for_globs() -> None:
    name, series = "penang/smt/line[1]/oven*", "zone[1].temp?"
    async with browsing() as browser:
        browser.board.standing.take_event(event(asset=name, series=series))
        [episode] = browser.board.standing.open()
        about = {"about": episode.last.episode_id, "by": "ann", "reason": "x", "for": "2h"}
        for what in ("series", "machine", "line"):
            assert (await browser.post("/commands", kind="mute", what=what, **about))[0] == 303
        assert (await browser.post("/commands", kind="rebaseline", asset="elsewhere", **about))[0] == 303
        of = [(command.target.asset or "", command.target.series) for command in browser.sent.commands]
        for asset, taken in of:
            assert fnmatchcase(name, asset)
            assert fnmatchcase(series, taken)
            assert not fnmatchcase("penang/smt/line1/oven1", asset)
        assert not fnmatchcase("zone1.temp1", of[0][1])
        assert fnmatchcase("penang/smt/line[1]/press", of[2][0]), "the line is all of it"


async def test_the_line_is_offered_only_where_there_is_one_and_names_what_it_takes() -> None:
    async with browsing() as browser:
        for asset, offered in ((OVEN, "penang/smt/line1/*"), ("penang/oven3", None), ("a/b/c/d/e", "a/b/c/*")):
            browser.board.standing.take_event(event(asset=asset))
            episode = next(e for e in browser.board.standing.open() if e.last.asset == asset)
            _, text = await browser.get(f"/episodes/{episode.last.episode_id}")
            assert ("the whole line" in text) is (offered is not None)
            assert offered is None or f"({offered})" in text


async def test_only_ids_of_ours_become_part_of_an_address() -> None:
    async with browsing() as browser:
        form = {"kind": "rebaseline", "asset": "a/b", "by": "ann", "reason": "x"}
        for wrong in ("a?b#c", "../mutes", "x\r\ny", "1"):
            _, _, leads = await browser.post("/commands", **form, command_id=wrong)
            assert re.fullmatch(r"/commands/[0-9a-f-]{36}", leads)
        browser.board.standing.take_audit(audit(command_id="a/b?c#d", target=Target(asset="a"), detail={"until": 0}))
        _, text = await browser.get("/decisions")
        (link,) = re.findall(r'href="(/commands/[^"]+)"', text)
        assert (await browser.get(link))[0] == 200


@pytest.mark.parametrize("password", [None, SecretStr("correct horse battery")])
async def test_garbage_is_turned_away_and_breaks_nothing(password: SecretStr | None) -> None:
    async with browsing(board_password=password) as browser:
        host, _, port = browser.origin.removeprefix("http://").rpartition(":")
        for headers, body in (
            (b"Cookie: millstream_name=a|\xff\r\n", b""),
            (b"Cookie: millstream_name=YQ==|1|\xff\xfe; millstream_language=\xff\r\n", b""),
            (b"Origin: http://[\r\n", b"by=a"),
            (b"Origin: \xff\xff\r\n", b"by=a"),
            (b"Referer: http://[\r\nOrigin: " + browser.origin.encode() + b"\r\n", b"by=\xff&kind=%ff%ed%a0%80"),
            (b"Accept-Language: zh;q=x,;q=,\xff\r\n", b""),
        ):
            reader, writer = await asyncio.open_connection(host, int(port))
            method = b"POST /commands" if body else b"GET /"
            writer.write(
                method + b" HTTP/1.1\r\nHost: " + f"{host}:{port}".encode() + b"\r\nConnection: close\r\n" + headers
            )
            writer.write(b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body))
            writer.write(body)
            answer = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            status = int(answer.split()[1])
            assert status < 500, (headers, body, answer[:200])
            assert b"Content-Security-Policy" in answer or status == 400
        assert browser.sent.commands == []
