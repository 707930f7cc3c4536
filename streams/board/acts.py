"""What can be done: forms become commands, and nothing is changed by anything else."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from glob import escape
from typing import Any

from aiohttp import web

from detectors.durations import duration_ns
from schemas.command import Command
from schemas.errors import Misconfigured, Retry
from streams.board.asking import Asking
from streams.board.guard import COOKIE, keep, name_in
from streams.board.page import LANGUAGE, Given, Pages, language_of, page_before
from streams.board.people import People
from streams.board.standing import Standing
from streams.board.views import Views, line_of
from streams.board.words import LANGUAGES, say
from streams.command_client import new_command

Form = dict[str, str]
NEEDS_REASON = ("approve", "mute", "rebaseline")
"""Kinds that change what is learned or judged: who finds that later must learn why."""


class Acts:
    """The forms."""

    def __init__(self, pages: Pages, views: Views, standing: Standing, asking: Asking, people: People) -> None:
        self._pages, self._views, self._standing = pages, views, standing
        self._asking, self._people = asking, people

    def routes(self) -> list[web.RouteDef]:
        """Where each goes to."""
        return [
            web.post("/commands", self.command),
            web.get("/login", self.login),
            web.post("/login", self.log_in),
            web.post("/logout", self.log_out),
            web.post("/language", self.language),
        ]

    async def command(self, request: web.Request) -> web.StreamResponse:
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
            await self._asking.send(command)
        except (Misconfigured, ValueError) as error:
            return self._again(request, form, 422, say(language, "not_right", why=error))
        except Retry as error:
            # it may be on its way all the same: sent again with the same id, it is carried out once
            form["command_id"] = command.command_id
            return self._again(request, form, 503, say(language, "not_sent", why=error))
        answer = web.Response(status=303, headers={"Location": f"/commands/{command.command_id}"})
        keep(answer, request, COOKIE, cookie)
        return answer

    def _meant(self, form: Form) -> Form:
        """The target that was chosen in words on the page of an episode; its names are names, and no globs."""
        episode = self._standing.episode(form.get("about", ""))
        if episode is None:
            return {}
        asset, series, line = episode.last.asset, episode.last.series, line_of(episode.last.asset)
        return {
            "series": {"asset": escape(asset), "series": escape(series)},
            "line": {"asset": f"{escape(line)}/*" if line else escape(asset)},
        }.get(form.get("what", ""), {"asset": escape(asset)})

    def _again(self, request: web.Request, form: Form, status: int, fault: str) -> web.StreamResponse:
        """The page that a form came from, with what is wrong, and with what was typed."""
        refused: dict[str, Any] = {"fault": fault, "given": Given(form)}
        episode = self._standing.episode(form.get("episode") or form.get("about", ""))
        if episode is not None:
            return self._pages.answer(request, "episode", status, **self._views.about(episode, **refused))
        if form.get("proposal"):
            return self._pages.answer(request, "proposals", status, **self._views.about_proposals(**refused))
        return self._pages.answer(request, "mutes", status, **self._views.about_mutes(**refused))

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Ask who sits there."""
        return self._door(request, _inside(request.query.get("to", "/")))

    async def logged_out(self, request: web.Request) -> web.StreamResponse:
        """Ask again who sits there: what they sent came too late, and is shown so that it can be typed again."""
        form = await _form(request)
        before = _inside(page_before(request))
        return self._door(request, before, 401, say(language_of(request), "logged_out"), typed=form.get("reason", ""))

    async def log_in(self, request: web.Request) -> web.StreamResponse:
        """Let somebody in who knows the password and gives a name."""
        form = await _form(request)
        to, language = _inside(form.get("to", "/")), language_of(request)
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
        form = await _form(request)
        answer = web.Response(status=303, headers={"Location": _inside(form.get("to", "/"))})
        if form.get("language") in LANGUAGES:
            keep(answer, request, LANGUAGE, form["language"])
        return answer


async def _form(request: web.Request) -> Form:
    """What was filled in. Raises 400 for what no browser sends."""
    try:
        fields = await request.post()
    except ValueError as error:
        raise web.HTTPBadRequest(text="expected a form in UTF-8\n") from error
    return {name: value for name, value in fields.items() if isinstance(value, str)}


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
    return new_command(kind, by, given, target, payload, _id_in(form))


def _id_in(form: Form) -> str | None:
    """The id that a form brought, where it is one of ours: it becomes part of an address."""
    try:
        return str(uuid.UUID(form.get("command_id", "")))
    except ValueError:
        return None


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
