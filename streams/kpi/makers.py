"""Makers: every kind of figure that windows have, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from streams.kpi.carbon import carbons
from streams.kpi.figures import Figure, Stand, effectiveness, energies
from streams.kpi.load import loads
from streams.kpi.losses import losses
from streams.kpi.priced import costs
from streams.kpi.utilities import utilities

MAKERS: tuple[Callable[[Stand], Iterator[Figure]], ...] = (
    effectiveness, losses, energies, loads, costs, carbons, utilities,
)  # fmt: skip
"""What makes figures, each in a file of its own."""


def figures(stand: Stand) -> Iterator[Figure]:
    """All figures of n windows."""
    for make in MAKERS:
        yield from make(stand)
