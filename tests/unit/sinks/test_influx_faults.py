"""InfluxSink against answers that a real server will not give on request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from schemas.errors import Misconfigured, Retry
from streams.sinks import pieces
from streams.sinks.influx import InfluxSink
from tests.unit.sinks import make

TOKEN = "tok-that-nobody-may-see"
Answer = Callable[[web.Request, list[bytes]], Awaitable[web.StreamResponse] | web.StreamResponse]


class Stub:
    """Answers each write by `answer`; notes the lines of those answered 204."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[web.Request] = []
        self.stored: list[bytes] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        body = await request.read()  # aiohttp unpacks gzip
        lines = body.split(b"\n") if body else []
        answer = self.answer(request, lines)
        response = answer if isinstance(answer, web.StreamResponse) else await answer
        if response.status == 204:
            self.stored += lines
        return response


@asynccontextmanager
async def serving(answer: Answer, **options: Any) -> AsyncIterator[tuple[Stub, InfluxSink]]:
    stub = Stub(answer)
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", stub.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    sink = InfluxSink(f"http://127.0.0.1:{port}", SecretStr(TOKEN), "mill", **options)
    try:
        yield stub, sink
    finally:
        await sink.close()
        await runner.cleanup()


def refused(status: int, message: str = "no", **headers: str) -> web.Response:
    return web.json_response({"code": "x", "message": message}, status=status, headers=headers)


def one(count: int = 1) -> Any:
    return [make.results(make.points(range(1, count + 1), [0.5] * count))]


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_is_asked_again_after_the_time_it_names(status: int) -> None:
    async with serving(lambda request, lines: refused(status, "busy", **{"Retry-After": "17"})) as (_, sink):
        with pytest.raises(Retry, match=f"answered {status}: busy") as caught:
            await sink.write(one())
        assert caught.value.after == 17.0
        assert sink.retries == 1
        assert sink.points_written == 0


async def test_a_time_named_as_a_date_is_understood() -> None:
    date = "Fri, 01 Jan 2100 00:00:00 GMT"
    async with serving(lambda request, lines: refused(503, **{"Retry-After": date})) as (_, sink):
        with pytest.raises(Retry) as caught:
            await sink.write(one())
        assert caught.value.after is not None
        assert caught.value.after > 1e6


async def test_a_server_that_hangs_is_given_up_after_the_timeout() -> None:
    async def hang(request: web.Request, lines: list[bytes]) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(hang, timeout_s=0.2) as (_, sink):
        with pytest.raises(Retry, match=r"no answer within 0\.2 s"):
            await sink.write(one())


async def test_a_connection_cut_before_the_answer_is_retried() -> None:
    def cut(request: web.Request, lines: list[bytes]) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response(status=204)

    async with serving(cut) as (_, sink):
        with pytest.raises(Retry, match=r"InfluxDB at http://127\.0\.0\.1"):
            await sink.write(one())


async def test_a_gzip_body_answered_500_is_sent_once_more_plain() -> None:
    def no_gzip(request: web.Request, lines: list[bytes]) -> web.Response:
        return refused(500) if "Content-Encoding" in request.headers else web.Response(status=204)

    async with serving(no_gzip) as (stub, sink):
        await sink.write(one(1_000))
        assert len(stub.requests) == 2
        assert sink.points_written == len(stub.stored) == 1_000


async def test_a_server_that_answers_500_to_everything_is_retried_and_not_asked_for_ever() -> None:
    async with serving(lambda request, lines: refused(500, "boom")) as (stub, sink):
        with pytest.raises(Retry, match="answered 500: boom"):
            await sink.write(one(1_000))
        assert len(stub.requests) == 2


async def test_large_bodies_are_packed_and_small_ones_not() -> None:
    async with serving(lambda request, lines: web.Response(status=204)) as (stub, sink):
        await sink.write(one(1))
        await sink.write(one(1_000))
        assert [request.headers.get("Content-Encoding") for request in stub.requests] == [None, "gzip"]
        assert len(stub.stored) == 1_001
        length = stub.requests[1].content_length
        assert length is not None
        assert length < len(b"\n".join(stub.stored[1:])) / 5


@pytest.mark.parametrize("status", [200, 302, 405, 502])
async def test_garbage_is_never_taken_for_success(status: int) -> None:
    def garbage(request: web.Request, lines: list[bytes]) -> web.Response:
        return web.Response(status=status, body=b"\xff<html>login</html>", headers={"Location": "http://127.0.0.1:1/"})

    async with serving(garbage) as (stub, sink):
        with pytest.raises(Retry, match=f"answered {status}: .*login"):
            await sink.write(one())
        with pytest.raises(Retry):
            await sink.count("reading")
        assert len(stub.requests) == 2


async def test_a_repeat_of_the_same_results_sends_only_what_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "BATCH", 10)
    down = [False, False, True, False, True, False, False]  # by request
    answers = iter(down)

    def answer(request: web.Request, lines: list[bytes]) -> web.Response:
        return refused(503) if next(answers) else web.Response(status=204)

    async with serving(answer) as (stub, sink):
        given = one(45)
        for _ in range(2):
            with pytest.raises(Retry):
                await sink.write(given)
        await sink.write(given)
        assert len(stub.stored) == len(set(stub.stored)) == 45
        assert (sink.points_written, sink.retries) == (45, 2)


async def test_other_results_are_sent_whole_after_a_failure() -> None:
    answers = iter([503, 204, 204])
    async with serving(lambda request, lines: web.Response(status=next(answers))) as (stub, sink):
        with pytest.raises(Retry):
            await sink.write(one(3))
        await sink.write(one(3))  # equal, but another object: nothing is known of it
        await sink.write(one(3))
        assert len(stub.stored) == 6


async def test_a_malformed_line_that_the_answer_does_not_name_is_found_by_halving(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def picky(request: web.Request, lines: list[bytes]) -> web.Response:
        return refused(400, "something is wrong") if b"bad" in lines else web.Response(status=204)

    good = [b"m v=%di %d" % (i, i) for i in range(100)]
    async with serving(picky) as (stub, sink):
        with caplog.at_level(logging.WARNING):
            await sink.write_lines("raw", [*good[:37], b"bad", *good[37:]])
            await sink.write_lines("raw", [b"bad"])
        assert stub.stored == good
        assert (sink.points_written, sink.points_dropped) == (100, 2)
        assert len(stub.requests) < 20
    assert caplog.text.count("set aside") == 1  # at most one line a minute


async def test_lines_that_the_answer_names_are_set_aside_at_once() -> None:
    def naming(request: web.Request, lines: list[bytes]) -> web.Response:
        bad = [line.decode() for line in lines if b"bad" in line]
        text = "\n".join(f"unable to parse '{line}': invalid field format" for line in bad)
        return refused(400, text) if bad else web.Response(status=204)

    async with serving(naming) as (stub, sink):
        await sink.write_lines("raw", [b"m v=1 1", b"bad 'it': x", b"m v=2 2", b"bad"])
        assert stub.stored == [b"m v=1 1", b"m v=2 2"]
        assert (len(stub.requests), sink.points_dropped) == (2, 2)


async def test_a_body_too_large_for_a_proxy_is_sent_in_halves() -> None:
    def small(request: web.Request, lines: list[bytes]) -> web.Response:
        return refused(413) if len(lines) > 30 else web.Response(status=204)

    async with serving(small) as (stub, sink):
        await sink.write_lines("raw", [b"m v=1 %d" % i for i in range(100)])
        assert stub.stored == [b"m v=1 %d" % i for i in range(100)]
        assert sink.points_dropped == 0


async def test_points_dropped_by_the_server_are_counted_and_not_sent_again() -> None:
    async with serving(lambda request, lines: refused(422, "partial write: x dropped=2")) as (stub, sink):
        await sink.write(one(5))
        assert (sink.points_written, sink.points_dropped, len(stub.requests)) == (3, 2, 1)


async def test_the_token_is_in_no_text_even_where_the_server_repeats_it(caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([400, 503, 401])

    async with serving(lambda request, lines: refused(next(answers), f"you sent {TOKEN}")) as (stub, sink):
        with caplog.at_level(logging.DEBUG):
            await sink.write_lines("raw", [b"bad"])
            with pytest.raises(Retry) as caught:
                await sink.write(one())
            told = await sink.ready()
        assert stub.requests[0].headers["Authorization"] == f"Token {TOKEN}"
    shown = [repr(sink), str(vars(sink)), str(vars(sink._http)), repr(caught.value), str(told), caplog.text]
    assert "you sent ***" in caplog.text
    assert not [text for text in shown if TOKEN in text]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("token", ["", " \n", "two\nlines", "tök"])
def test_a_token_that_cannot_be_one_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(Misconfigured, match="InfluxDB token: expected one line") as caught:
        InfluxSink("http://127.0.0.1:1", token, "mill")
    assert not token.strip() or token not in str(caught.value)


@pytest.mark.parametrize("url", ["", "localhost:8086", "ftp://host", "http://me:secret@host", "http://[::1"])
def test_an_address_that_cannot_be_used_is_refused_without_a_password(url: str) -> None:
    with pytest.raises(Misconfigured, match="InfluxDB URL") as caught:
        InfluxSink(url, TOKEN, "mill")
    assert "secret" not in str(caught.value)


def test_a_certificate_file_that_is_not_there_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"nowhere\.pem.*expected a PEM file"):
        InfluxSink("https://127.0.0.1:1", TOKEN, "mill", ca_file="nowhere.pem")


async def test_no_server_at_all_is_retried() -> None:
    async with serving(lambda request, lines: web.Response(status=204)) as (_, sink):
        pass  # the server is gone now, its port closed
    with pytest.raises(Retry, match=r"InfluxDB at http://127\.0\.0\.1"):
        await sink.write(one())
    with pytest.raises(Retry):
        await sink.open()
    assert "InfluxDB at" in str(await sink.ready())
    await sink.close()
