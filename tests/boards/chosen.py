"""What a person would choose where one value has to be chosen: the machine with the fault."""

from __future__ import annotations

from collections.abc import Sequence

from tests.boards.plant import OVEN


def chosen_values(name: str, values: Sequence[str]) -> str:
    """One of a variable's values."""
    wanted = OVEN.rpartition("/")[2]
    return wanted if name == "asset" and wanted in values else values[0]
