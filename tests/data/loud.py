"""A waveform detector for tests alone: the largest sample against a limit."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np

from detectors.base import Batch, Detector, Floats, Verdict


class LoudState(NamedTuple):
    """One row each."""

    blocks: Floats


class Loud(Detector[LoudState]):
    """Score: largest absolute sample / limit."""

    shape: ClassVar[Literal["series", "joint", "peers", "waveform"]] = "waveform"
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    kind: Literal["loud"] = "loud"
    limit: float = 1.0

    def init(self, n: int, given: dict[str, Floats] | None = None) -> LoudState:
        return LoudState(np.zeros(n))

    def step(self, state: LoudState, batch: Batch) -> tuple[LoudState, Verdict]:
        none = np.full(len(batch.time), np.nan)
        score = np.abs(batch.x).max(axis=1) / self.limit
        return LoudState(state.blocks + 1.0), Verdict(score, none, none, none + self.limit, np.ones(len(none)))
