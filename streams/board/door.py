"""Who comes in, and in which language they go on."""

from __future__ import annotations

from aiohttp import web

from streams.board.forms import read_form
from streams.board.guard import COOKIE, keep
from streams.board.page import LANGUAGE, Given, Pages, language_of, page_before
from streams.board.people import People
from streams.board.words import LANGUAGES, say


class Door:
    """Logging in and out, and the choice of a language."""

    def __init__(self, pages: Pages, people: People) -> None:
        self._pages, self._people = pages, people

    def routes(self) -> list[web.RouteDef]:
        """Where each goes to."""
        return [
            web.get("/login", self.login),
            web.post("/login", self.log_in),
            web.post("/logout", self.log_out),
            web.post("/language", self.language),
        ]

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Ask who sits there."""
        return self._door(request, inside(request.query.get("to", "/")))

    async def logged_out(self, request: web.Request) -> web.StreamResponse:
        """Ask again who sits there: what they sent came too late, and is shown so that it can be typed again."""
        form = await read_form(request)
        before = inside(page_before(request))
        return self._door(request, before, 401, say(language_of(request), "logged_out"), typed=form.get("reason", ""))

    async def log_in(self, request: web.Request) -> web.StreamResponse:
        """Let somebody in who knows the password and gives a name."""
        form = await read_form(request)
        to, language = inside(form.get("to", "/")), language_of(request)
        name = form.get("by", "").strip()
        right = self._people.lets_in(form.get("password", ""), request.remote or "")
        if right is None:
            return self._door(request, to, 429, say(language, "too_many"), name)
        if not right or not name:
            return self._door(request, to, 401, say(language, "wrong_password" if name else "name_missing"), name)
        try:
            cookie = self._people.cookie_for(name)
        except ValueError as error:
            return self._door(request, to, 422, say(language, "not_right", why=error), name)
        answer = web.Response(status=303, headers={"Location": to})
        keep(answer, request, COOKIE, cookie)
        return answer

    def _door(
        self, request: web.Request, to: str, status: int = 200, fault: str | None = None, name: str = "",
        typed: str = "",
    ) -> web.StreamResponse:  # fmt: skip
        return self._pages.answer(request, "login", status, to=to, fault=fault, given=Given(by=name), typed=typed)

    async def log_out(self, request: web.Request) -> web.StreamResponse:
        """Forget who sits there."""
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.del_cookie(COOKIE)
        return answer

    async def language(self, request: web.Request) -> web.StreamResponse:
        """Go on in another language."""
        form = await read_form(request)
        answer = web.Response(status=303, headers={"Location": inside(form.get("to", "/"))})
        if form.get("language") in LANGUAGES:
            keep(answer, request, LANGUAGE, form["language"])
        return answer


def inside(path: str) -> str:
    """A path of this board; the front page for anything else.

    >>> inside("/mutes?q=a"), inside("//elsewhere/"), inside("https://elsewhere/")
    ('/mutes?q=a', '/', '/')
    """
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
