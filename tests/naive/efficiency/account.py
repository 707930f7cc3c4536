"""The account of one machine, in plain loops over its readings, straight from the definitions."""

from __future__ import annotations

import itertools
from collections import defaultdict

from detectors.efficiency.machine_state import MachineState
from detectors.efficiency.roles import Limits, Role

Reading = tuple[Role, int, float]
"""Role, time (ns), value."""

Figures = dict[tuple[int, int, str], float]
"""(cell's begin, product, what) -> amount."""


def account(readings: list[Reading], known: list[int], limits: Limits, cell: int) -> Figures:
    """What is booked on cells of `cell` ns; reading i was booked when the first known[i] readings were known."""
    out: Figures = defaultdict(float)
    for role in Role:
        own = [i for i, reading in enumerate(readings) if reading[0] == role]
        for i, j in itertools.pairwise(own):
            _book(out, role, readings, i, j, known, limits, cell)
    return out


def _book(
    out: Figures, role: Role, readings: list[Reading], i: int, j: int, known: list[int], limits: Limits, cell: int
) -> None:
    (_, since, was), (_, time, value) = readings[i], readings[j]
    seen = readings[: known[j]]
    if role is Role.STATE:
        for low, high, product, _ in _parts(since, min(time, since + limits.hold), seen, limits, cell):
            if was:
                out[low // cell * cell, product, f"s {int(was)}"] += (high - low) / 1e9
    elif role in (Role.TOTAL, Role.GOOD, Role.REJECT):
        product = _in_force(Role.PRODUCT, time - 1, seen)
        more = value - was if value >= was else value
        if role == limits.counter and time - since <= limits.hold:
            for low, high, of, _ in _parts(since, time, seen, limits, cell):
                out[low // cell * cell, of, "counted"] += (high - low) / 1e9
        if more > 0:
            out[(time - 1) // cell * cell, product, role.name] += more
            stops = (MachineState.DOWN, MachineState.SETUP, MachineState.PLANNED)
            parts = _parts(time - limits.startup, time, seen, limits, cell) if limits.startup else []
            if any(state in stops for _, _, _, state in parts):
                out[(time - 1) // cell * cell, product, f"starting {role.name}"] += more
    elif role in (Role.POWER, Role.REACTIVE_POWER):
        if time - since <= limits.bridge:
            _spread(out, role, since, time, (was + value) / 2 * (time - since) / 3600e9, seen, limits, cell)
    elif role in (Role.AIR_FLOW, Role.COOLING):
        if time - since <= limits.bridge:
            amount = (was + value) / 2 * (time - since) / (60e9 if role is Role.AIR_FLOW else 3600e9)
            for low, high, product, _ in _parts(since, time, seen, limits, cell):
                out[low // cell * cell, product, role.name] += amount * (high - low) / (time - since)
                out[low // cell * cell, product, f"{role.name} known"] += (high - low) / 1e9
    elif role in (Role.ENERGY, Role.REACTIVE_ENERGY):
        more = value - was
        if more < 0:
            turned = more + limits.modulus
            more = turned if limits.modulus and 0 <= turned < limits.modulus / 2 else max(value, 0.0)
        _spread(out, role, since, time, more, seen, limits, cell)


def _spread(
    out: Figures, role: Role, since: int, time: int, amount: float, seen: list[Reading], limits: Limits, cell: int
) -> None:
    for low, high, product, state in _parts(since, time, seen, limits, cell):
        share, at = amount * (high - low) / (time - since), low // cell * cell
        if role in (Role.REACTIVE_ENERGY, Role.REACTIVE_POWER):
            out[at, product, "kvarh"] += share
            continue
        out[at, product, f"kWh {state}"] += share
        out[at, product, "metered"] += (high - low) / 1e9
        if time - since > limits.gap:
            out[at, product, "estimated"] += share


def _parts(low: int, high: int, seen: list[Reading], limits: Limits, cell: int) -> list[tuple[int, int, int, int]]:
    """[low, high) cut wherever anything may change: begin, end, product, state."""
    edges = {low, high, *range(low // cell * cell + cell, high, cell)}
    for role, time, _ in seen:
        if role in (Role.STATE, Role.PRODUCT):
            edges |= {time, time + limits.hold} if role is Role.STATE else {time}
    inside = sorted(edge for edge in edges if low <= edge <= high)
    return [
        (a, b, _in_force(Role.PRODUCT, a, seen), _in_force(Role.STATE, a, seen, limits.hold))
        for a, b in itertools.pairwise(inside)
    ]


def _in_force(role: Role, time: int, seen: list[Reading], hold: int | None = None) -> int:
    before = [(t, v) for which, t, v in seen if which is role and t <= time]
    if not before or (hold is not None and time >= before[-1][0] + hold):
        return 0
    return int(before[-1][1])
