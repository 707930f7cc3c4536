"""The state of one machine by its power, in plain loops, straight from the definition."""

from __future__ import annotations

from typing import NamedTuple


class Plain(NamedTuple):
    """Levels of one machine."""

    idle: float
    producing: float
    hysteresis: float
    stay: int


def states(levels: Plain, readings: list[tuple[int, float]], until: int) -> list[str | None]:
    """The state of each reading (time, kW) in order of time, None where it is not decided at `until`."""
    shown: list[str] = []
    for _, kw in readings:
        before = shown[-1] if shown else "down"
        makes = kw >= levels.producing or (before == "producing" and kw >= levels.producing * (1 - levels.hysteresis))
        on = kw >= levels.idle or (before != "down" and kw >= levels.idle * (1 - levels.hysteresis))
        shown.append("producing" if makes else "idle" if on else "down")
    out: list[str | None] = []
    state = None
    while len(out) < len(readings):
        first = last = len(out)
        while last + 1 < len(readings) and shown[last + 1] == shown[first]:
            last += 1
        ends = last + 1 == len(readings)
        end = max(until, readings[last][0]) if ends else readings[last + 1][0]
        if state is None or end - readings[first][0] >= levels.stay:
            state = shown[first]
        decided = not ends or state == shown[first]
        out += [state if decided else None] * (last + 1 - first)
    return out
