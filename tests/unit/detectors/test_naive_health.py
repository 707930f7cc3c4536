"""Each health detector gives what its slow, obvious twin gives, over streams of everything that can come in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.anomaly.clock import Clock
from detectors.anomaly.quality import Quality
from detectors.anomaly.railed import Railed
from detectors.anomaly.unit_swap import UnitSwap
from tests.contract.readings import stream
from tests.naive.clock import NaiveClock
from tests.naive.quality import NaiveQuality
from tests.naive.railed import NaiveRailed
from tests.naive.unit_swap import NaiveUnitSwap
from tests.strict import NO_WARNINGS
from tests.unit.detectors.test_naive import ROWS, by_twin, equal, plain_bank

pytestmark = NO_WARNINGS

SEEDS = st.integers(0, 2**32 - 1)
SOME = settings(max_examples=25)


@pytest.mark.parametrize("options", [{}, {"half_life": "3s", "limit": 0.7, "uncertain": 0.9}])
@given(seed=SEEDS)
@SOME
def test_quality(options: dict[str, Any], seed: int) -> None:
    detector = Quality(**options)
    whole = stream(seed, detector, rows=ROWS)
    twins = [NaiveQuality(detector) for _ in range(ROWS)]
    b = whole.batch
    assert b.quality is not None
    readings = zip(whole.rows.tolist(), b.dt.tolist(), b.quality.tolist(), strict=True)
    slow = [twins[row].judge(dt, code) for row, dt, code in readings]
    equal(plain_bank(detector).run(whole.rows, b).raw, slow, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"ahead": "2s", "behind": "3s", "stale": "1m", "window": "30s"}])
@given(seed=SEEDS)
@SOME
def test_clock(options: dict[str, Any], seed: int) -> None:
    detector = Clock(**options)
    whole = stream(seed, detector, rows=ROWS)
    twins = [NaiveClock(detector) for _ in range(ROWS)]
    b = whole.batch
    assert b.received is not None
    readings = zip(whole.rows.tolist(), b.time.tolist(), b.received.tolist(), strict=True)
    slow = [twins[row].judge(time, received) for row, time, received in readings]
    equal(plain_bank(detector).run(whole.rows, b).raw, slow, rtol=1e-9)


@pytest.mark.parametrize("options", [{}, {"warmup": 3, "after": 3}, {"apart": 0.1, "warmup": 20}])
@given(seed=SEEDS)
@SOME
def test_railed(options: dict[str, Any], seed: int) -> None:
    detector = Railed(**options)
    whole = stream(seed, detector, r=300, rows=ROWS)
    slow = by_twin(lambda: _Plain(NaiveRailed(detector)), whole)
    judged = plain_bank(detector).run(whole.rows, whole.batch)
    equal(judged.raw, [s for s, _ in slow], rtol=1e-12)
    equal(judged.verdict.warm, [warm for _, warm in slow])


class _Plain:
    """A twin that needs neither time nor interval."""

    def __init__(self, twin: NaiveRailed) -> None:
        self.twin = twin

    def judge(self, time: int, x: float, dt: float, learn: bool) -> tuple[float, float]:
        return self.twin.judge(x, learn)


@pytest.mark.parametrize("options", [{"warmup": 3, "after": 2, "accept_after": "2m"}, {"warmup": 10, "after": 4}])
@given(seed=SEEDS)
@SOME
def test_unit_swap(options: dict[str, Any], seed: int) -> None:
    detector = UnitSwap(**options)
    whole = stream(seed, detector, r=300, rows=ROWS)
    slow = by_twin(lambda: NaiveUnitSwap(detector), whole)
    judged = plain_bank(detector).run(whole.rows, whole.batch)
    for fast, which in zip(
        (judged.raw, judged.verdict.expected, judged.verdict.warm), zip(*slow, strict=True), strict=True
    ):
        equal(fast, which, rtol=1e-9)
