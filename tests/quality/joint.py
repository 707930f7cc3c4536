"""Judging the rows of a benchmark by a joint watch's bank, as an engine does, and finding the benchmark's data."""

from __future__ import annotations

import time as clock
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.t2_spe import T2Spe
from detectors.bank import Bank
from detectors.base import Batch
from detectors.calibration import Calibration
from detectors.durations import SECOND, budget_per_s, duration_ns

DATA = Path(__file__).parents[2].parent / "shared" / "data"
BUDGET = "1/week"
START = 1_767_600_000 * SECOND


class Judged(NamedTuple):
    """What the bank said of n rows."""

    score: NDArray[np.float64]  # (n,)
    alarm: NDArray[np.bool_]  # (n,)
    shares: NDArray[np.float64]  # (n, p)
    seconds: float


def judge(
    x: NDArray[np.float64], interval_s: float, *, time: NDArray[np.int64] | None = None, **options: Any
) -> Judged:
    """Rows (n, p) of one machine as one stream, at the default budget; `options` are the detector's.

    `time` (n,) in ns; default: `interval_s` apart.
    """
    detector = T2Spe(**options).with_budget(budget_per_s(BUDGET))
    refractory = duration_ns(detector.refractory_default)
    bank = Bank(
        detector, Calibration(rule="own", rate_per_s=budget_per_s(BUDGET), refractory_ns=refractory), x.shape[1]
    )
    bank.grow(1)
    n = len(x)
    at = START + (np.arange(n) * interval_s * 1e9).astype(np.int64) if time is None else time
    dt = np.full(n, interval_s)
    batch = Batch(at, x.astype(np.float64), dt, np.ones(n, dtype=bool), np.zeros(n, dtype=np.int32))
    began = clock.perf_counter()
    said = bank.run(np.zeros(n, dtype=np.int64), batch)
    assert said.verdict.contribution is not None
    return Judged(said.score, said.alarm, said.verdict.contribution, clock.perf_counter() - began)


def data(*path: str) -> Path:
    """A folder or file of the public data; a clear line and exit 0 where it is absent."""
    found = DATA.joinpath(*path)
    if not found.exists():
        raise SystemExit(f"skipped: no {found.name} in ../shared/data beside the repository")
    return found
