"""The state of one machine by its count of parts, in plain loops, straight from the definition."""

from __future__ import annotations


def states(
    cycle: int, within: int, down: int | None, readings: list[tuple[int, float]], until: int
) -> list[tuple[int, str]]:
    """Changes of state (time, state) of a machine of which all is known up to `until`, from (time, count) in order."""
    if not readings:
        return []
    parts, count = [], readings[0][1]
    for time, shown in readings[1:]:
        if (shown > count) or (shown < count and shown > 0):  # it went on, or began again at 0
            parts.append(time)
        count = shown
    start, out = readings[0][0], list[tuple[int, str]]()
    for place, part in enumerate([start, *parts]):
        after = parts[place] if place < len(parts) else until
        worked = 0 if place == 0 else cycle
        stopped = after - part > within
        if not stopped and place == len(parts) and place == 0:
            break  # not even the first reading is decided
        if worked or not stopped:
            out.append((part, "producing"))
        if stopped:
            out.append((part + worked, "idle"))
            if down is not None and after - part > down:
                out.append((part + down, "down"))
    changes = list[tuple[int, str]]()
    for time, state in out:
        if not changes or changes[-1][1] != state:
            changes.append((time, state))
    return changes
