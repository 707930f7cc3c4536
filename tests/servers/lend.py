"""Hands a server to tests, or says why not: a skip on a laptop, a failure under CI."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from schemas.errors import Misconfigured
from tests.servers.base import StartFailed, Unavailable
from tests.servers.choose import NoServer

S = TypeVar("S")


def lend(get: Callable[[], S], ci: bool) -> S:
    """What `get` returns. Fails the test if a server is broken or wrongly named, skips it if there is none.

    Under CI (`ci`) none is a failure too: a green run has to mean that the real servers were used.
    """
    why, fatal = "", True
    try:
        return get()
    except NoServer as error:
        why, fatal = (f"CI=true needs real servers: {error}", True) if ci else (str(error).split("\n", 1)[0], False)
    except (Misconfigured, StartFailed) as error:
        why = str(error)
    if fatal:
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


def lend_tools(get: Callable[[], S], ci: bool) -> S:
    """What `get` returns; where it raises Unavailable, a failure under CI and a skip elsewhere."""
    try:
        return get()
    except Unavailable as error:
        why = str(error).split("\n", 1)[0]
    if ci:
        pytest.fail(f"CI=true needs them: {why}", pytrace=False)
    pytest.skip(why)
