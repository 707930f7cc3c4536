"""What a line's bottleneck is, second by second: no periods are looked up, every second is looked at."""

from __future__ import annotations

ACTIVE = {1, 5, 6}
"""Producing, down, set-up."""


def naive_holders(state: list[list[int]], start: int) -> list[int | None]:
    """Of states (m machines, each second from 0), the bottleneck of each second from `start` on."""
    out: list[int | None] = []
    for second in range(start, len(state[0])):
        ages = [_age(of, second) for of in state]
        longest = max(ages)
        out.append(ages.index(longest) if longest else None)
    return out


def _age(state: list[int], second: int) -> int:
    """How many seconds a machine has been active without a break, this one included."""
    age = 0
    while age <= second and state[second - age] in ACTIVE:
        age += 1
    return age
