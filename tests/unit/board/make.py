"""Events and audit rows as workers write them, and pages without Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from schemas.anomaly import AnomalyEvent, Detector, Phase, episode_id_of, event_id_of
from schemas.audit import Audit, audit_id_of
from schemas.command import Command, Target
from schemas.errors import Misconfigured, Retry
from streams.board.crew import Seen
from streams.board.server import Board
from streams.settings import load_settings

SECOND = 1_000_000_000
START = 1_767_600_000 * SECOND
OVEN = "penang/smt/line1/oven3"


def event(
    ordinal: int = 0, phase: Phase = "opened", asset: str = OVEN, series: str = "temp", watch: str = "level",
    started: int = START, severity: int = 450, **more: Any,
) -> AnomalyEvent:  # fmt: skip
    episode = episode_id_of(asset, series, watch, started, "limits")
    time = started + ordinal * 60 * SECOND
    given: dict[str, Any] = {
        "time": time, "received": time + SECOND, "event_id": event_id_of(episode, phase, ordinal),
        "episode_id": episode, "ordinal": ordinal, "phase": phase, "asset": asset, "series": series, "watch": watch,
        "detector": Detector(kind="limits", state_version=1), "config": "0123456789ab", "severity": severity,
        "score": 1.5, "peak": 2.0, "value": 241.7, "expected": 217.0, "low": 200.0, "high": 230.0, "unit": "Cel",
        "started": started, "backfill": False, "warm": 1.0, "learned_since": START - 3600 * SECOND,
        "message": {"en": "too hot", "ms": "terlalu panas", "zh-TW": "過熱"}, "runbook": "#limits",
        "decision": {"x": 241.7},
    }  # fmt: skip
    if phase == "closed":
        given |= {"ended": time, "reason": "recovered"}
    return AnomalyEvent(**given | more)


def audit(
    kind: str = "mute", outcome: str = "accepted", partition: int = 0, offset: int = 0, received: int = START,
    command_id: str | None = "c", **more: Any,
) -> Audit:  # fmt: skip
    given: dict[str, Any] = {
        "audit_id": audit_id_of(command_id, "reading.v1", partition, offset), "command_id": command_id, "kind": kind,
        "outcome": outcome, "log": "reading.v1", "partition": partition, "offset": offset, "received": received,
    }  # fmt: skip
    return Audit(**given | more)


def muted(asset: str, until: int, **more: Any) -> Audit:
    return audit("mute", target=Target(asset=asset), detail={"until": until}, **more)


def proposed(asset: str = "penang/utilities/air/compressor1", proposal: str = "p1", **more: Any) -> Audit:
    detail = {"asset": asset, "step": "day", "proposal": proposal, "began": START, "per_period": -12.5}
    return audit("baseline", "proposed", command_id=None, target=Target(asset=asset), detail=detail, why="less", **more)


class Sent:
    """Takes the place of Kafka where only what would be sent matters; `fault` is what it then says."""

    def __init__(self, board: Board) -> None:
        self.commands: list[Command] = []
        self.fault: Retry | Misconfigured | None = None
        board.asking.send = self.send  # type: ignore[method-assign]

    async def send(self, command: Command) -> None:
        if self.fault is not None:
            raise self.fault
        self.commands.append(command)


class Browser:
    """A board's pages, and a browser's manners: it says where a form comes from and keeps cookies."""

    def __init__(self, board: Board, client: Any) -> None:
        self.board, self._client, self.sent = board, client, Sent(board)
        self.origin = str(client.make_url("")).rstrip("/")

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self._client.get(path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, origin: str | None = "", **form: str) -> tuple[int, str, str]:
        """Status, text, and where it leads."""
        said = self.origin if origin == "" else origin
        headers = {} if said is None else {"Origin": said}
        async with self._client.post(path, data=form, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text(), answer.headers.get("Location", "")

    async def raw_post(self, path: str, form: dict[str, str], origin: str) -> Any:
        return await self._client.post(path, data=form, headers={"Origin": origin}, allow_redirects=False)

    async def raw(self, path: str, **more: Any) -> Any:
        return await self._client.get(path, allow_redirects=False, **more)


@asynccontextmanager
async def browsing(seen: Seen | None = None, **settings: Any) -> AsyncIterator[Browser]:
    """A board that reads nothing of itself, on a free port of loopback."""
    board = Board(load_settings(**settings))
    board.crew.seen = lambda: seen or Seen(True, 1, True)  # type: ignore[method-assign]
    board.tail._end = {}
    async with TestClient(TestServer(board.application(), host="127.0.0.1")) as client:
        yield Browser(board, client)
