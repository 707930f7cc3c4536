"""Detectors of waveforms and of peers give what their slow, obvious twins give, over streams of what can come in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from detectors.anomaly.bearing import Bearing
from detectors.anomaly.peers import Peers
from detectors.anomaly.vibration_zone import VelocityZone, VibrationZone
from tests.contract.cases import OPTIONS
from tests.contract.readings import stream
from tests.naive.bearing import NaiveBearing
from tests.naive.peers import NaivePeers
from tests.naive.vibration_zone import score_of, velocity_of
from tests.strict import NO_WARNINGS
from tests.unit.detectors.test_naive import ROWS, equal, plain_bank

pytestmark = NO_WARNINGS

SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("options", OPTIONS["bearing"])
@given(seed=SEEDS)
@settings(max_examples=4, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes minutes
def test_bearing(options: dict[str, Any], seed: int) -> None:
    detector = Bearing(**options)
    whole = stream(seed, detector, r=30, rows=ROWS)
    b = whole.batch
    assert b.rate_hz is not None
    assert b.speed_rpm is not None
    twins = [NaiveBearing(detector) for _ in range(ROWS)]
    each = zip(whole.rows.tolist(), b.x.tolist(), b.rate_hz, b.speed_rpm, b.learn.tolist(), strict=True)
    slow = [twins[row].judge(x, float(rate), float(rpm), learn) for row, x, rate, rpm, learn in each]
    judged = plain_bank(detector).run(whole.rows, b)
    equal(judged.raw, [score for score, _, _ in slow], rtol=1e-6)
    np.testing.assert_allclose(judged.verdict.contribution, [shares for _, shares, _ in slow], rtol=1e-5, atol=1e-9)
    equal(judged.verdict.warm, [warm for _, _, warm in slow])


@pytest.mark.parametrize(
    "options", [*OPTIONS["vibration_zone"], {"unit": "mm/s2", "highest_hz": 3000}, {"unit": "mm/s"}]
)
@given(seed=SEEDS)
@settings(max_examples=2)
def test_vibration_zone(options: dict[str, Any], seed: int) -> None:
    detector = VibrationZone(**options)
    whole = stream(seed, detector, r=4, rows=ROWS)
    assert whole.batch.rate_hz is not None
    judged = plain_bank(detector).run(whole.rows, whole.batch)
    velocity = [
        velocity_of(detector, x, float(r)) for x, r in zip(whole.batch.x.tolist(), whole.batch.rate_hz, strict=True)
    ]
    equal(judged.raw, [score_of(detector, v) for v in velocity], rtol=1e-9)
    measured = detector.measured(judged.verdict)
    np.testing.assert_allclose(measured, np.where(judged.raw < 1e6, velocity, measured), rtol=1e-9)


@pytest.mark.parametrize("options", OPTIONS["velocity_zone"])
@given(seed=SEEDS)
@settings(max_examples=20)
def test_velocity_zone(options: dict[str, Any], seed: int) -> None:
    detector = VelocityZone(**options)
    whole = stream(seed, detector, rows=ROWS)
    judged = plain_bank(detector).run(whole.rows, whole.batch)
    equal(judged.raw, [score_of(detector, v) for v in whole.batch.x.tolist()], rtol=1e-15)


@pytest.mark.parametrize("options", [*OPTIONS["peers"], {"at_least": 2, "floor": 0.0, "limit": 1.0, "warmup": 1}])
@given(seed=SEEDS, machines=st.integers(3, 14))
@settings(max_examples=15)
def test_peers(options: dict[str, Any], seed: int, machines: int) -> None:
    detector = Peers(**options)
    whole = stream(seed, detector, r=200, rows=ROWS)
    rng = np.random.default_rng(seed)
    more = whole.batch.x[:, :1] + rng.normal(size=(200, machines - 3))
    more[rng.random(more.shape) < 0.2] = np.nan
    b = whole.batch._replace(x=np.hstack((whole.batch.x, more)))
    twins = [NaivePeers(detector) for _ in range(ROWS)]
    each = zip(whole.rows.tolist(), b.x.tolist(), b.dt.tolist(), b.learn.tolist(), strict=True)
    slow = [twins[row].judge(x, dt, learn) for row, x, dt, learn in each]
    judged = plain_bank(detector).run(whole.rows, b)
    v = judged.verdict
    for fast, which in zip((judged.raw, v.expected, v.low, v.high, v.warm), zip(*slow, strict=True), strict=True):
        np.testing.assert_allclose(fast, which, rtol=1e-9, atol=1e-12)
