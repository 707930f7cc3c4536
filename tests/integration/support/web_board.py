"""A web board on real servers, and forms filled in as a browser fills them in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from typing import Any

import aiohttp

from streams.board.server import Board
from streams.settings import Settings


@asynccontextmanager
async def board_on(settings: Settings, **given: Any) -> AsyncIterator[Board]:
    """A board on a free port of loopback."""
    board = Board(settings.model_copy(update={"board_port": 0, **given}))
    try:
        await board.start()
        yield board
    finally:
        await board.stop()


class Person:
    """Somebody at a browser without scripts."""

    def __init__(self, board: Board, session: aiohttp.ClientSession) -> None:
        self.url, self._session = board.url, session

    async def sees(self, path: str = "/") -> str:
        """A page's text."""
        async with self._session.get(self.url + path) as answer:
            return await answer.text()

    async def posts(self, form: dict[str, str]) -> str:
        """Send a form in; the path that it leads to."""
        headers = {"Origin": self.url}
        async with self._session.post(
            self.url + "/commands", data=form, headers=headers, allow_redirects=False
        ) as answer:
            assert answer.status == 303, await answer.text()
            return answer.headers["Location"]

    async def fills_in(self, path: str, kind: str, **fields: str) -> str:
        """Fill in the first form of a kind that stands on a page; the path that it leads to."""
        page = await self.sees(path)
        form = next(f for f in re.findall(r"<form.*?</form>", page, re.S) if f'name="kind" value="{kind}"' in f)
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
        return await self.posts({name: unescape(value) for name, value in hidden} | fields)


@asynccontextmanager
async def at(board: Board) -> AsyncIterator[Person]:
    """Somebody who sits at it."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Person(board, session)


def outcome(page: str) -> str:
    """What the page of a command says of it."""
    found = re.search(r'class="outcome (\w+)"', page)
    return found[1] if found else page
