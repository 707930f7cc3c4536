"""Bearing and vibration zones: options, what leaves the score as it is, silence on noise, and public records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detectors.anomaly.bearing import PARTS, Bearing
from detectors.anomaly.bearing_lines import orders_of
from detectors.anomaly.vibration_zone import VelocityZone, VibrationZone
from detectors.base import Batch, Floats
from streams.severity import severity_of
from tests.quality import cwru

RATE_HZ, RPM = 12_000.0, 1_800.0
ORDERS = {"bpfi": 5.4152, "bpfo": 3.5848, "bsf": 2.357, "ftf": 0.39828}
NO_DATA = pytest.mark.skipif(not cwru.DATA.exists(), reason=f"{cwru.DATA} is not there: public bearing records")


def block(x: Floats, rate_hz: float = RATE_HZ, rpm: float = RPM) -> Batch:
    one = np.ones(1)
    return Batch(np.zeros(1, np.int64), x[None], one, one > 0, np.zeros(1, np.int32), rate_hz * one, rpm * one)


def struck(order: float, seed: int = 1, seconds: float = 1.0, at_load: float | None = None) -> Floats:
    """Noise, and a resonance that is struck `order` times a turn, with slip; as strong as the load where that turns."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    x, at = rng.normal(size=len(t)), 0.0
    while at < t[-1]:
        s = np.maximum(t - at, 0.0)
        load = 1.0 if at_load is None else 1.0 + np.cos(2 * np.pi * at_load * RPM / 60 * at)
        x += 8.0 * load * np.where(t >= at, np.exp(-900 * s) * np.sin(2 * np.pi * 3200 * s), 0.0)
        at += 60.0 / RPM / order * 1.008 * (1.0 + 0.005 * rng.normal())
    return x


def first(x: Floats, **options: Any) -> tuple[float, str]:
    """Score and the part named of a lone block."""
    detector = Bearing(**(options or ORDERS))
    _, verdict = detector.step(detector.init(1), block(x))
    assert verdict.contribution is not None
    return float(verdict.score[0]), PARTS[int(verdict.contribution[0].argmax())]


@pytest.mark.parametrize(
    ("order", "at_load", "part"), [(5.4152, 1.0, "inner_race"), (3.5848, None, "outer_race"), (4.714, 0.39828, "ball")]
)
def test_the_part_that_is_struck_is_named(order: float, at_load: float | None, part: str) -> None:
    for seed in range(5):
        score, named = first(struck(order, seed, at_load=at_load))
        assert named == part
        assert score > 1


def test_the_geometry_gives_what_the_rates_give() -> None:
    geometry = {"balls": 9, "ball_diameter": 7.94, "pitch_diameter": 39.04}
    assert orders_of(9, 7.94, 39.04) == Bearing(**geometry).orders
    x = struck(3.5848)
    assert first(x, **geometry)[1] == first(x)[1] == "outer_race"
    assert first(x, **geometry)[0] == pytest.approx(first(x)[0], rel=0.05)


def test_scaling_the_samples_leaves_the_score_as_it_is() -> None:
    x = struck(3.5848)
    for factor in (2.0**-20, 2.0**9):
        assert first(x * factor) == first(x)
    assert first(x * 9.80665)[0] == pytest.approx(first(x)[0], rel=1e-9)


@pytest.mark.parametrize(
    "why",
    [
        {"rpm": np.nan},
        {"rpm": 0.0},
        {"rpm": 100.0},  # too few turns in a block
        {"rpm": 30_000.0},  # the lines lie above half the rate
        {"rate_hz": 0.0},
    ],
)
def test_what_cannot_tell_has_no_opinion(why: dict[str, float]) -> None:
    detector = Bearing(**ORDERS)
    state, verdict = detector.step(detector.init(1), block(struck(3.5848), **why))
    assert np.isnan(verdict.score[0])
    assert state.blocks[0] == 0


def test_a_long_block_is_the_mean_of_its_pieces() -> None:
    x, detector = struck(3.5848, seconds=10.0), Bearing(**ORDERS)  # 300 turns
    halves = [detector.strength(part, RATE_HZ, RPM) for part in (x[:60_000], x[60_000:])]
    whole = detector.strength(x, RATE_HZ, RPM)
    assert halves[0] is not None
    assert halves[1] is not None
    assert whole is not None
    assert whole.tolist() == ((halves[0] + halves[1]) / 2).tolist()


def test_the_speed_may_stand_in_the_options() -> None:
    x = struck(3.5848)
    detector = Bearing(**ORDERS, speed_rpm=RPM)
    _, by_option = detector.step(detector.init(1), block(x, rpm=np.nan))
    assert (float(by_option.score[0]), "outer_race") == first(x)


def test_noise_and_an_unbalanced_shaft_never_alarm() -> None:
    rng = np.random.default_rng(3)
    turn = 2 * np.pi * RPM / 60 * np.arange(6_000) / RATE_HZ
    detector = Bearing(**ORDERS)
    for modulation in (0.0, 0.8):
        state, scores = detector.init(1), []
        for _ in range(150):
            x = rng.normal(size=6_000) * (1 + modulation * np.sin(turn)) + 5 * modulation * np.sin(turn + 1)
            state, verdict = detector.step(state, block(x))
            scores.append(float(verdict.score[0]))
        assert max(scores) < 1
        assert state.learned[0] == 150


def test_a_weak_line_that_lasts_is_told_by_the_mean_of_blocks() -> None:
    weak = [5.5 * np.random.default_rng(100 + i).normal(size=12_000) + struck(3.5848, i) for i in range(8)]
    detector = Bearing(**ORDERS)
    state, scores = detector.init(1), []
    for x in weak:
        state, verdict = detector.step(state, block(x))
        scores.append(float(verdict.score[0]))
    assert max(scores[:4]) < 1 <= scores[-1], scores


@pytest.mark.parametrize("options", [{}, {"bpfi": 5.4}, {**ORDERS, "balls": 9}, {"balls": 9, "ball_diameter": 8.0}])
def test_half_a_bearing_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="bpfi, bpfo, bsf and ftf"):
        Bearing(**options)


def test_severity_follows_the_zone() -> None:
    d, one = VelocityZone(), np.ones(5)
    x = np.array([1.0, 2.79, 2.8, 4.5, 9.0])
    _, verdict = d.step(d.init(5), Batch(np.zeros(5, np.int64), x, one, one > 0, one.astype(np.int32)))
    assert (verdict.score < 1).tolist() == [True, True, False, False, False]
    assert [severity_of(s) for s in verdict.score[2:]] == [201, 601, 801]
    np.testing.assert_allclose(d.measured(verdict), x)


def test_the_unit_of_the_samples_is_an_option() -> None:
    t = np.arange(12_000) / RATE_HZ
    # 2 m/s2 at 80 Hz: 2000 / (2 pi 80) / sqrt(2) mm/s
    for unit, size in (("m/s2", 1.0), ("mm/s2", 1000.0), ("g", 1 / 9.80665)):
        x = 2.0 * np.sin(2 * np.pi * 80 * t) * size
        assert VibrationZone(unit=unit).velocity(x, RATE_HZ) == pytest.approx(2.8135, rel=1e-3)
    assert VibrationZone(unit="mm/s").velocity(4.0 * np.sin(2 * np.pi * 80 * t), RATE_HZ) == pytest.approx(np.sqrt(8))


def test_limits_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(ValueError, match="zone_b < zone_c < zone_d"):
        VibrationZone(zone_c=5.0)


@NO_DATA
@pytest.mark.parametrize("frame_s", [None, 2.0, 1.0])
def test_public_records_have_their_part_named_and_no_alarm_on_normal(frame_s: float | None) -> None:
    for signal in cwru.signals():
        row = cwru.judged(signal, frame_s)
        assert row.named == cwru.TRUTH[row.name], row
        if row.named is None:
            assert row.high < 0.75, row


@NO_DATA
def test_public_records_in_half_seconds_have_both_races_named_and_no_alarm_on_normal() -> None:
    # the ball's lines are too weak for half seconds: no alarm, rather than a wrong part
    for signal in cwru.signals():
        row = cwru.judged(signal, 0.5)
        assert row.named == (None if row.name == "B007_0" else cwru.TRUTH[row.name]), row
