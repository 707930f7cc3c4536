"""What can be looked at: a function a page."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from schemas.anomaly import BANDS, AnomalyEvent, band_of
from schemas.audit import Audit
from schemas.partition import MISSING, key_of, level_names
from streams.board.asking import Asking, deed_of
from streams.board.page import Given, Pages
from streams.board.runbook import page
from streams.board.standing import Episode, Standing

LISTED = 200
"""Rows of a page at most."""
_HOUR_MS = 3_600_000
_GRAFANA = "millstream-asset"
"""Uid of the board of one machine; a test holds it to grafana/boards."""


class Views:
    """The pages."""

    def __init__(self, pages: Pages, standing: Standing, asking: Asking, grafana: str | None) -> None:
        self._pages, self._standing, self._asking = pages, standing, asking
        self._grafana = grafana.rstrip("/") if grafana else None

    def routes(self) -> list[web.RouteDef]:
        """Where each stands."""
        return [
            web.get("/", self.open),
            web.get("/closed", self.closed),
            web.get("/episodes/{id}", self.episode),
            web.get("/mutes", self.mutes),
            web.get("/proposals", self.proposals),
            web.get("/decisions", self.decisions),
            web.get("/commands/{id:.+}", self.command),
            web.get("/runbook", self.runbook),
        ]

    async def open(self, request: web.Request) -> web.Response:
        """What is open, the worst first."""
        everything = self._standing.open()
        found = looked_for(request, everything)
        bands = {name: sum(band_of(e.last.severity) == name for e in found) for _, name in BANDS}
        asked = request.query.get("band", "")
        shown = [e for e in found if asked not in bands or band_of(e.last.severity) == asked]
        costs = [e.last.cost_per_hour for e in shown if e.last.cost_per_hour is not None]
        return self._pages.answer(
            request, "open", episodes=shown[:LISTED], left=len(shown) - LISTED, any=bool(everything), bands=bands,
            chosen=asked, cost=sum(costs) if costs else None, places=_places(everything), query=Given(request.query),
            other_bands={name: "?" + urlencode({**request.query, "band": name}) for name in bands},
        )  # fmt: skip

    async def closed(self, request: web.Request) -> web.Response:
        """What is over."""
        everything = self._standing.closed()
        found = looked_for(request, everything)
        return self._pages.answer(
            request, "closed", episodes=found[:LISTED], left=len(found) - LISTED, any=bool(everything),
            places=_places(everything), query=Given(request.query),
        )  # fmt: skip

    async def episode(self, request: web.Request) -> web.Response:
        """All that is known of an episode, and what can be done about it."""
        episode = self._standing.episode(request.match_info["id"])
        if episode is None:
            return self._pages.answer(request, "unknown", status=404, id=request.match_info["id"])
        return self._pages.answer(request, "episode", **self.about(episode))

    def about(self, episode: Episode, **refused: Any) -> dict[str, Any]:
        """What the page of an episode shows; `refused` is what was wrong with a form of it, and what it held."""
        event = episode.last
        return {
            "episode": episode, "event": event,
            "grafana": grafana_link(self._grafana, event), "line": line_of(event.asset),
            "contribution": sorted((event.contribution or {}).items(), key=lambda pair: -pair[1]),
            "fault": None, "given": Given(), **refused,
        }  # fmt: skip

    async def mutes(self, request: web.Request) -> web.Response:
        """What is muted, and a form for more."""
        return self._pages.answer(request, "mutes", **self.about_mutes())

    def about_mutes(self, **refused: Any) -> dict[str, Any]:
        """What the page of mutes shows."""
        stands = self._standing.mutes(time.time_ns())
        return {"mutes": stands, "fault": None, "given": Given(), **refused}

    async def proposals(self, request: web.Request) -> web.Response:
        """Baselines that wait for a person's word."""
        return self._pages.answer(request, "proposals", **self.about_proposals())

    def about_proposals(self, **refused: Any) -> dict[str, Any]:
        """What the page of proposals shows."""
        return {"proposals": self._standing.proposals(), "fault": None, "given": Given(), **refused}

    async def decisions(self, request: web.Request) -> web.Response:
        """The audit, the newest first."""
        rows = [
            (
                each,
                deed_of(
                    each.row.kind, each.row.detail.get("until"), each.row.detail.get("proposal"), each.row.received
                ),
            )
            for each in self._standing.decisions()
            if _says(request.query.get("q", ""), each.row)
        ]
        return self._pages.answer(
            request, "decisions", rows=rows[:LISTED], left=len(rows) - LISTED, query=Given(request.query)
        )

    async def runbook(self, request: web.Request) -> web.Response:
        """What alerts and findings mean, and what to check."""
        return self._pages.answer(request, "runbook", text=page())

    async def command(self, request: web.Request) -> web.Response:
        """What became of a command."""
        command_id = request.match_info["id"]
        answers = self._standing.answers(command_id)
        asked = self._asking.asked(command_id, answers)
        outcome = "unknown" if asked is None else asked.outcome(answers, time.monotonic())
        told = answers
        if outcome in ("done", "partly"):  # most of many partitions had nothing to do with it
            told = {p: row for p, row in answers.items() if row.affected or (outcome == "partly" and row.why)}
        return self._pages.answer(
            request, "command", status=404 if outcome == "unknown" else 200, asked=asked, outcome=outcome,
            answers=sorted(told.items()), answered=len(answers), id=command_id,
        )  # fmt: skip


def looked_for(request: web.Request, episodes: list[Episode]) -> list[Episode]:
    """Those of some episodes that are at a place (`place`) and say something (`q`)."""
    place, words = request.query.get("place", "").strip().strip("/"), request.query.get("q", "").casefold().split()
    found = []
    for episode in episodes:
        event = episode.last
        if place and event.asset != place and not event.asset.startswith(f"{place}/"):
            continue
        text = " ".join((event.asset, event.series, event.watch, *event.message.values())).casefold()
        if all(word in text for word in words):
            found.append(episode)
    return found


def _places(episodes: list[Episode]) -> list[str]:
    """Sites, areas and lines, to be chosen from."""
    parts = [episode.last.asset.split("/") for episode in episodes]
    return sorted({"/".join(path[:depth]) for path in parts for depth in range(1, len(path))})


def _says(words: str, row: Audit) -> bool:
    text = row.model_dump_json().casefold()
    return all(word in text for word in words.casefold().split())


def line_of(asset: str) -> str | None:
    """The path of the line that a machine belongs to, None for one that belongs to none.

    >>> line_of("penang/smt/line1/oven3"), line_of("penang/oven3")
    ('penang/smt/line1', None)
    """
    return None if level_names(asset)[2] == MISSING else key_of(asset, "line").decode()


def grafana_link(grafana: str | None, event: AnomalyEvent) -> str | None:
    """Where Grafana shows the machine at that time, an hour before and after."""
    if grafana is None:
        return None
    names = dict(zip(("site", "area", "line", "asset"), level_names(event.asset), strict=True))
    variables = {f"var-{name}": value for name, value in (names | {"watch": event.watch}).items()}
    begin = event.started // 1_000_000 - _HOUR_MS
    end = "now" if event.ended is None else str(event.ended // 1_000_000 + _HOUR_MS)
    return f"{grafana}/d/{_GRAFANA}?{urlencode({**variables, 'from': str(begin), 'to': end})}"
