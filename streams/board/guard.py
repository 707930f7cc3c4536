"""What every answer carries, and which questions get none: pages of other sites may not act in a person's name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from streams.board.people import LASTS_S, People
from streams.security_check import is_loopback

COOKIE = "millstream_name"
OPEN = ("/healthz", "/readyz", "/login", "/static/")
"""Paths that need no password."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


def guard(people: People, logged_out: Handler) -> Any:
    """The middleware that turns away what must not come in; `logged_out` answers a form of somebody not known."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = refusal(people, request.host, request.method, request.headers.get("Origin"))
        if fault is not None:
            answer: web.StreamResponse = web.Response(status=403, text=fault + "\n")
        elif people.closed and not request.path.startswith(OPEN) and name_in(people, request) is None:
            if request.method == "GET":
                answer = web.Response(status=303, headers={"Location": f"/login?to={quote(request.path_qs, safe='')}"})
            else:
                answer = await logged_out(request)
        else:
            try:
                answer = await handler(request)
            except web.HTTPException as error:
                error.headers.update(HEADERS)
                raise
        renewed = people.renewed(request.cookies.get(COOKIE)) if request.method == "GET" else None
        if renewed is not None:
            keep(answer, request, COOKIE, renewed)
        answer.headers.update(HEADERS)
        return answer

    return check


def keep(answer: web.StreamResponse, request: web.Request, name: str, value: str) -> None:
    """Give a browser a cookie; where the page was called over TLS, if only as far as a proxy, for TLS alone."""
    secure = request.secure or request.headers.get("Origin", request.headers.get("Referer", "")).startswith("https://")
    answer.set_cookie(name, value, max_age=LASTS_S, httponly=True, samesite="Lax", secure=secure)


def name_in(people: People, request: web.Request) -> str | None:
    """The name that a request shows."""
    return people.name_of(request.cookies.get(COOKIE))


def refusal(people: People, host: str, method: str, origin: str | None) -> str | None:
    """Why a request is turned away, None where it is not.

    Without a password the page is for this machine alone, under its own names: a name that another site has made to
    point here (DNS rebinding) is refused. What changes something must come from a page of ours.

    >>> everyone = People(None)
    >>> refusal(everyone, "127.0.0.1:8091", "GET", None), refusal(everyone, "127.0.0.1:8091", "POST", None)
    (None, 'expected a form of this page: its browser says where it comes from (Origin)')
    """
    if not people.closed and not is_loopback(_name(host)):
        return f"expected http://127.0.0.1, got {host!r}; for other names set MILLSTREAM_BOARD_PASSWORD"
    if method in ("GET", "HEAD"):
        return None
    if origin is None:
        return "expected a form of this page: its browser says where it comes from (Origin)"
    try:
        theirs = urlsplit(origin).netloc
    except ValueError:
        theirs = ""
    if theirs != host:
        origin = ascii(origin)
        return (
            f"expected a form of this page, {host}, got one of {origin}; a proxy in between must keep the Host header"
        )
    return None


def _name(host: str) -> str:
    """A host without its port.

    >>> _name("127.0.0.1:8091"), _name("[::1]:8091"), _name("localhost")
    ('127.0.0.1', '[::1]', 'localhost')
    """
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
