"""Parts by completed cycles of one machine, in a plain loop, straight from the definition."""

from __future__ import annotations


def parts(readings: list[tuple[int, str, bool]], shortest: int, hold: int) -> list[int]:
    """Parts made up to each reading (time, state, whether a cycle is complete), in order of time."""
    out: list[int] = []
    active = count = 0
    for i, (time, _, complete) in enumerate(readings):
        if i:
            since, state, told = readings[i - 1]
            if state == "producing":
                active += min(time - since, hold)
        else:
            told = False
        if complete and not told:
            count += active >= shortest
            active = 0
        out.append(count)
    return out
