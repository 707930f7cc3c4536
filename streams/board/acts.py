"""What can be done: forms become commands, and nothing is changed by anything else."""

from __future__ import annotations

import time
from glob import escape
from typing import Any

from aiohttp import web

from schemas.errors import Misconfigured, Retry
from streams.board.asking import Asking
from streams.board.forms import Form, command_of, read_form
from streams.board.guard import COOKIE, keep, name_in
from streams.board.page import Given, Pages, language_of
from streams.board.people import People
from streams.board.standing import Standing
from streams.board.views import Views, line_of
from streams.board.words import say

NEEDS_REASON = ("approve", "mute", "rebaseline")
"""Kinds that change what is learned or judged: who finds that later must learn why."""


class Acts:
    """The forms."""

    def __init__(self, pages: Pages, views: Views, standing: Standing, asking: Asking, people: People) -> None:
        self._pages, self._views, self._standing = pages, views, standing
        self._asking, self._people = asking, people

    def routes(self) -> list[web.RouteDef]:
        """Where each goes to."""
        return [web.post("/commands", self.command)]

    async def command(self, request: web.Request) -> web.StreamResponse:
        """Send what a form asks for, and show what becomes of it; a form that is wrong comes back as it was filled."""
        form = await read_form(request)
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
