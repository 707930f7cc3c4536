"""A joint detector for tests alone: how far the mean of all inputs is from its own past."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np

from detectors.base import Batch, Detector, Floats, Verdict


class TogetherState(NamedTuple):
    """One row each."""

    learned: Floats
    level: Floats
    spread: Floats


class Together(Detector[TogetherState]):
    """Score: distance of the inputs' mean from its running mean, in five mean absolute deviations."""

    shape: ClassVar[Literal["series", "joint", "peers", "waveform"]] = "joint"
    kind: Literal["together"] = "together"
    warmup: int = 30

    def init(self, n: int, given: dict[str, Floats] | None = None) -> TogetherState:
        return TogetherState(np.zeros(n), np.zeros(n), np.zeros(n))

    def step(self, state: TogetherState, batch: Batch) -> tuple[TogetherState, Verdict]:
        present = ~np.isnan(batch.x)
        x = np.where(present, batch.x, 0.0)
        mean = x.sum(axis=1) / np.maximum(present.sum(axis=1), 1)
        level = np.where(state.learned > 0, state.level, mean)
        size = np.abs(mean - level)
        warm = np.minimum(state.learned / self.warmup, 1.0)
        band = 5.0 * state.spread
        score = np.where(warm >= 1, size / np.where(band > 0, band, 1.0), np.nan)
        gain = 1.0 / np.minimum(state.learned + 1.0, 50.0)
        after = TogetherState(
            state.learned + 1.0, level + gain * (mean - level), state.spread + gain * (size - state.spread)
        )
        away = np.abs(x - mean[:, None])
        shares = away / np.maximum(away.sum(axis=1), 1e-9)[:, None]
        return after, Verdict(score, level, level - band, level + band, warm, shares)
