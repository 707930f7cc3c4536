"""False alarms of the default health gate on data that nobody calls faulty: alarms a series and week, by watch.

`python -m tests.quality.clean_gate` prints the table. NAB's labelled windows are of processes, not of sensors, and are
left in; silences and stand-stills that are really there (machines off, missing hours) count as alarms all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from detectors.registry import REGISTRY
from streams.files.options import FileOptions
from streams.files.read import read
from streams.resolve import resolve
from streams.score import Scorer
from streams.site import Site

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HOUR_NS = 3_600_000_000_000
WEEK_NS = 168 * HOUR_NS


class Tally(NamedTuple):
    """Of one set of files."""

    series: int
    weeks: float  # summed over series
    alarms: Counter[str]  # by watch


def files(name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The files of a set, with how they are to be read."""
    folder = DATA / name
    if name == "nab":
        yield from ((path, {}) for path in sorted(folder.glob("*/*.csv")))
    if name == "energy":
        for path in sorted(folder.glob("*.csv*")):
            if path.name.startswith("gt_"):
                yield path, {"interval_ns": HOUR_NS}
            elif "op_mode" not in path.name:
                yield path, {}
    if name == "oee":
        yield from ((path, {}) for path in sorted(folder.glob("*Hurco*")))


def gate() -> Site:
    """The default site without its process watches."""
    return Site(watch=[w for w in Site().watch if REGISTRY[w.detector["kind"]].health])


def tally(name: str) -> Tally:
    """Alarms of the gate over a set of files."""
    alarms: Counter[str] = Counter()
    series, weeks = 0, 0.0
    for path, how in files(name):
        scorer = Scorer(resolve(gate()), partitions=1)
        span: dict[tuple[int, int], tuple[int, int]] = {}
        for block in read([path], FileOptions(asset="machine", **how)):
            for scored in scorer.feed(block):
                points = scored.results.points
                for row, time in zip(points.series.tolist(), points.time.tolist(), strict=True):
                    first, _ = span.get((scored.share.partition, row), (time, time))
                    span[scored.share.partition, row] = (first, time)
                alarms.update(event.watch for event in scored.results.events if event.phase == "opened")
        numeric = [
            (partition, int(row))
            for partition, engine in scorer.engines.items()
            for row in engine.roster.columns["numeric"].nonzero()[0]
        ]
        series += len(numeric)
        weeks += sum(span[key][1] - span[key][0] for key in numeric if key in span) / WEEK_NS
    return Tally(series, weeks, alarms)


def main() -> None:
    """Print the table."""
    watches = [w.name for w in gate().watch]
    print("| data | series | series-weeks | " + " | ".join(watches) + " | all, a series and week |")
    print("|---" * (len(watches) + 4) + "|")
    for name in ("nab", "energy", "oee"):
        t = tally(name)
        counts = " | ".join(str(t.alarms[w]) for w in watches)
        print(f"| {name} | {t.series} | {t.weeks:.0f} | {counts} | {sum(t.alarms.values()) / t.weeks:.3f} |")


if __name__ == "__main__":
    main()
