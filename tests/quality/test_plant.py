"""What is told of faults planted into real normal data, beyond what is told of the same stretches without them."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import compiled
from tests.quality import plant, planted
from tests.quality.normal import DATA
from tests.quality.plant import Outcome
from tests.quality.planted import CORRELATION, FAULTS, Fault, Stretch

HOUR = 3_600 * 10**9
needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
needs_numba = pytest.mark.skipif(not compiled.available, reason="needs numba: minutes without")


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    """Of all faults in one series: each series is gone through once."""
    return plant.measure(FAULTS)


@needs_data
@needs_numba
@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_in_one_series_is_told_of_more_often_than_none(fault: Fault, outcomes: list[Outcome]) -> None:
    told = plant.figures([outcome for outcome in outcomes if outcome.place.fault is fault])
    assert told.planted >= 100
    assert told.least > 0


@needs_data
@pytest.mark.slow
def test_a_series_that_goes_no_longer_with_the_others_is_told_of() -> None:
    """Without the servers, which take a minute, and the turbines."""
    told = plant.figures(plant.measure([CORRELATION], only=("air", "steel", "tep")))
    assert told.planted >= 78
    assert told.least > 0


@pytest.mark.parametrize("fault", [*FAULTS, CORRELATION], ids=lambda fault: fault.name)
def test_a_fault_changes_its_own_stretch_and_the_same_one_each_time(fault: Fault) -> None:
    x = np.sin(np.arange(600.0)) + np.arange(600) % 7
    stretch = Stretch(np.arange(600) * HOUR, x, 400, 448)
    once, again = (fault.plant(stretch, np.random.default_rng(7)) for _ in range(2))
    assert once.shape == (48,)
    assert (once == again).all()
    assert (once != x[400:448]).any()
    assert (stretch.x == x).all()


def test_faults_have_the_size_that_is_stated() -> None:
    x = np.random.default_rng(1).normal(size=1_000)
    stretch = Stretch(np.arange(1_000) * HOUR, x / np.std(x), 500, 548)
    rng = np.random.default_rng(2)
    before = stretch.x[500:548]
    assert abs(planted.drift(stretch, rng) - before)[-1] == pytest.approx(4.7)
    assert abs(planted.step(stretch, rng) - before) == pytest.approx(2.0)
    assert np.flatnonzero(planted.spike(stretch, rng) - before).tolist() == [0]
    assert planted.phase(stretch, rng).tolist() == stretch.x[494:542].tolist()
    assert np.std(planted.noise(stretch, rng)) == pytest.approx(3, rel=0.3)


def test_events_that_come_anyway_count_for_nothing() -> None:
    place = plant.Place(FAULTS[0], "steel", "x", 0, 1, 0)
    anyway = [plant.Outcome(place, f"s{i}", True, True, 1.0, "auto") for i in range(50)]
    assert plant.figures(anyway).less == 0
    found = [plant.Outcome(place, f"s{i}", i % 2 == 0, False, 1.0, "auto") for i in range(50)]
    told = plant.figures(found)
    assert told.less == 0.5
    assert 0.3 < told.least < 0.5
