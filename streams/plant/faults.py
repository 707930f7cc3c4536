"""Scripted faults: what goes wrong, where and when, and how it shows in a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.plant.kinds import series_of

Values = NDArray[np.float64]

FAULT_KINDS = ("dead", "stuck", "spike", "overheat", "drift")

ROUND_S = 300.0
"""A long run repeats all kinds at least this often, on other machines."""

_TARGETS = {
    "dead": (
        ("penang/utilities/cooling/chiller-2", "water_flow"),
        ("penang/machining/line1/cnc-05", "coolant_pressure"),
        ("penang/utilities/power/meter-3", "frequency"),
    ),
    "stuck": (
        ("penang/smt/line1/oven-3", "oxygen"),
        ("penang/utilities/air/compressor-2", "pressure"),
        ("penang/utilities/power/meter-2", "active_power"),
    ),
    "spike": (
        ("penang/machining/line1/cnc-01", "spindle_current"),
        ("penang/smt/line1/oven-1", "conveyor_speed"),
        ("penang/utilities/cooling/chiller-1", "water_temp_out"),
    ),
    "overheat": (
        ("penang/smt/line1/oven-1", "zone6_temp"),
        ("penang/smt/line1/oven-2", "zone8_temp"),
        ("penang/smt/line1/oven-3", "zone3_temp"),
    ),
    "drift": (
        ("penang/machining/line1/cnc-02", "vibration_de"),
        ("penang/machining/line1/cnc-05", "load_x"),
        ("penang/smt/line1/oven-2", "exhaust_flow"),
    ),
}

_SHAPE = {"dead": (0.05, 0.8), "stuck": (0.1, 0.6), "spike": (0.2, 0.0), "overheat": (0.3, 0.4), "drift": (0.4, 0.45)}
"""Start and duration of each kind as shares of a round: the slow ones to notice (silence, frozen) begin first."""

_SIZE = {"dead": 0.0, "stuck": 0.0, "spike": 25.0, "overheat": 9.0, "drift": 30.0}
_SPIKE_S = 2.0
_LONGEST_S = 90.0


class Fault(NamedTuple):
    """One scripted fault of one series, from `start_s` after the live start, for `duration_s`.

    kind: `dead` (absent), `stuck` (frozen at its first value), `spike` (`size` sigmas above), `drift` (a ramp that
    reaches `size` sigmas at its end), `overheat` (climbs in the first third to `size` above its high limit and stays).
    """

    kind: str
    asset: str
    series: str
    start_s: float
    duration_s: float
    size: float = 0.0


def default_faults(total_s: float) -> list[Fault]:
    """Every kind of fault at least once in a live run of `total_s` seconds, ordered by start.

    Raises ValueError where `total_s` is not above zero.

    >>> [f"{fault.kind}@{fault.start_s:g}" for fault in default_faults(10)]
    ['dead@0.5', 'stuck@1', 'spike@2', 'overheat@3', 'drift@4']
    """
    if not total_s > 0:
        raise ValueError(f"a run lasts more than 0 seconds, got {total_s}")
    rounds = max(1, int(total_s // ROUND_S))
    length_s = total_s / rounds
    faults = []
    for turn in range(rounds):
        for kind in FAULT_KINDS:
            asset, series = _TARGETS[kind][turn % len(_TARGETS[kind])]
            start, share = _SHAPE[kind]
            duration_s = max(_SPIKE_S, min(_LONGEST_S, share * length_s))
            faults.append(Fault(kind, asset, series, turn * length_s + start * length_s, duration_s, _SIZE[kind]))
    return faults


class Injector:
    """Applies faults to blocks of one series after another, and remembers where each began."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        for fault in faults:
            _check(fault)
        self._faults = tuple(faults)
        self._began: dict[int, float] = {}

    def apply(self, values: dict[tuple[str, str], Values], live_s: Values) -> None:
        """Change `values` ((T,) by asset and series) in place; `live_s` (T,) is the time since the live start."""
        for number, fault in enumerate(self._faults):
            inside = (live_s >= fault.start_s) & (live_s < fault.start_s + fault.duration_s)
            if inside.any():
                column = values[fault.asset, fault.series]
                column[inside] = self._faulty(number, fault, column[inside], live_s[inside] - fault.start_s)

    def _faulty(self, number: int, fault: Fault, clean: Values, since_s: Values) -> Values:
        declared = series_of(fault.asset, fault.series)
        match fault.kind:
            case "dead":
                return np.full(len(clean), np.nan)
            case "stuck":
                return np.full(len(clean), self._began.setdefault(number, float(clean[0])))
            case "spike":
                changed = clean + fault.size * declared.sigma
            case "drift":
                changed = clean + fault.size * declared.sigma * since_s / fault.duration_s
            case _:
                start = self._began.setdefault(number, float(clean[0]))
                rise = (declared.high if declared.high is not None else np.nan) + fault.size - start
                changed = clean + rise * np.minimum(1.0, 3.0 * since_s / fault.duration_s)
        return np.round(changed, declared.digits)


def _check(fault: Fault) -> None:
    declared = series_of(fault.asset, fault.series)
    where = f"fault {fault.kind} of {fault.asset} {fault.series}"
    if fault.kind not in FAULT_KINDS:
        raise ValueError(f"{where}: expected a kind of {', '.join(FAULT_KINDS)}")
    if not fault.duration_s > 0:
        raise ValueError(f"{where}: duration_s must be above 0, got {fault.duration_s}")
    if fault.kind == "overheat" and declared.high is None:
        raise ValueError(f"{where}: the series declares no high limit")
    if fault.kind in ("spike", "drift") and declared.sigma == 0:
        raise ValueError(f"{where}: the series has no noise to measure it by")
