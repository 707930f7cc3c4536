"""What `auto` is promised to reach on the public half of NAB, at its defaults."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import compiled
from detectors.anomaly.auto import Auto
from tests.quality.nab import NAB, mean, run

pytestmark = [
    pytest.mark.skipif(not NAB.exists(), reason="needs ../shared/data/nab"),
    pytest.mark.skipif(not compiled.available, reason="needs numba: a minute without"),
]


def test_auto_reaches_its_score_at_every_start_and_keeps_to_the_budget() -> None:
    scores = run(Auto())
    m = mean(scores)
    assert m.standard >= 76
    assert m.low_fp >= 68
    assert m.low_fn >= 81
    assert np.ptp([s.standard for s in scores]) <= 5
    assert m.outside / m.budget <= 0.5


def test_hold_costs_little() -> None:
    m = mean(run(Auto(), hold=True))
    assert m.standard >= 76
    assert m.outside / m.budget <= 0.5
