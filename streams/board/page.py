"""Pages out of templates: the language, what stands above every page, and the way values are written."""

from __future__ import annotations

import time
import uuid
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from schemas.anomaly import band_of
from streams.board import show
from streams.board.crew import Seen
from streams.board.guard import name_in
from streams.board.people import People
from streams.board.standing import Standing
from streams.board.words import LANGUAGES, NAMES, WORDS, Language, choose, say

HERE = Path(__file__).resolve().parent
LANGUAGE = "millstream_language"
"""The cookie that keeps the language."""


SILENT_NS = 15_000_000_000
"""A reader that has heard nothing of Kafka for so long shows what was, and says so."""
BEHIND = 5_000
"""Records; fewer are read within a blink."""


class Given(dict[str, str]):
    """What somebody has filled in; fields that they left out are empty.

    >>> Given(asset="oven3")["reason"]
    ''
    """

    def __missing__(self, name: str) -> str:
        return ""


class Condition(NamedTuple):
    """How far what the board shows can be trusted at the moment."""

    share: float
    """Of what had happened when the board was started, how much has been read."""
    behind: int
    """Records that are there and not read yet."""
    heard: int
    """Wall clock (ns) up to which nothing is missing."""
    unreadable: int
    seen: Seen

    def banners(self, now: int) -> list[tuple[str, dict[str, object]]]:
        """What must be said above every page, the worst first."""
        found: list[tuple[str, dict[str, object]]] = []
        silent = now - self.heard > SILENT_NS
        if not self.seen.kafka or silent:
            found.append(("kafka_away", {}))
        elif self.seen.workers == 0:
            found.append(("nobody_works", {}))
        elif self.seen.workers is not None and not self.seen.settled:
            found.append(("handing_over", {}))
        if self.share < 1:
            found.append(("reading", {"share": int(100 * self.share)}))
        elif self.behind > BEHIND and not silent:
            found.append(("behind", {"n": self.behind}))
        if self.unreadable:
            found.append(("unreadable", {"n": self.unreadable}))
        return found


class Pages:
    """Fills in templates."""

    def __init__(self, people: People, standing: Standing, condition: Any) -> None:
        self._people, self._standing, self._condition = people, standing, condition
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._templates.globals |= {
            "number": show.number, "with_unit": show.with_unit, "moment": show.moment, "band_of": band_of,
            "new": lambda: str(uuid.uuid4()), "known": WORDS.__contains__, "day": show.day, "nothing": Given(),
            "part": lambda text: quote(str(text), safe=""),
            "languages": [(language, NAMES[language]) for language in LANGUAGES],
        }  # fmt: skip

    def answer(self, request: web.Request, name: str, status: int = 200, **facts: Any) -> web.Response:
        """A page, in the language of whoever asks."""
        language = language_of(request)
        now = time.time_ns()
        condition: Condition = self._condition()
        standing = {
            "open": len(self._standing.open()),
            "mutes": len(self._standing.mutes(now)),
            "proposals": len(self._standing.proposals()),
        }
        text = self._templates.get_template(f"{name}.html").render(
            lang=language,
            t=partial(say, language),
            duration=partial(show.duration, language),
            band=partial(show.band, language),
            message=partial(show.message, language),
            now=now,
            page=name,
            here=_here(request),
            refreshes=request.method == "GET",
            person=name_in(self._people, request),
            closed=self._people.closed,
            banners=condition.banners(now),
            heard=min(condition.heard, now),
            workers=condition.seen.workers,
            counts=standing,
            **facts,
        )
        return web.Response(
            text=text, content_type="text/html", status=status, headers={"Cache-Control": "no-store", "Vary": "Cookie"}
        )


def _here(request: web.Request) -> str:
    """Where to come back to: of a form that was refused, the page that it stood on."""
    return request.path_qs if request.method == "GET" else page_before(request)


def page_before(request: web.Request) -> str:
    """The path of the page that a form stood on."""
    try:
        return urlsplit(request.headers.get("Referer", "")).path or "/"
    except ValueError:
        return "/"


def language_of(request: web.Request) -> Language:
    """The language of whoever asks: chosen before, or their browser's."""
    return choose(request.cookies.get(LANGUAGE), request.headers.get("Accept-Language", ""))
