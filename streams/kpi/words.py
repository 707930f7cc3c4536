"""Words: what a state series says, as the number of a state."""

from __future__ import annotations

from collections.abc import Mapping

from detectors.efficiency.machine_state import MachineState, state_words
from streams.kpi.options import MachineOptions

_REMEMBERED = 10_000
"""Spellings, at most: what was found once is found at once."""


class Words(dict[str | float, float]):
    """What words, and numbers that stand for words, mean; UNKNOWN what nobody explained, and NaN.

    >>> said = Words({"run": MachineState.PRODUCING, "6": MachineState.IDLE})
    >>> said["Run"], said[6.0], said["LUNCH"], said[float("nan")]
    (1.0, 2.0, 0.0, 0.0)
    """

    def __init__(self, known: Mapping[str, MachineState]) -> None:
        super().__init__()
        self._known = known

    def __missing__(self, said: str | float) -> float:
        if said != said:
            return float(MachineState.UNKNOWN)
        word = said.lower() if isinstance(said, str) else f"{said:g}"
        found = float(self._known.get(word, MachineState.UNKNOWN))
        if len(self) < _REMEMBERED:
            self[said] = found
        return found


def words_of(options: MachineOptions | None) -> Words:
    """The words of such a machine."""
    if options is None or options.state is None:
        return Words({})
    return Words(state_words(options.state.profile, options.state.words))
