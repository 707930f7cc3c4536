"""The slow, obvious twin of `streams/reorder.py`: which readings are let go at which clock, searched for each time."""

from __future__ import annotations

from typing import Any, NamedTuple


class Message(NamedTuple):
    """One message: readings of one asset as (event time, whatever it is), or none; `newest` only moves the asset on."""

    clock: int
    asset: str | None
    readings: list[tuple[int, Any]]
    newest: int | None = None


class Step(NamedTuple):
    """Readings let go together at a clock: by a deadline on the way to a message, or by the message."""

    clock: int
    message: int
    deadline: bool
    readings: list[Any]


class Held(NamedTuple):
    """A reading that waits."""

    asset: str
    time: int
    seq: int
    came: int
    what: Any


def steps(messages: list[Message], wait: int) -> list[Step]:
    """All steps in which something is let go."""
    held: list[Held] = []
    newest: dict[str, int] = {}
    out: list[Step] = []
    seq = 0

    def let(asset: str, clock: int, m: int, deadline: bool, upto: tuple[float, float]) -> None:
        mine = [h for h in held if h.asset == asset and (h.time, h.seq) <= upto]
        for h in mine:
            held.remove(h)
        if mine:
            out.append(Step(clock, m, deadline, [h.what for h in sorted(mine, key=lambda h: (h.time, h.seq))]))

    for m, message in enumerate(messages):
        while held and min(h.came for h in held) + wait <= message.clock:
            came = min(h.came for h in held)
            due = [h for h in held if h.came == came]
            for asset in dict.fromkeys(h.asset for h in due):
                let(asset, came + wait, m, True, max((h.time, h.seq) for h in due if h.asset == asset))
        asset = message.asset
        if asset is None:
            continue
        for time, what in message.readings:
            held.append(Held(asset, time, seq, message.clock, what))
            seq += 1
        times = [time for time, _ in message.readings] + ([message.newest] if message.newest is not None else [])
        if times:
            newest[asset] = max([*times, newest.get(asset, times[0])])
            let(asset, message.clock, m, False, (newest[asset] - wait, float("inf")))
    return out
