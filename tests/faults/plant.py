"""The plant of the fault tests: 360 series on ten lines, ten instants a second, with episodes at every moment."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from schemas.partition import partition_of

SECOND = 1_000_000_000
STEP = SECOND // 10
PARTITIONS = 8
MACHINES = 4
BLOCK = 5
"""Instants that are sent together."""

Value = float | str | None


class Disturbance(NamedTuple):
    """What is wrong with a series, again and again: in each `period` of instants, from `first` to `last`."""

    series: str
    base: float
    sigma: float
    period: int
    first: int
    last: int
    kind: str


DISTURBED = (
    Disturbance("temp", 60.0, 0.5, 160, 100, 112, "grows"),
    Disturbance("current", 12.0, 0.2, 130, 60, 72, "grows"),
    Disturbance("torque", 40.0, 0.4, 140, 20, 34, "grows"),
    Disturbance("speed", 1500.0, 3.0, 190, 120, 135, "grows"),
    Disturbance("pressure", 5.0, 0.2, 200, 150, 170, "above"),
    Disturbance("load", 50.0, 1.0, 170, 30, 50, "above"),
    Disturbance("flow", 7.0, 0.3, 300, 200, 260, "flat"),
    Disturbance("beat", 1.0, 0.1, 400, 300, 360, "silent"),
)
SERIES = (*(d.series for d in DISTURBED), "state")
HIGH = {"pressure": 8.0, "load": 70.0}
STATES = ("run", "idle", "setup")


@cache
def lines() -> tuple[str, ...]:
    """Ten lines, at least one of them on each partition."""
    found: dict[int, str] = {}
    more: list[str] = []
    n = 0
    while len(found) < PARTITIONS or len(more) < 10 - PARTITIONS:
        line = f"penang/smt/line{n}"
        if found.setdefault(partition_of(line.encode(), PARTITIONS), line) != line:
            more.append(line)
        n += 1
    return (*(found[p] for p in range(PARTITIONS)), *more[: 10 - PARTITIONS])


@cache
def assets() -> tuple[str, ...]:
    """All machines."""
    return tuple(f"{line}/m{k}" for line in lines() for k in range(MACHINES))


def rows(block: int) -> Iterator[tuple[int, dict[str, list[Value]]]]:
    """For each asset (its number) the cells of the block's instants, series by series."""
    noise = np.random.default_rng((20_261, block)).normal(size=(len(assets()), len(DISTURBED), BLOCK))
    instants = range(block * BLOCK, (block + 1) * BLOCK)
    for a in range(len(assets())):
        table: dict[str, list[Value]] = {
            d.series: [_value(d, a, s, i, float(x)) for i, x in zip(instants, noise[a, s], strict=True)]
            for s, d in enumerate(DISTURBED)
        }
        table["state"] = [STATES[(i // 40 + a) % 3] for i in instants]
        yield a, table


def _value(d: Disturbance, asset: int, series: int, i: int, noise: float) -> float | None:
    phase = (i + 37 * asset + 11 * series) % d.period
    value = d.base + d.sigma * noise
    if d.first <= phase < d.last:
        worse = phase - d.first >= (d.last - d.first) // 2
        if d.kind == "silent":
            return None
        if d.kind == "flat":
            value = d.base + d.sigma * ((i - phase) % 7)
        if d.kind == "grows":
            value += d.sigma * (60.0 if worse else 12.0)
        if d.kind == "above":
            value = HIGH[d.series] * (4.0 if worse else 1.2)
    return round(value, 3)


def site_toml(version: int) -> str:
    """The site of a version: the next ones move budgets, delays and limits, and add and remove a watch."""
    odd = version % 2
    watches = f"""
[site]
name = "penang"
version = {version}
store = "all"
languages = ["en"]

[[watch]]
name = "limits"
series = ["*/pressure", "*/load"]
detector = {{ kind = "limits", deadband = {0.2 if odd else 0.1} }}
off_delay = "{500 if odd else 700}ms"

[[watch]]
name = "stuck"
series = "*/flow"
detector = {{ kind = "stuck", after = "3s" }}

[[watch]]
name = "gap"
series = "*/beat"
detector = {{ kind = "gap", timeout = "3s" }}

[[watch]]
name = "by_state"
series = ["*/temp", "*/current"]
by = "state"
detector = {{ kind = "robust_zscore", half_life = "20s", warmup = 30, accept_after = "5s" }}
false_alarms = "{6 if odd else 9}/m"
refractory = "300ms"
off_delay = "500ms"

[[watch]]
name = "running"
series = ["*/torque", "*/speed"]
when = "state != 'setup'"
detector = {{ kind = "robust_zscore", half_life = "30s", warmup = 20, limit = 5.0 }}
false_alarms = "4/m"
refractory = "400ms"
off_delay = "{600 if odd else 400}ms"
"""
    if version % 3 == 0:
        watches += """
[[watch]]
name = "extra"
series = "*/load"
detector = { kind = "robust_zscore", half_life = "10s", warmup = 10 }
false_alarms = "12/m"
refractory = "300ms"
"""
    return watches + "".join(
        f'\n[[asset]]\npath = "{asset}"\nseries.pressure = {{ low = 1.0, high = {HIGH["pressure"]} }}\n'
        f"series.load = {{ low = 10.0, high = {HIGH['load'] + (5.0 if version % 4 == 3 else 0.0)} }}\n"
        for asset in assets()
    )
