"""Real logger exports with gaps, flags and corrections: what the default site and its health gate find, by type.

`python -m tests.quality.dirty` prints the table. A labelled span is found where an episode covers a part of it; an
alarm is right where it opens inside a labelled span of its series (or within one row of it). Thresholds are the
defaults. Truth:

- AirQualityUCI: runs of -200, which its description says is "missing";
- MainStreet2019, TonyGrove2019: rows whose corrected value is -9999 were removed by the people who keep the station;
  of these, `stuck` are runs of 20 and more equal raw values, `coded` rows at a value that no sensor here can say
  (-9999, -6999, 7999), `removed` the rest; `corrected` are spans where the correction jumps by more than 5 % of the
  interquartile range from one row to the next, until the end of its day;
- sandy: labelled outliers by the letters of its type columns.
"""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from detectors.registry import REGISTRY
from schemas.anomaly import AnomalyEvent
from streams.files.options import FileOptions
from streams.files.read import read
from streams.resolve import resolve
from streams.score import Scorer
from streams.site import Site

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "dirty"
STUCK_ROWS = 20
CODES = (-9999.0, -6999.0, 7999.0)
LOGGERS = ("temp", "cond", "ph", "do", "turb", "stage")


class Span(NamedTuple):
    """A labelled span: rows first..last of a file."""

    series: str
    type: str
    first: int
    last: int


class Found(NamedTuple):
    """Of one type in one file."""

    spans: int
    gate: int  # found by the health gate
    site: int  # by any watch of the default site
    rows: int
    covered: int  # rows that the gate withholds


class Scores(NamedTuple):
    """Of one file."""

    types: dict[str, Found]
    alarms: dict[str, tuple[int, int]]  # watch -> alarms, of them right


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a packed CSV file that hold a time."""
    unpack = gzip.decompress if path.suffix == ".gz" else lzma.decompress
    rows = list(csv.DictReader(io.StringIO(unpack(path.read_bytes()).decode())))
    first = next(iter(rows[0]))
    return [row for row in rows if row[first]]


def _runs(marks: list[str]) -> Iterator[tuple[str, int, int]]:
    """Runs of equal marks that are not empty: mark, first, last."""
    start = 0
    for i in range(1, len(marks) + 1):
        if i == len(marks) or marks[i] != marks[start]:
            if marks[start]:
                yield marks[start], start, i - 1
            start = i


def air(rows: list[dict[str, str]]) -> list[Span]:
    """Runs of -200."""
    names = [name for name in rows[0] if name and name not in ("Date", "Time")]
    return [
        Span(name, "-200", a, b)
        for name in names
        for _, a, b in _runs(["x" if row[name] in ("-200", "-200.0") else "" for row in rows])
    ]


def sandy(rows: list[dict[str, str]]) -> list[Span]:
    """Labelled outliers by type."""
    return [
        Span(name, mark, a, b)
        for name in ("Level", "Cond", "Tur")
        for mark, a, b in _runs(["" if row[f"label_{name}"] == "0" else row[f"type_{name}"] for row in rows])
    ]


def logger(rows: list[dict[str, str]]) -> list[Span]:
    """Spans that were removed, by what they look like, and those at which a correction begins."""
    spans = []
    for name in LOGGERS:
        raw = np.array([float(row[name] or "nan") for row in rows])
        cor = np.array([float(row[f"{name}_cor"] or "nan") for row in rows])
        removed = cor == -9999.0
        marks = np.where(removed, "removed", "").astype(object)
        same = np.zeros(len(raw), dtype=int)  # length of the run of equal values that a row is in
        for _, a, b in _runs([repr(x) for x in raw.tolist()]):
            same[a : b + 1] = b - a + 1
        marks[removed & (same >= STUCK_ROWS)] = "stuck"
        marks[removed & np.isin(raw, CODES)] = "coded"
        shift = np.where(removed, np.nan, cor - raw)
        scale = np.subtract(*np.nanpercentile(np.where(removed, np.nan, cor), [75, 25]))
        jump = np.abs(np.diff(shift, prepend=np.nan)) > 0.05 * scale
        marks[jump & (marks == "")] = "corrected"
        spans += [Span(name, mark, a, b) for mark, a, b in _runs(marks.tolist())]
    return spans


FILES = {
    "AirQualityUCI.csv.gz": air,
    "MainStreet2019.csv.xz": logger,
    "TonyGrove2019.csv.xz": logger,
    "sandy.csv.gz": sandy,
}


def episodes(path: Path, series: set[str]) -> tuple[list[AnomalyEvent], dict[tuple[str, str], list[tuple[int, int]]]]:
    """Events that opened an episode, and the times that episodes cover, by series and watch."""
    scorer = Scorer(resolve(Site()), partitions=1)
    opened: list[AnomalyEvent] = []
    open_: dict[str, AnomalyEvent] = {}
    covered: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for block in read([path], FileOptions(asset="station")):
        for scored in scorer.feed(block):
            for event in scored.results.events:
                if event.series not in series:
                    continue
                if event.phase == "opened":
                    opened.append(event)
                    open_[event.episode_id] = event
                elif event.phase == "closed":
                    begun = open_.pop(event.episode_id)
                    covered[event.series, event.watch].append((begun.time, event.time))
    for event in open_.values():
        covered[event.series, event.watch].append((event.time, 2**63 - 1))
    return opened, covered


def times_of(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Time of each row, as the product reads it."""
    return np.concatenate([block.received for block in read([path], FileOptions(asset="station"))])


def judge(path: Path) -> Scores:
    """What the default site finds in a file."""
    spans = FILES[path.name](table(path))
    time = times_of(path)
    names = {span.series for span in spans} | (set(LOGGERS) if FILES[path.name] is logger else set())
    opened, covered = episodes(path, names)
    health = {w.name for w in Site().watch if REGISTRY[w.detector["kind"]].health}
    told = {key: np.zeros(len(time), dtype=bool) for key in covered}
    for key, pairs in covered.items():
        for begun, ended in pairs:
            told[key] |= (time >= begun) & (time < ended)
    none = np.zeros(len(time), dtype=bool)
    by_gate, by_any = dict.fromkeys(names, none), dict.fromkeys(names, none)
    for (series, watch), rows in told.items():
        by_any[series] = by_any[series] | rows
        if watch in health - {"gap"}:
            by_gate[series] = by_gate[series] | rows
    types: dict[str, list[int]] = {}
    labelled = {name: np.zeros(len(time), dtype=bool) for name in names}
    for name, kind, a, b in spans:
        labelled[name][max(a - 1, 0) : b + 2] = True
        one = types.setdefault(kind, [0, 0, 0, 0, 0])
        gate = by_gate[name][a : b + 1]
        for i, n in enumerate((1, int(gate.any()), int(by_any[name][a : b + 1].any()), b - a + 1, int(gate.sum()))):
            one[i] += n
    alarms: dict[str, list[int]] = {}
    for event in opened:
        at = min(int(np.searchsorted(time, event.time)), len(time) - 1)
        one = alarms.setdefault(event.watch, [0, 0])
        one[0] += 1
        one[1] += int(labelled[event.series][at])
    weeks = (time[-1] - time[0]) / 6.048e14
    print(f"{path.name}: {len(names)} series, {weeks:.0f} weeks", file=sys.stderr)
    return Scores({k: Found(*v) for k, v in types.items()}, {k: (v[0], v[1]) for k, v in alarms.items()})


def main() -> None:
    """Print the tables."""
    print("| file | type | spans | found by the gate | by the site | rows | rows withheld |")
    print("|---|---|---|---|---|---|---|")
    alarms = {}
    for name in FILES:
        scores = judge(DATA / name)
        alarms[name] = scores.alarms
        for kind, f in sorted(scores.types.items()):
            print(f"| {name} | {kind} | {f.spans} | {f.gate} | {f.site} | {f.rows} | {f.covered} |")
    print("\n| file | watch | alarms | in a labelled span | precision |\n|---|---|---|---|---|")
    for name, told in alarms.items():
        for watch, (n, right) in sorted(told.items()):
            print(f"| {name} | {watch} | {n} | {right} | {right / n:.2f} |")


if __name__ == "__main__":
    main()
