"""VUS-PR gives the figures of TSB-AD 1.5 (version "opt"), which were computed once beside this environment."""

from __future__ import annotations

import numpy as np
import pytest

from tests.quality.vus import vus_pr


def example(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = np.zeros(600, dtype=int)
    for begin in rng.integers(0, 540, 4):
        label[begin : begin + 40] = 1
    score = rng.normal(size=600) + seed * label
    return label, np.round(score) if seed == 2 else score


@pytest.mark.parametrize(
    ("seed", "window", "expected"),
    [(0, 40, 0.3404733935786872), (1, 100, 0.701456475635607), (2, 101, 0.7988860151491826)],
)
def test_the_figures_are_those_of_the_published_code(seed: int, window: int, expected: float) -> None:
    assert vus_pr(*example(seed), window) == pytest.approx(expected, abs=1e-12)


def test_without_a_labelled_anomaly_there_is_no_figure() -> None:
    with pytest.raises(ValueError, match="no anomaly"):
        vus_pr(np.zeros(50, dtype=int), np.arange(50.0))
