"""Faults planted into real normal data, told or not by the product: `python -m tests.quality.plant`.

At seeded places behind the warm-up, the engine goes on in two ways from the same state: with the readings as they are,
and with the fault in one series. A fault is found where an event opens or escalates while it lasts. What counts is the
share found less the share of the same stretches in which an event comes without any fault; its lower bound is the 2.5 %
quantile of a bootstrap over series (of a joint watch, over assets). Delays are medians over faults found where the twin
was silent.

Single series are judged by the default site and `auto`, each by itself; a broken correlation by `t2_spe` over all
series of the asset, behind the health gate. Sizes are in standard deviations of the series over all its data.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from schemas.anomaly import AnomalyEvent
from streams.site import Site
from tests.quality.normal import DATA, Source, sources
from tests.quality.places import Place, cut, places
from tests.quality.planted import CORRELATION, FAULTS, Fault, Stretch
from tests.quality.product import Line, Table, health, site, told, watches

HOUR_NS = 3_600 * 10**9
DRAWS = 2_000
JOINT = {"name": "t2_spe", "inputs": ["*"], "detector": {"kind": "t2_spe"}}
MORE = tuple({"name": kind, "series": "*", "detector": {"kind": kind}} for kind in ("cusum", "nelson", "seasonal"))
"""What the named variant adds."""


class Outcome(NamedTuple):
    """What came of a place."""

    place: Place
    cluster: str  # the series, of a joint watch the asset: places in one are not independent
    found: bool
    anyway: bool  # an event comes without the fault as well
    delay_h: float  # of the first event, NaN without
    watch: str  # of the first event


class Figures(NamedTuple):
    """Of one fault."""

    planted: int
    found: float  # share
    anyway: float
    less: float  # found - anyway
    least: float  # lower bound of that
    delay_h: float
    watches: Counter[str]  # which came first


def play(of: Site, table: Table, todo: Iterable[Place], joint: bool) -> Iterator[Outcome]:
    """Run one table once, branching at each place."""
    line, at = Line(of), 0
    for place in sorted(todo, key=lambda p: (p.first, p.seed)):
        column = table.names.index(place.series)
        line.feed(table.rows(at, place.first))
        at = place.first
        saved = line.save()
        clean = table.rows(place.first, place.last)
        whole = table.x[:, column]
        here = ~np.isnan(whole)
        rows = np.cumsum(here) - 1
        first, last = int(rows[place.first - 1]) + 1, int(rows[place.last - 1]) + 1
        stretch = Stretch(table.time[here], whole[here], first, last)
        planted = clean._replace(x=clean.x.copy())
        planted.x[here[place.first : place.last], column] = place.fault.plant(
            stretch, np.random.default_rng(place.seed)
        )
        events = [_first(line.branch(saved).feed(way), clean, joint) for way in (planted, clean)]
        found, anyway = events
        delay = np.nan if found is None else (found.time - int(clean.time[0])) / HOUR_NS
        cluster = table.asset if joint else f"{table.asset}/{place.series}"
        yield Outcome(place, cluster, found is not None, anyway is not None, delay, found.watch if found else "")


def _first(events: Sequence[AnomalyEvent], within: Table, joint: bool) -> AnomalyEvent | None:
    """The first event told in that time; of a joint watch alone, where there is one."""
    begin, end = int(within.time[0]), int(within.time[-1])
    mine = [e for e in told(events) if begin <= e.time <= end and (not joint or e.watch == JOINT["name"])]
    return min(mine, key=lambda e: e.time, default=None)


def measure(faults: Sequence[Fault], more: Sequence[dict[str, Any]] = (), only: Sequence[str] = ()) -> list[Outcome]:
    """All places of these faults; `more` watches beside the default site's, `only` these kinds of data."""
    by_kind: dict[str, list[Source]] = defaultdict(list)
    for source in sources():
        if not only or source.kind in only:
            by_kind[source.kind].append(source)
    single: dict[tuple[str, str], tuple[Table, list[Place]]] = {}
    together: dict[str, tuple[Table, list[Place]]] = {}
    for kind, of in by_kind.items():
        for fault in faults:
            joint = fault is CORRELATION
            for source, place in places(kind, [cut(s) for s in of] if joint else of, fault, joint):
                name = source.table.asset
                if joint:
                    together.setdefault(name, (source.table, []))[1].append(place)
                else:
                    key = (name, place.series)
                    single.setdefault(key, (source.table.only(place.series), []))[1].append(place)
    outcomes: list[Outcome] = []
    of_single, of_joint = site([*watches(), *more]), site([*health(), JOINT])
    for table, todo in single.values():
        outcomes += play(of_single, table, todo, joint=False)
    for table, todo in together.values():
        outcomes += play(of_joint, table, todo, joint=True)
    return outcomes


def figures(outcomes: Sequence[Outcome]) -> Figures:
    """Shares, with the bootstrap's lower bound, over places."""
    found = np.array([o.found for o in outcomes], dtype=float)
    anyway = np.array([o.anyway for o in outcomes], dtype=float)
    names = sorted({o.cluster for o in outcomes})
    cluster = np.array([names.index(o.cluster) for o in outcomes])
    gain = np.bincount(cluster, found - anyway, minlength=len(names))
    size = np.bincount(cluster, minlength=len(names))
    drawn = np.random.default_rng(1).integers(len(names), size=(DRAWS, len(names)))
    least = np.quantile(gain[drawn].sum(axis=1) / size[drawn].sum(axis=1), 0.025)
    alone = [o for o in outcomes if o.found and not o.anyway]
    delay = float(np.median([o.delay_h for o in alone])) if alone else float("nan")
    return Figures(
        len(outcomes), found.mean(), anyway.mean(), (found - anyway).mean(), float(least), delay,
        Counter(o.watch for o in alone),
    )  # fmt: skip


def table_of(outcomes: Sequence[Outcome]) -> str:
    """Lines of text, a fault each, and the difference by kind of data."""
    lines = [
        f"{'fault':18}{'planted':>8}{'found':>7}{'anyway':>8}{'less':>7}{'at least':>9}{'delay':>8}   found first by"
    ]
    kinds = sorted({o.place.kind for o in outcomes})
    for fault in (*FAULTS, CORRELATION):
        mine = [o for o in outcomes if o.place.fault is fault]
        if mine:
            f = figures(mine)
            firsts = ", ".join(f"{watch} {n}" for watch, n in f.watches.most_common(4))
            lines.append(
                f"{fault.name:18}{f.planted:>8}{f.found:>7.2f}{f.anyway:>8.2f}{f.less:>7.2f}{f.least:>9.2f}"
                f"{f.delay_h:>6.1f} h   {firsts}"
            )
    lines += ["", "found less anyway, by data", " " * 18 + "".join(f"{kind:>10}" for kind in kinds)]
    for fault in (*FAULTS, CORRELATION):
        mine = [o for o in outcomes if o.place.fault is fault]
        if mine:
            cells = [[o for o in mine if o.place.kind == kind] for kind in kinds]
            lines.append(
                f"{fault.name:18}" + "".join(f"{figures(c).less:>10.2f}" if c else f"{'-':>10}" for c in cells)
            )
    return "\n".join(lines)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--more", action="store_true", help="with cusum, nelson and seasonal beside the default site")
    parser.add_argument("--fault", action="append", default=[], choices=[f.name for f in (*FAULTS, CORRELATION)])
    asked = parser.parse_args()
    if not DATA.exists():
        print(f"{DATA}: no data there; see ../shared/data/README.md")
        return 1
    wanted = [f for f in (*FAULTS, CORRELATION) if not asked.fault or f.name in asked.fault]
    if asked.more:
        wanted = [f for f in wanted if f is not CORRELATION]
    print(table_of(measure(wanted, MORE if asked.more else ())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
