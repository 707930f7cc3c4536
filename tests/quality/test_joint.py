"""What `t2_spe` is promised to reach on public benchmarks, at its defaults."""

from __future__ import annotations

import numpy as np
import pytest

from tests.quality import skab, smd, tep
from tests.quality.joint import DATA


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (DATA / name).exists(), reason=f"needs ../shared/data/{name}")


@needs("skab")
def test_a_drifting_pump() -> None:
    found = skab.measure()
    assert found.f1 >= 0.82
    assert found.false <= 0.14
    assert found.missed <= 0.23


@needs("tep")
@pytest.mark.parametrize(("margin", "detected"), [(None, 0.84), (1.0, 0.92)])
def test_a_chemical_plant_and_the_causes_of_its_faults(margin: float | None, detected: float) -> None:
    found = tep.measure(margin=margin)
    assert found.false <= 0.02
    assert found.detected >= detected
    assert found.top >= 6


@needs("smd")
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_four_servers() -> None:
    assert np.mean([machine.vus_pr for machine in smd.measure()]) >= 0.60
