"""All boards, and the files that they are written to."""

from __future__ import annotations

import json

from grafana.boards.asset import ASSET
from grafana.boards.board import Board, dashboard
from grafana.boards.energy import ENERGY
from grafana.boards.episodes import EPISODES
from grafana.boards.health import HEALTH
from grafana.boards.overview import OVERVIEW
from grafana.boards.own import OWN
from grafana.boards.quality import QUALITY

BOARDS: dict[str, Board] = {
    board.uid: board for board in (OVERVIEW, ASSET, ENERGY, QUALITY, HEALTH, EPISODES, OWN)
}  # fmt: skip
"""By uid."""


def text(board: Board) -> str:
    """The file of a board."""
    return json.dumps(dashboard(board), indent=1, ensure_ascii=False) + "\n"
