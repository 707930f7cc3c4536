"""Blocks of samples: what the verdict on one comes to, for its row and its event."""

from __future__ import annotations

from typing import Any, NamedTuple

from detectors.base import Detector
from detectors.judgement import Judgement
from schemas.chunk import Waveform

Named = tuple[str, dict[str, float | str]]
"""Key of a message, and words beside the usual ones."""


class Block(NamedTuple):
    """What is told of one judged block."""

    value: float  # what it came to, NaN where that is no one number
    unit: str | None  # the value's
    shares: dict[str, float] | None  # of each cause that the detector tells apart
    named: Named | None  # the message that names the cause


def block_of(detector: Detector[Any], judged: Judgement, wave: Waveform) -> Block:
    """What is told of the one block judged.

    A detector that tells causes apart has a message for each: its kind, an underscore and the cause.
    """
    value = float(detector.measured(judged.verdict)[0])
    unit = detector.measured_unit or wave.key.unit
    contribution = judged.verdict.contribution
    if contribution is None or not detector.causes:
        return Block(value, unit, None, None)
    shares = dict(zip(detector.causes, contribution[0].tolist(), strict=True))
    top = max(shares, key=lambda cause: shares[cause])
    return Block(value, unit, shares, (f"{detector.kind}_{top}", {}) if shares[top] > 0 else None)
