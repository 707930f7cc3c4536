"""The default site on the public half of NAB: `python -m tests.quality.defaults`.

The health gate, robust_zscore and `auto` at 1 false alarm a week each, beside `auto` alone at 1 a week, through the
engine; a detection is what a person is told: an event that opens or escalates an episode, at its time. Each watch is
also left out, which shows what it adds to (or takes from) the whole, and run alone, which shows what it costs. A named
variant gives robust_zscore `hold = true` and `refractory = "12h"`.
"""

from __future__ import annotations

import sys
import time as clock
from collections import Counter
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from tests.quality import nab
from tests.quality.product import AUTO, Line, Table, site, told, watches

BUDGET = "1/week"
"""Of every watch that does not say: the default of a site file."""


class Outcome(NamedTuple):
    """Of one set of watches on all files."""

    scores: list[nab.Score]  # by start
    outside: Counter[str]  # events outside windows, by watch, mean of the starts
    us: float  # a reading, the quickest start

    @property
    def mean(self) -> nab.Score:
        """Of the starts."""
        return nab.mean(self.scores)


def run(
    tool: ModuleType, files: Sequence[nab.Series], of: Sequence[dict[str, Any]], starts: Sequence[int] = nab.STARTS
) -> Outcome:
    """Every file from each start on, a fresh engine each."""
    scores, quickest = [], float("inf")
    outside: Counter[str] = Counter()
    whole = site(of)
    for start in starts:
        found, readings, spent = [], 0, 0.0
        for series in files:
            line = Line(whole)
            table = Table("nab/nab/nab/file", ("value",), series.time[start:], series.x[start:, None])
            began = clock.perf_counter()
            events = told(line.feed(table))
            spent += clock.perf_counter() - began
            readings += len(table.time)
            newest = np.maximum.accumulate(table.time)
            at = [start + min(int(np.searchsorted(newest, e.time)), len(newest) - 1) for e in events]
            alarmed = np.zeros(len(series.x), dtype=bool)
            alarmed[at] = True
            found.append(alarmed)
            outside.update(e.watch for e, row in zip(events, at, strict=True) if series.prepared[1][row] < 0)
        scores.append(nab.score(tool, list(files), found, start, BUDGET))
        quickest = min(quickest, 1e6 * spent / readings)
    return Outcome(scores, Counter({name: n / len(starts) for name, n in outside.items()}), quickest)


def calmer(of: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The named variant: robust_zscore by the tail rule, and at rest after an alarm for as long as `auto`."""
    return [{**w, "hold": True, "refractory": "12h"} if w["name"] == "robust_zscore" else w for w in of]


def line_of(name: str, o: Outcome) -> str:
    """A row of the first table."""
    m, standard = o.mean, [s.standard for s in o.scores]
    return (
        f"{name:24}{m.standard:>9.1f}{m.low_fp:>8.1f}{m.low_fn:>8.1f}{np.ptp(standard):>8.1f}{m.hit:>9.1f}"
        f"{sum(o.outside.values()):>9.1f}"
    )


def main() -> int:
    """Print both tables."""
    if not nab.NAB.exists():
        print(f"{nab.NAB}: no data there; see ../shared/data/README.md")
        return 1
    tool = nab.rules()
    files = nab.load(tool)
    all_ = watches()
    whole, alone = run(tool, files, all_), run(tool, files, [AUTO])
    nothing = run(tool, files, [], nab.STARTS[:2])
    print(f"{'':24}{'standard':>9}{'low FP':>8}{'low FN':>8}{'spread':>8}{'windows':>9}{'outside':>9}")
    print(line_of("default site and auto", whole))
    print(line_of("auto alone", alone))
    print(line_of("robust_zscore calmer", run(tool, files, calmer(all_))))
    print(
        f"\nbudget of one watch: {whole.mean.budget:.0f} alarms on all files; {nothing.us:.2f} us a reading unwatched"
    )
    print(f"\n{'watch':16}{'adds':>7}{'told outside':>14}{'alone: windows':>16}{'us a reading':>14}")
    for watch in all_:
        name = watch["name"]
        single = run(tool, files, [watch], nab.STARTS[:2])
        less = run(tool, files, [w for w in all_ if w is not watch])
        adds = whole.mean.standard - less.mean.standard
        print(
            f"{name:16}{adds:>+7.1f}{whole.outside[name]:>14.1f}{single.mean.hit:>16.1f}"
            f"{max(single.us - nothing.us, 0):>14.2f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
