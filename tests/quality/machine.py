"""A machine in shifts, over the product's engine: `python -m tests.quality.machine 5m 10s 1s`.

Value = 20 + 10 in production + cycle of 55 s, amplitude 2, in production + daily swing, amplitude 1, + normal noise of
sigma .5; 10 days from a Monday, 20 machines. A shift is 8 hours from 06:00; it begins and ends up to 5 minutes early
or late. Machines in turn run two shifts a day; one; two and at the weekend one; two or one, drawn for each day.

Once in the last three days, in production, the value steps up or down (in turn) for 30 minutes. It is found where a
process watch of the site opens or escalates an episode in these 30 minutes or the 10 after them. Steps of 10 sigmas
(5 units) meet the default site, those of 5 sigmas its watches with the mode declared (`by`, a row for each mode).
`by chance` is the same share without a step: what alarms of other causes would have found. Alarms are those of the
run without a step, a machine: in the first week, and after it by the week. The budget is that of the default site.
"""

from __future__ import annotations

import argparse
import sys
import time as clock
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.durations import SECOND
from detectors.registry import REGISTRY
from schemas.anomaly import AnomalyEvent
from schemas.chunk import SeriesKey
from streams.files.block import FileBlock
from streams.resolve import resolve
from streams.score import Scorer
from streams.site import DEFAULT_WATCHES, Site

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
START_S = 1_767_571_200
"""2026-01-05, a Monday."""
DAY_S, WEEK_S, DAYS, MACHINES = 86_400, 604_800, 10, 20
SAMPLINGS = {"1s": 1, "10s": 10, "5m": 300}
SIGMA, LEVEL, PRODUCTION, CYCLE, SWING, CYCLE_S = 0.5, 20.0, 10.0, 2.0, 1.0, 55.0
SHIFT_S, FIRST_S, JITTER_S = 28_800, 21_600, 300
STEP_S, GRACE_S = 1_800, 600
CELLS = 200_000
"""About so many readings are fed at a time."""


class Machine(NamedTuple):
    """One series: when it produces, and when the step comes. Seconds since START_S."""

    edges: Ints  # (2 k,) begin and end of production, in turn
    step: int
    sign: int


class Tally(NamedTuple):
    """What the site told of some machines."""

    found: dict[str, set[int]]  # watch -> machines whose step it found
    week: Counter[str]  # watch -> alarms in week 1, all machines
    rest: Counter[str]  # watch -> alarms after it, outside the step


def machine(seed: int) -> Machine:
    """The shifts of a seed, and its step."""
    rng = np.random.default_rng([seed, 0])
    two = [(True, False, day % 7 < 5, bool(rng.random() < 0.5))[seed % 4] for day in range(DAYS)]
    begins = np.arange(DAYS) * DAY_S + FIRST_S
    ends = begins + SHIFT_S * (1 + np.array(two))
    edges = np.stack([begins, ends], axis=1).reshape(-1) + rng.integers(-JITTER_S, JITTER_S + 1, 2 * DAYS)
    day = 7 + int(rng.integers(3))
    step = int(rng.integers(edges[2 * day], edges[2 * day + 1] - STEP_S))
    return Machine(edges, step, 1 if seed // 4 % 2 == 0 else -1)


def values(m: Machine, t: Ints, noise: Floats, step: float) -> Floats:
    """Values (n,) at seconds t since START_S."""
    on = np.searchsorted(m.edges, t, side="right") % 2 == 1
    hit = (t >= m.step) & (t < m.step + STEP_S)
    cycle, swing = (np.sin(t * 2 * np.pi / period) for period in (CYCLE_S, DAY_S))
    x: Floats = LEVEL + on * (PRODUCTION + CYCLE * cycle) + SWING * swing + SIGMA * noise + m.sign * step * hit
    return x


def blocks(machines: list[Machine], seeds: range, every_s: int, step: float) -> Iterator[FileBlock]:
    """All readings, a message an instant; each machine's state at its first instant and where it changes."""
    k = len(machines)
    keys = [SeriesKey(f"plant/hall/line/m{seed}", name, None) for seed in seeds for name in ("power", "state")]
    rows = max(CELLS // k, 1)
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]
    for first in range(0, DAYS * DAY_S // every_s, rows):
        t = np.arange(first, min(first + rows, DAYS * DAY_S // every_s)) * every_s
        n = len(t)
        x = np.stack([values(m, t, r.normal(size=n), step) for m, r in zip(machines, rngs, strict=True)], axis=1)
        message, code = np.repeat(np.arange(n), k), np.tile(np.arange(k) * 2, n)
        said: list[tuple[int, int, str]] = []
        for i, m in enumerate(machines):
            on = np.searchsorted(m.edges, t, side="right") % 2 == 1
            was = np.searchsorted(m.edges, t - every_s, side="right") % 2 == 1
            changed = np.flatnonzero((on != was) | (t == 0))
            said += [(j, 2 * i + 1, "production" if on[j] else "idle") for j in changed.tolist()]
        order = np.argsort(np.concatenate(([j for j, *_ in said], message + 0.5)), kind="stable")
        place = np.argsort(order, kind="stable")[: len(said)]
        message = np.concatenate((np.array([j for j, *_ in said], dtype=np.int64), message))[order]
        code = np.concatenate((np.array([c for _, c, _ in said], dtype=np.int64), code))[order]
        value = np.concatenate((np.full(len(said), np.nan), x.reshape(-1)))[order]
        time = (START_S + t) * SECOND
        text = {int(p): words for p, (_, _, words) in zip(place, said, strict=True)}
        yield FileBlock(
            message.astype(np.int32), time, keys, code.astype(np.int32), time[message], value, text,
            np.zeros(len(message), dtype=np.uint8), [], None, (), (),
        )  # fmt: skip


def site(watches: tuple[dict[str, Any], ...], modes: bool) -> Site:
    """The default site; with `modes`, a row for each mode wherever a watch takes one."""
    made: list[dict[str, Any]] = []
    for watch in watches:
        detector = REGISTRY[watch["detector"]["kind"]]
        gated = modes and not detector.health
        made.append({**watch, "by": "state"} if gated else watch)
    return Site.model_validate({"watch": made})


def tally(
    sampling: str, step: float, modes: bool, seeds: range = range(MACHINES),
    watches: tuple[dict[str, Any], ...] = DEFAULT_WATCHES,
) -> Tally:  # fmt: skip
    """What the site tells of the machines of some seeds."""
    machines = [machine(seed) for seed in seeds]
    scorer = Scorer(resolve(site(watches, modes)), partitions=1)
    health = {w["name"] for w in watches if REGISTRY[w["detector"]["kind"]].health}
    out = Tally({w["name"]: set() for w in watches if w["name"] not in health}, Counter(), Counter())
    for block in blocks(machines, seeds, SAMPLINGS[sampling], step):
        for scored in scorer.feed(block):
            for event in scored.results.events:
                if event.watch not in health and event.phase != "closed":
                    _count(out, event, machines, seeds)
    return out


def _count(out: Tally, event: AnomalyEvent, machines: list[Machine], seeds: range) -> None:
    at = event.time // SECOND - START_S
    i = seeds.index(int(event.asset.rpartition("/m")[2]))
    begins = machines[i].step
    if begins <= at <= begins + STEP_S + GRACE_S:
        out.found[event.watch].add(seeds[i])
    elif at < WEEK_S:
        out.week[event.watch] += 1
    else:
        out.rest[event.watch] += 1


def table(sampling: str, machines: int) -> list[str]:
    """Lines of the table of a sampling."""
    lines, seeds = [], range(machines)
    for modes, sigmas in ((False, 10), (True, 5)):
        began = clock.monotonic()
        with_step, without = (tally(sampling, step * SIGMA, modes, seeds) for step in (sigmas, 0))
        where, took_s = "mode declared" if modes else "default site", clock.monotonic() - began
        lines.append(f"{sampling}, step of {sigmas} sigmas, {where}, {machines} machines, {took_s:.0f} s")
        lines.append(f"{'':16}{'found %':>9}{'by chance':>11}{'week 1':>9}{'after, a week':>15}")
        for watch in (*with_step.found, "all"):
            found, chance = (_share(t.found, watch, machines) for t in (with_step, without))
            week, rest = (sum(n for w, n in c.items() if watch in (w, "all")) for c in (without.week, without.rest))
            rest = rest / machines * WEEK_S / (DAYS * DAY_S - WEEK_S)
            lines.append(f"{watch:16}{found:>9.0f}{chance:>11.0f}{week / machines:>9.2f}{rest:>15.2f}")
    return lines


def _share(found: dict[str, set[int]], watch: str, machines: int) -> float:
    told = set().union(*found.values()) if watch == "all" else found[watch]
    return 100 * len(told) / machines


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samplings", nargs="*", choices=[*SAMPLINGS, []], default=[])
    parser.add_argument("--machines", type=int, default=MACHINES)
    asked = parser.parse_args()
    for sampling in asked.samplings or SAMPLINGS:
        print("\n".join(table(sampling, asked.machines)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
