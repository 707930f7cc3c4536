"""Words: what a state series says, as the number of a state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from detectors.efficiency.machine_state import MachineState, state_words
from streams.kpi.options import MachineOptions

COMPLETE = 64.0
"""Added to the state of a word that says that a cycle is complete."""
_REMEMBERED = 10_000
"""Spellings, at most: what was found once is found at once."""


class Words(dict[str | float, float]):
    """What words, and numbers that stand for words, mean; UNKNOWN what nobody explained, and NaN.

    `complete` are words that say that a cycle is complete, beside what state they are.

    >>> said = Words({"run": MachineState.PRODUCING, "6": MachineState.IDLE})
    >>> said["Run"], said[6.0], said["LUNCH"], said[float("nan")]
    (1.0, 2.0, 0.0, 0.0)
    """

    def __init__(self, known: Mapping[str, MachineState], complete: Iterable[str] = ()) -> None:
        super().__init__()
        self._known = known
        self._complete = {word.lower() for word in complete}

    def __missing__(self, said: str | float) -> float:
        if said != said:
            return float(MachineState.UNKNOWN)
        word = said.lower() if isinstance(said, str) else f"{said:g}"
        found = float(self._known.get(word, MachineState.UNKNOWN)) + COMPLETE * (word in self._complete)
        if len(self) < _REMEMBERED:
            self[said] = found
        return found


def words_of(options: MachineOptions | None) -> Words:
    """The words of such a machine."""
    if options is None or options.state is None:
        return Words({})
    complete = options.parts.cycles if options.parts is not None else ()
    return Words(state_words(options.state.profile, options.state.words), complete)
