"""What the default site is promised to find on a machine in shifts, and how quiet it keeps in its first week."""

from __future__ import annotations

import pytest

from detectors import compiled
from tests.quality.machine import SIGMA, tally

pytestmark = pytest.mark.skipif(not compiled.available, reason="needs numba: minutes without")


@pytest.mark.parametrize(("sampling", "machines"), [("5m", 20), ("10s", 8)])
def test_the_default_site_finds_a_step_between_the_modes_of_a_machine(sampling: str, machines: int) -> None:
    got = tally(sampling, 10 * SIGMA, modes=False, seeds=range(machines))
    assert len(set().union(*got.found.values())) >= 0.9 * machines


@pytest.mark.parametrize("modes", [False, True])
@pytest.mark.parametrize(("sampling", "machines"), [("5m", 20), ("10s", 4)])
def test_the_first_week_is_quiet_and_nothing_is_found_where_nothing_is(
    sampling: str, machines: int, modes: bool
) -> None:
    got = tally(sampling, 0, modes, seeds=range(machines))
    assert got.week.total() / machines <= 2
    assert got.rest.total() / machines <= 1
    assert len(set().union(*got.found.values())) <= 0.1 * machines


@pytest.mark.parametrize(("sampling", "machines"), [("5m", 20), ("10s", 4)])
def test_with_the_mode_declared_half_the_step_is_enough(sampling: str, machines: int) -> None:
    got = tally(sampling, 5 * SIGMA, modes=True, seeds=range(machines))
    assert len(set().union(*got.found.values())) >= 0.95 * machines
