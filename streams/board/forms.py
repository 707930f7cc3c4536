"""Forms as a browser sends them in, and the commands that they ask for."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from detectors.durations import duration_ns
from schemas.command import Command
from schemas.errors import Misconfigured
from streams.command_client import new_command

Form = dict[str, str]


async def read_form(request: web.Request) -> Form:
    """What was filled in. Raises 400 for what no browser sends."""
    try:
        fields = await request.post()
    except ValueError as error:
        raise web.HTTPBadRequest(text="expected a form in UTF-8\n") from error
    return {name: value for name, value in fields.items() if isinstance(value, str)}


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
