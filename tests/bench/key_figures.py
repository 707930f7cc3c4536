"""Key figures at scale: 10,000 machines that say state, count and power each second, on one core, without Kafka.

usage: python -m tests.bench.key_figures [--smoke]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from detectors.efficiency.roles import Limits, Role
from detectors.groups import group
from schemas.chunk import GOOD
from streams.admission import NEW, Admitted
from streams.kpi.kpis import Kpis
from streams.localtime import LocalTime
from streams.resolve import ResolvedSite, resolve
from streams.roster import Roster
from streams.segment import Floats, Ints, Segment
from streams.site import Site
from tests.naive.efficiency.account import Reading, account

MACHINES, MINUTES, ROUNDS = 10_000, 4, 3
SMOKE_MACHINES, SMOKE_MINUTES, SMOKE_ROUNDS = 2_000, 3, 1
LEAST_RATE = 300_000.0
"""Readings a second: 10,000 machines x state, count and power each second, ten times over."""
SECOND = 1_000_000_000
START = 1_767_574_800 * SECOND  # 2026-01-05 01:00 UTC, a Monday: 09:00 in Penang
SERIES = ("state", "total", "power")
PARTS = {
    "signals": "signals: words into states, meters into kilo",
    "settling": "settling: waiting, and order of time",
    "account": "account: booking",
    "windows": "windows: which are to be told of",
    "totals": "totals: what their cells add up to",
    "figures": "figures, and their rows",
}
NAIVE_S = 200
WORDS = ("RUN", "WAIT", "STOP")
MACHINE: dict[str, Any] = {
    "state": {"series": "state", "words": {"RUN": "producing", "WAIT": "idle", "STOP": "down"}},
    "parts": {"total": "total", "ideal": "30s"},
}
SITE: dict[str, Any] = {
    "site": {"timezone": "Asia/Kuala_Lumpur", "demand_window": "30m"},
    "calendar": {"shifts": {"day": "08:00-20:00", "night": "20:00-08:00"}, "breaks": ["12:00-12:30"]},
    "machine": [
        MACHINE | {"assets": "*/m*00", "energy": {"power": "power", "demand_limit": 50.0}},
        MACHINE | {"assets": "*", "energy": {"power": "power"}},
    ],
}


class Took(NamedTuple):
    """One run: readings, rows that were told, and CPU seconds in all and by part."""

    machines: int
    readings: int
    rows: int
    whole_s: float
    part_s: dict[str, float]

    @property
    def rate(self) -> float:
        """Readings a CPU second."""
        return self.readings / self.whole_s


class Plant:
    """Machines that run, wait and stop, count and draw power; a segment is what they say in one second."""

    def __init__(self, machines: int, site: ResolvedSite) -> None:
        self.machines, self.at = machines, START
        self.local = LocalTime(site)
        self.roster = Roster(site.site)
        for machine in range(machines):
            for series in SERIES:
                self.roster.add(f"penang/smt/line{machine // 10:04}/m{machine}", series, None)
        self._rng = np.random.default_rng(11)
        self._state = self._rng.integers(0, 3, machines)
        self._total = np.zeros(machines)
        self._rows = np.arange(machines * len(SERIES))
        self._groups = group(self._rows)
        self._units = [None] * (machines * len(SERIES))

    def second(self) -> Segment:
        """What all machines say in the next second, a message each."""
        n, rng = self.machines, self._rng
        turns = rng.random(n) < 1 / 120
        self._state[turns] = rng.integers(0, 3, int(turns.sum()))
        self._total += (self._state == 0) & (rng.random(n) < 1 / 40)
        power: Floats = np.array([40.0, 12.0, 1.0])[self._state] + rng.normal(0, 0.3, n)
        value = np.stack((np.full(n, np.nan), self._total, power), axis=1).ravel()
        text = {3 * machine: WORDS[state] for machine, state in enumerate(self._state.tolist())}
        total = len(value)
        times: Ints = np.full(total, self.at)
        step = np.repeat(np.arange(n), len(SERIES))
        second: Ints = times // SECOND
        admitted = Admitted(np.full(total, NEW, dtype=np.uint8), second - 1, np.ones(total, dtype=bool), True)
        received = np.full(n, self.at + SECOND // 10)
        self.at += SECOND
        return Segment(
            received=received, messages=np.arange(n), ours=np.ones(n, dtype=bool), place=np.arange(total), step=step,
            row=self._rows, time=times, value=value, text=text, quality=np.full(total, GOOD, dtype=np.uint8),
            numeric=np.isfinite(value), admitted=admitted, local=self.local, units=self._units, code=self._rows,
            waveforms=[], groups=self._groups, second=second,
        )  # fmt: skip


def run(machines: int, minutes: int) -> Took:
    """CPU time of so many minutes, told each minute; a minute before them is not counted."""
    site = resolve(Site.model_validate(SITE))
    plant, kpis = Plant(machines, site), Kpis(site)
    none = np.zeros(machines * len(SERIES), dtype=bool)
    for _ in range(61):
        kpis.take(plant.second(), plant.roster, none)
    spent: Counter[str] = Counter()
    _clocked(kpis, spent)
    readings = rows = 0
    whole = 0.0
    for _ in range(60 * minutes):
        segment = plant.second()
        begin = time.process_time()
        told = kpis.take(segment, plant.roster, none)
        whole += time.process_time() - begin
        rows += len(told)
        readings += len(segment.row)
    part_s = {"signals": spent["signals"], "account": spent["account"], "windows": spent["windows"]}
    part_s["settling"] = spent["settling"] + spent["elapse"] - spent["account"]
    part_s["totals"] = spent["totals"]
    part_s["figures"] = spent["telling"] - spent["windows"] - spent["totals"] - spent["elapse"]
    return Took(machines, readings, rows, whole, part_s)


def _clocked(kpis: Kpis, spent: Counter[str]) -> None:
    """Have the parts of `kpis` note their CPU time."""
    for part, of, name in (
        ("signals", kpis.signals, "said"),
        ("settling", kpis.settling, "take"),
        ("elapse", kpis.settling, "elapse"),
        ("account", kpis.account, "take"),
        ("windows", kpis.windows, "due"),
        ("totals", kpis.windows, "totals"),
        ("telling", kpis, "tell"),
    ):
        setattr(of, name, _noting(getattr(of, name), part, spent))


def _noting(call: Callable[..., Any], part: str, spent: Counter[str]) -> Callable[..., Any]:
    def noted(*given: Any) -> Any:
        begin = time.process_time()
        try:
            return call(*given)
        finally:
            spent[part] += time.process_time() - begin

    return noted


def naive_rate(seconds: int = NAIVE_S) -> float:
    """Readings a CPU second of the plain loops that the account is tested against: one machine, all read at once."""
    rng = np.random.default_rng(5)
    made, state = 0, 1
    readings: list[Reading] = []
    for second in range(seconds):
        at = START + second * SECOND
        state = int(rng.integers(1, 4)) if rng.random() < 1 / 120 else state
        made += int(rng.random() < 1 / 40)
        readings += [(Role.STATE, at, state), (Role.TOTAL, at, made), (Role.POWER, at, float(rng.normal(40, 1)))]
    begin = time.process_time()
    account(readings, [len(readings)] * len(readings), Limits(3600 * SECOND, 300 * SECOND, 3600 * SECOND), 900 * SECOND)
    return len(readings) / (time.process_time() - begin)


def measure(smoke: bool) -> list[Took]:
    """The rounds."""
    rounds, size = (SMOKE_ROUNDS, (SMOKE_MACHINES, SMOKE_MINUTES)) if smoke else (ROUNDS, (MACHINES, MINUTES))
    return [run(*size) for _ in range(rounds)]


def median_rate(took: list[Took]) -> float:
    """Readings a CPU second."""
    return statistics.median(t.rate for t in took)


def table(took: list[Took], naive: float) -> list[str]:
    """What a reading costs by part, beside the floor and the oracle."""
    rows = statistics.median(t.rows / t.readings for t in took)
    out = [
        f"{took[0].machines:,} machines that say state, count and power each second; every minute of event time all "
        f"their windows are told of ({rows:.2f} rows a reading), and the demand of each hundredth is forecast. By CPU "
        f"time on one core, median of {len(took)} rounds: {median_rate(took):,.0f} readings/s, at least "
        f"{LEAST_RATE:,.0f}. The plain loops that the account is tested against book {naive:,.0f} "
        f"readings/s, of one machine over {NAIVE_S} s.",
        "",
        "| part | us a reading |",
        "|---|---|",
    ]
    for part, words in PARTS.items():
        out.append(f"| {words} | {statistics.median(t.part_s[part] / t.readings * 1e6 for t in took):.3f} |")
    return [*out, f"| all | {statistics.median(t.whole_s / t.readings * 1e6 for t in took):.3f} |"]


def faults(took: list[Took], mercy: float) -> list[str]:
    """The floor, where it is not kept; `mercy` divides it."""
    rate, least = median_rate(took), LEAST_RATE / mercy
    return [] if rate >= least else [f"key figures: {rate:,.0f} readings/s, the floor is {least:,.0f}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    smoke = parser.parse_args().smoke
    took = measure(smoke)
    print("\n".join(table(took, naive_rate())))
    missed = faults(took, 3.0 if smoke else 1.0)
    for line in missed:
        print(f"BELOW THE FLOOR: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
