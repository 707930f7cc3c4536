"""The end-to-end scenario: which readings the plant has, which faults are in them, and under which site."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

SECOND = 1_000_000_000
INSTANTS = 400
WARMUP = 50
PARTITIONS = 8
LINES, MACHINES = 10, 5
ASSETS = [f"penang/smt/line{line}/m{machine}" for line in range(LINES) for machine in range(MACHINES)]

LEVEL_ONLY = ("temp_a", "temp_b", "temp_c", "amps", "beat")
"""Series whose only watch with an opinion of readings is `level`; `gap` on beat speaks of silence alone."""
ALWAYS_JUDGED = ("pressure", "speed", "flow")
"""Series that limits or stuck judges from the first reading on."""
SERIES = (*LEVEL_ONLY, *ALWAYS_JUDGED, "state", "count")
STORE = {"temp_a": "all", "temp_c": "change", "amps": "none", "state": "change", "count": "none"}
"""The rest is stored by the default rule, 1s."""

STUCK_S, GAP_S = 20, 60
FAST_MACHINE = f"m{MACHINES - 1}"

SITE = f"""
[site]
name = "penang"
partition_level = "line"

[[watch]]
name = "limits"
series = ["*/pressure", "*/speed"]
detector = {{ kind = "limits" }}

[[watch]]
name = "stuck"
series = "*/flow"
detector = {{ kind = "stuck", after = "{STUCK_S}s" }}

[[watch]]
name = "gap"
series = "*/beat"
detector = {{ kind = "gap", timeout = "{GAP_S}s" }}

[[watch]]
name = "level"
series = ["*/temp_?", "*/amps", "*/pressure", "*/speed", "*/flow", "*/beat"]
detector = {{ kind = "robust_zscore", warmup = {WARMUP} }}
off_delay = "30s"
""" + "".join(
    f"""
[[asset]]
path = "{asset}"
series.pressure = {{ low = 3.0, high = 8.0, unit = "bar" }}
series.speed = {{ low = 1000.0, high = 2000.0, rate = 20.0 }}
series.count = {{ watch = false, store = "none" }}
"""
    + "".join(f'series.{name} = {{ store = "{rule}" }}\n' for name, rule in STORE.items() if name != "count")
    for asset in ASSETS
)

_BASE = {
    "temp_a": 60.0, "temp_b": 80.0, "temp_c": 25.0, "amps": 12.0, "beat": 50.0, "pressure": 5.0, "speed": 1500.0,
    "flow": 7.0,
}  # fmt: skip
_SWING = {"speed": 2.0, "pressure": 0.2}


class Fault(NamedTuple):
    """One known fault: the episode that must open, and the event time at which."""

    kind: str
    asset: str
    series: str
    watch: str
    first: int  # instant at which it begins
    last: int  # last instant of it
    opens_after_s: float  # from the instant `first` on


def step_ns(asset: str) -> int:
    """Interval of an asset's instants: the last machine of each line is twice as fast."""
    return SECOND // 2 if asset.endswith(FAST_MACHINE) else SECOND


def faults() -> list[Fault]:
    """The 40 faults, each on a series of its own."""
    found = []
    for n, asset in enumerate(ASSETS[:40]):
        a_second = SECOND // step_ns(asset)
        if n < 10:
            found.append(Fault("spike", asset, "temp_a", "level", 150 + 7 * n, 150 + 7 * n, 0))
        elif n < 20:
            found.append(Fault("step", asset, "amps", "level", 150 + 9 * n, INSTANTS, 0))
        elif n < 28:
            found.append(Fault("out of limits", asset, "pressure", "limits", 130 + 5 * n, 134 + 5 * n, 0))
        elif n < 34:
            first = 60 + 3 * n
            found.append(Fault("stuck", asset, "flow", "stuck", first, first + 40 * a_second, STUCK_S))
        elif n < 37:
            found.append(Fault("jump", asset, "speed", "limits", 100 + 4 * n, 100 + 4 * n, 0))
        else:
            # silent from its first instant on, so the deadline counts from the instant before
            first = 40 + 3 * n
            gap = Fault("dead", asset, "beat", "gap", first, first + 90 * a_second, GAP_S - 1 / a_second)
            found.append(gap)
    return found


def dice(*place: object) -> random.Random:
    """Random numbers that depend on nothing but their place: the same for every run."""
    return random.Random(repr(place))


def columns(asset: str, found: list[Fault]) -> dict[str, list[float | str | None]]:
    """The INSTANTS values of each series of an asset; None where the series is silent."""
    mine = {fault.series: fault for fault in found if fault.asset == asset}
    table: dict[str, list[float | str | None]] = {
        "state": ["run" if i // 37 % 2 else "idle" for i in range(INSTANTS)],
        "count": [float(3 * i) for i in range(INSTANTS)],
    }
    for name, base in _BASE.items():
        swing = _SWING.get(name, 0.5)
        draw = dice(asset, name).uniform
        values = [round(base + draw(-swing, swing), 3) for _ in range(INSTANTS)]
        if name == "temp_c":
            values = [math.floor(2 * v) / 2 for v in values]  # a coarse sensor: the same value twice in a row
        table[name] = list(_disturbed(values, mine[name])) if name in mine else list(values)
    return {name: table[name] for name in SERIES}


def _disturbed(values: list[float], fault: Fault) -> Iterator[float | None]:
    moved = {"spike": 20.0, "step": 8.0, "out of limits": 4.5, "jump": 100.0}
    for i, value in enumerate(values):
        if not fault.first <= i <= fault.last:
            yield value
        elif fault.kind == "stuck":
            yield values[fault.first]
        elif fault.kind == "dead":
            yield None
        else:
            yield round(value + moved[fault.kind], 3)
