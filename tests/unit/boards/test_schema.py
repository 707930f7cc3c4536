"""Boards against Grafana's own schema."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from grafana.boards.board import dashboard
from grafana.boards.table import BOARDS, text
from tests.boards.schema import write_program
from tests.servers.base import Unavailable


def complaints(folder: Path, boards: dict[str, str]) -> str:
    """What the compiler says; empty where all is well."""
    try:
        command = write_program(folder, boards)
    except Unavailable as error:
        pytest.skip(str(error).splitlines()[0])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_every_board_satisfies_the_schema_of_grafana(tmp_path: Path) -> None:
    assert complaints(tmp_path, {uid: text(board) for uid, board in BOARDS.items()}) == ""


@pytest.mark.timeout(300)
def test_a_key_that_the_schema_does_not_know_is_noticed(tmp_path: Path) -> None:
    broken: dict[str, Any] = dashboard(BOARDS["millstream-overview"])
    broken["panels"][1]["gridPos"]["width"] = 3
    assert "width" in complaints(tmp_path, {"broken": json.dumps(broken)})
