"""The made data set: machines on several lines, one reading a second and series, with the faults of real plants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.partition import partition_of

SECOND = 1_000_000_000
START = 1_767_600_000 * SECOND  # 2026-01-05T08:00:00Z
UNIT = {"temp": "Cel", "pressure": "bar", "current": "A", "speed": "1/min"}
STATES = ("running", "running", "idle", "setup")

Value = float | str | None


class Row(NamedTuple):
    """What one machine says at one instant, None where it says nothing; states stand first."""

    asset: str
    time: int
    cells: dict[str, Value]


def lines_on(partitions: Sequence[int], of: int) -> list[str]:
    """A line's path for each of `partitions`, out of `of`."""
    found: dict[int, str] = {}
    n = 0
    while len(found) < len(set(partitions)):
        line = f"penang/smt/line{n}"
        found.setdefault(partition_of(line.encode(), of), line)
        n += 1
        found = {p: name for p, name in found.items() if p in partitions}
    return [found[p] for p in partitions]


def plant(lines: Sequence[str], machines: int = 4, instants: int = 600, seed: int = 7) -> list[Row]:
    """Rows in order of arrival: by time, but for repeats, corrections and what comes late.

    Machine 0 of each line falls silent for 70 s, machine 1 ends early, machine 2 changes its state every 2 s. A
    last machine speaks once, 17 s behind the others: nothing is waited for any more when the data ends.
    """
    rng = np.random.default_rng(seed)
    assets = [f"{line}/m{k}" for line in lines for k in range(machines)]
    signals = {asset: _signals(rng, instants) for asset in assets}
    states = {asset: _states(rng, instants, 2 if asset.endswith("m2") else 25) for asset in assets}
    rows = []
    for t in range(instants):
        for asset in assets:
            if (asset.endswith("m0") and 300 <= t < 370) or (asset.endswith("m1") and t >= instants - 100):
                continue
            whole = t == 0  # joint inputs are known from the start
            cells: dict[str, Value] = {"state": states[asset][t] if whole or rng.random() > 0.02 else None}
            for name, x in signals[asset].items():
                cells[name] = round(float(x[t]), 3) if whole or rng.random() > 0.02 else None
            row = Row(asset, START + t * SECOND, cells)
            rows += [row, *_again(rng, row, rows)]
    return rows + [Row(f"{line}/last", START + (instants + 16) * SECOND, {"uptime": 1.0}) for line in lines]


def _again(rng: np.random.Generator, row: Row, before: list[Row]) -> list[Row]:
    """Now and then a row comes twice, is corrected, or an old one turns up."""
    kind = rng.random()
    if kind < 0.01:
        return [row]
    if kind < 0.015:
        return [row._replace(cells={**row.cells, "temp": 99.5})]
    if kind < 0.02 and before:
        return [before[-1 - int(rng.integers(min(len(before), 100)))]]
    return []


def _signals(rng: np.random.Generator, n: int) -> dict[str, NDArray[np.float64]]:
    out = {}
    for k, name in enumerate(UNIT):
        x = 50.0 * (k + 1) + rng.normal(0, 1 + k, n).cumsum() * 0.02 + rng.normal(0, 1 + k, n)
        spikes = rng.integers(100, n, 3)
        x[spikes] += rng.choice([-1, 1], 3) * 40 * (1 + k)
        step = int(rng.integers(n // 3, n - 150))
        x[step:] += rng.choice([0.0, 25.0 * (1 + k)])
        flat = int(rng.integers(100, n - 80))
        if rng.random() < 0.5:
            x[flat : flat + 60] = x[flat]
        out[name] = x
    return out


def _states(rng: np.random.Generator, n: int, every: int) -> list[str]:
    changes = rng.choice(STATES, n // every + 1)
    return [str(changes[t // every]) for t in range(n)]
