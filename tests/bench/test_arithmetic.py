"""The peers' arithmetic raises the alarms that ours raises, so that the bench compares like with like."""

from __future__ import annotations

import numpy as np

from detectors.anomaly.limits import Limits
from detectors.anomaly.robust_zscore import RobustZscore
from detectors.anomaly.stuck import Stuck
from detectors.bank import Bank
from detectors.base import Batch, Detector
from detectors.calibration import Calibration
from detectors.durations import SECOND, budget_per_s, duration_ns
from tests.bench.peers.arithmetic import Series


def bank(detector: Detector[object]) -> Bank:
    refractory = duration_ns(detector.refractory_default)
    made = Bank(
        detector, Calibration(rule=detector.limit_rule, rate_per_s=budget_per_s("1/week"), refractory_ns=refractory)
    )
    made.grow(1)
    return made


def test_the_peers_judge_as_we_do() -> None:
    rng = np.random.default_rng(3)
    n = 6_000
    time = 1_767_600_000 * SECOND + np.cumsum(rng.integers(1, 4, n)) * SECOND
    x = 20 + rng.normal(0, 0.1, n)
    x[rng.integers(0, n, 60)] += rng.choice([-9.0, 3.0, 40.0], 60)
    x[2_000:2_400] = x[2_000]  # flat for ten minutes and more
    x[4_000:] += 5  # a level that lasts
    limits, stuck, robust = bank(Limits(low=0, high=55)), bank(Stuck()), bank(RobustZscore())
    series, row = Series(0, 55), np.zeros(1, dtype=np.int64)
    found, expected = [], []
    judged = {id(b): None for b in (limits, stuck, robust)}
    for t, v in zip(time.tolist(), x.tolist(), strict=True):
        found.append(series.judge(t / SECOND, v))

        def ask(of: Bank, t: int = t, v: float = v) -> tuple[float, bool]:
            was = judged[id(of)]
            judged[id(of)] = t
            gap = np.nan if was is None else (t - was) / 1e9
            one = Batch(np.array([t]), np.array([v]), np.array([gap]), np.array([True]), np.zeros(1, dtype=np.int32))
            j = of.run(row, one)
            return float(j.score[0]), bool(j.alarm[0])

        (out, _), (flat, still) = ask(limits), ask(stuck)
        healthy = not out >= 1 and not flat >= 1
        expected.append((out >= 1, still, ask(robust)[1] if healthy else False))
    assert found == expected
    assert all(any(row[i] for row in found) for i in range(3))
