"""The Numenta Anomaly Benchmark, public half, over the product's bank: `python -m tests.quality.nab`.

Scored by `../shared/tools/nab_score.py`, at thresholds that calibrate themselves; each file is started 0, 16, 32, 48,
64 and 96 rows later, as the score swings with the start of a stream.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import sys
import time as clock
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.bank import Bank
from detectors.base import Batch, Detector
from detectors.calibration import Calibration
from detectors.durations import budget_per_s, duration_ns
from detectors.registry import build

SHARED = Path(__file__).resolve().parents[3] / "shared"
NAB = SHARED / "data" / "nab"
STARTS = (0, 16, 32, 48, 64, 96)
BUDGET = "1/3d"


class Series(NamedTuple):
    """A file of n rows, and how its rows are scored."""

    name: str
    time: NDArray[np.int64]  # (n,) ns, local time taken as UTC
    x: NDArray[np.float64]
    prepared: tuple[Any, ...]  # value of an alarm, window and probation of each row; number of windows


class Score(NamedTuple):
    """Of one start, or the mean of several."""

    standard: float
    low_fp: float
    low_fn: float
    hit: float  # windows with an alarm
    windows: float
    outside: float  # alarms outside windows, all rows
    budget: float  # alarms that the budget would allow on all rows


def rules() -> ModuleType:
    """The scoring tool; of pandas it needs here no more than a time stamp."""
    spec = importlib.util.spec_from_file_location("nab_score", SHARED / "tools" / "nab_score.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    stand_in = ModuleType("pandas")
    stand_in.Timestamp = np.datetime64  # type: ignore[attr-defined]
    had = sys.modules.get("pandas")
    sys.modules["pandas"] = stand_in if had is None else had
    try:
        spec.loader.exec_module(tool)
    finally:
        if had is None:
            del sys.modules["pandas"]
    return tool


def load(tool: ModuleType) -> list[Series]:
    """Every file of the public half."""
    found = []
    for name, windows in json.loads((NAB / "windows.json").read_text()).items():
        with (NAB / name).open(newline="") as file:
            rows = list(csv.reader(file))[1:]
        stamp = np.array([row[0] for row in rows], dtype="datetime64[s]")
        x = np.array([float(row[1]) for row in rows])
        found.append(Series(name, stamp.astype(np.int64) * 10**9, x, tool.prep(stamp, windows)))
    return found


def alarms(
    detector: Detector[Any], series: Series, start: int, budget: str, hold: bool, refractory: str | None = None
) -> NDArray[np.bool_]:
    """(n,) where the bank alarms, given the rows from `start` on. Rows no newer than one before get no opinion."""
    found = np.zeros(len(series.x), dtype=bool)
    time = series.time[start:]
    newer = np.append(True, time[1:] > np.maximum.accumulate(time)[:-1])
    places = start + np.flatnonzero(newer)
    time, x = series.time[places], series.x[places]
    dt = np.append(np.nan, np.diff(time) / 1e9)
    # 1970-01-01 was a Thursday
    week_s = ((time // 10**9 + 3 * 86_400) % 604_800).astype(np.int32)
    rest = duration_ns(refractory or detector.refractory_default)
    calibration = Calibration(rule=detector.limit_rule, rate_per_s=budget_per_s(budget), refractory_ns=rest, hold=hold)
    bank = Bank(detector.with_budget(budget_per_s(budget)), calibration)
    bank.grow(1)
    judged = bank.run(np.zeros(len(x), dtype=np.int64), Batch(time, x, dt, x == x, week_s))
    found[places] = judged.alarm
    return found


def score(tool: ModuleType, files: list[Series], found: list[NDArray[np.bool_]], start: int, budget: str) -> Score:
    """Of all files, with the alarms of each."""
    rows = [(f.name, a * 1.0, *f.prepared) for f, a in zip(files, found, strict=True)]
    perfect, percents = sum(f.prepared[-1] for f in files), []
    hit = windows = 0
    for weights in tool.PROFILES.values():
        raw, windows, hit, _ = tool.at(rows, weights, 0.5)
        none = -weights[2] * windows
        percents.append(100 * (raw - none) / (perfect * weights[0] - none))
    outside = sum(int((a & (f.prepared[1] < 0)).sum()) for f, a in zip(files, found, strict=True))
    seconds = sum((f.time[-1] - f.time[start]) / 1e9 for f in files)
    return Score._make((*percents, hit, windows, outside, seconds * budget_per_s(budget)))


def run(
    detector: Detector[Any], budget: str = BUDGET, hold: bool = False, refractory: str | None = None
) -> list[Score]:
    """A score of each start."""
    tool = rules()
    files = load(tool)
    return [
        score(tool, files, [alarms(detector, f, start, budget, hold, refractory) for f in files], start, budget)
        for start in STARTS
    ]


def mean(scores: list[Score]) -> Score:
    """Of several starts."""
    return Score(*np.mean(np.array(scores), axis=0).tolist())


def report(scores: list[Score], elapsed_s: float) -> str:
    """The figures as lines of text."""
    m, standard = mean(scores), np.array([s.standard for s in scores])
    return "\n".join(
        (
            f"standard / low FP / low FN   {m.standard:.1f} / {m.low_fp:.1f} / {m.low_fn:.1f}   mean of the starts",
            f"standard by start            {' '.join(f'{s:.1f}' for s in standard)}   spread {np.ptp(standard):.1f}",
            f"windows hit                  {m.hit:.1f} of {m.windows:.0f}",
            f"alarms outside / budget      {m.outside:.1f} / {m.budget:.1f} = {m.outside / m.budget:.2f}",
            f"wall time                    {elapsed_s:.1f} s",
        )
    )


def main() -> int:
    """Score a kind at its defaults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", default="auto")
    parser.add_argument("--budget", default=BUDGET)
    parser.add_argument("--hold", action="store_true", help="threshold by the tail rule")
    parser.add_argument("--refractory", default=None)
    asked = parser.parse_args()
    if not NAB.exists():
        print(f"{NAB}: no data there; see ../shared/data/README.md")
        return 1
    began = clock.monotonic()
    scores = run(build({"kind": asked.kind}), asked.budget, asked.hold, asked.refractory)
    print(report(scores, clock.monotonic() - began))
    return 0


if __name__ == "__main__":
    sys.exit(main())
