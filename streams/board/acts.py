"""What can be done: forms become commands, and nothing is changed by anything else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from detectors.durations import duration_ns
from schemas.command import Command
from schemas.errors import Misconfigured, Retry
from streams.board.asking import Asking
from streams.board.guard import COOKIE, name_in
from streams.board.page import LANGUAGE, Given, Pages, language_of
from streams.board.people import LASTS_S, People
from streams.board.standing import Standing
from streams.board.views import Views, line_of
from streams.board.words import LANGUAGES, say
from streams.command_client import new_command

Form = dict[str, str]
NEEDS_REASON = ("approve", "mute", "rebaseline")
"""Kinds that change what is learned or judged: who finds that later must learn why."""


class Acts:
    """The forms."""

    def __init__(
        self, pages: Pages, views: Views, standing: Standing, asking: Asking, people: People, secure: bool
    ) -> None:
        self._pages, self._views, self._standing = pages, views, standing
        self._asking, self._people, self._secure = asking, people, secure

    def routes(self) -> list[web.RouteDef]:
        """Where each goes to."""
        return [
            web.post("/commands", self.command),
            web.get("/login", self.login),
            web.post("/login", self.log_in),
            web.post("/logout", self.log_out),
            web.post("/language", self.language),
        ]

    async def command(self, request: web.Request) -> web.Response:
        """Send what a form asks for, and show what becomes of it; a form that is wrong comes back as it was filled."""
        form = await _form(request)
        language = language_of(request)
        name = name_in(self._people, request) if self._people.closed else form.get("by", "").strip()
        try:
            if not name:
                raise Misconfigured(say(language, "name_missing"))
            if form.get("kind") in NEEDS_REASON and form.get("unmute") is None and not form.get("reason", "").strip():
                raise Misconfigured(say(language, "reason_missing"))
            command = command_of(form | self._meant(form), name, time.time_ns())
            cookie = self._people.cookie_for(name)
        except (Misconfigured, ValueError) as error:
            return self._again(request, form, 422, say(language, "not_right", why=error))
        try:
            await self._asking.send(command)
        except Misconfigured as error:
            return self._again(request, form, 422, say(language, "not_right", why=error))
        except Retry as error:
            return self._again(request, form, 503, say(language, "not_sent", why=error))
        answer = web.Response(status=303, headers={"Location": f"/commands/{command.command_id}"})
        self._keep(answer, COOKIE, cookie)
        return answer

    def _meant(self, form: Form) -> Form:
        """The target of a mute that was chosen in words on the page of an episode."""
        episode = self._standing.episode(form.get("about", ""))
        if episode is None:
            return {}
        event = episode.last
        line = line_of(event.asset)
        return {
            "series": {"asset": event.asset, "series": event.series},
            "machine": {"asset": event.asset},
            "line": {"asset": f"{line}/*" if line else event.asset},
        }.get(form.get("what", ""), {})

    def _again(self, request: web.Request, form: Form, status: int, fault: str) -> web.Response:
        """The page that a form came from, with what is wrong."""
        refused: dict[str, Any] = {"fault": fault, "given": Given(form)}
        episode = self._standing.episode(form.get("episode") or form.get("about", ""))
        if episode is not None:
            return self._pages.answer(request, "episode", status, **self._views.about(episode, **refused))
        if form.get("proposal"):
            return self._pages.answer(request, "proposals", status, **self._views.about_proposals(**refused))
        return self._pages.answer(request, "mutes", status, **self._views.about_mutes(**refused))

    async def login(self, request: web.Request) -> web.Response:
        """Ask who sits there."""
        return self._pages.answer(request, "login", to=_inside(request.query.get("to", "/")), fault=None, given=Given())

    async def log_in(self, request: web.Request) -> web.Response:
        """Let somebody in who knows the password and gives a name."""
        form = await _form(request)
        to, language = _inside(form.get("to", "/")), language_of(request)
        name = form.get("by", "").strip()
        right = await self._people.lets_in(form.get("password", ""))
        try:
            fault = None if right and name else say(language, "wrong_password" if name else "name_missing")
            cookie = self._people.cookie_for(name) if fault is None else ""
        except ValueError as error:
            fault = say(language, "not_right", why=error)
        if fault is not None:
            return self._pages.answer(request, "login", 401, to=to, fault=fault, given=Given(by=name))
        answer = web.Response(status=303, headers={"Location": to})
        self._keep(answer, COOKIE, cookie)
        return answer

    async def log_out(self, request: web.Request) -> web.Response:
        """Forget who sits there."""
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.del_cookie(COOKIE)
        return answer

    async def language(self, request: web.Request) -> web.Response:
        """Go on in another language."""
        form = await _form(request)
        answer = web.Response(status=303, headers={"Location": _inside(form.get("to", "/"))})
        if form.get("language") in LANGUAGES:
            self._keep(answer, LANGUAGE, form["language"])
        return answer

    def _keep(self, answer: web.Response, name: str, value: str) -> None:
        answer.set_cookie(name, value, max_age=LASTS_S, httponly=True, samesite="Lax", secure=self._secure)


async def _form(request: web.Request) -> Form:
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _inside(path: str) -> str:
    """A path of this board; the front page for anything else.

    >>> _inside("/mutes?q=a"), _inside("//elsewhere/"), _inside("https://elsewhere/")
    ('/mutes?q=a', '/', '/')
    """
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


def command_of(form: Form, by: str, now: int) -> Command:
    """The command that a form asks for. Raises Misconfigured, with what would be right.

    >>> form = {"kind": "mute", "asset": "penang/smt/line1/*", "for": "2h", "reason": "cleaning"}
    >>> command_of(form, "ann", 1_767_600_000_000_000_000).payload.until
    1767607200000000000
    """
    kind = form.get("kind", "")
    target, payload = _PARTS.get(kind, _nothing)(form, now)
    given = form.get("reason", "").strip() or None
    return new_command(kind, by, given, target, payload, form.get("command_id") or None)


def _nothing(form: Form, now: int) -> tuple[dict[str, Any], dict[str, Any]]:
    raise Misconfigured(f"kind: expected one of {', '.join(_PARTS)}, got {form.get('kind', '')!r}")


def _patterns(form: Form) -> dict[str, Any]:
    return {"asset": form.get("asset", "").strip(), **{n: form.get(n, "").strip() or "*" for n in ("series", "watch")}}


def _mute(form: Form, now: int) -> tuple[dict[str, Any], dict[str, Any]]:
    if form.get("unmute") is not None:
        return _patterns(form), {"until": 0}
    try:
        return _patterns(form), {"until": now + duration_ns(form.get("for", ""))}
    except ValueError as error:
        raise Misconfigured(str(error)) from error


def _word(form: Form, now: int) -> tuple[dict[str, Any], dict[str, Any]]:
    asset = form.get("asset") or None
    return {"episode": form.get("episode") or None, "asset": asset}, {"proposal": form.get("proposal") or None}


_PARTS: dict[str, Callable[[Form, int], tuple[dict[str, Any], dict[str, Any]]]] = {
    "mute": _mute,
    "rebaseline": lambda form, now: (_patterns(form), {}),
    "approve": _word,
    "reject": _word,
}
"""Target and payload of each kind that a form may ask for; a configuration is none of them."""
