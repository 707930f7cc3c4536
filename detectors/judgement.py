"""Judgements: what a bank says of readings and of silences, and blocks of them put back into the readings' order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detectors.base import Bools, Floats, Ints, Verdict, no_opinion


class Judgement(NamedTuple):
    """What a bank says of r readings, in the order they were given."""

    raw: Floats  # the detector's own score
    score: Floats  # calibrated: raw / threshold
    alarm: Bools
    threshold: Floats
    verdict: Verdict
    before: dict[int, dict[str, Any]]  # alarmed reading -> its row's state just before it, as plain data


class Silence(NamedTuple):
    """A deadline that passed: `at` is the place in `judged` that speaks of it."""

    row: int
    time: int  # the deadline, ns
    reading: int  # the reading before which it was noticed
    judged: Judgement
    at: int
    learned_since: int | None  # as known when the deadline passed


def in_order(parts: list[Judgement], places: list[Ints], r: int) -> Judgement:
    """Judgements of blocks as one, in the order of the r readings."""
    if not r:
        nothing = np.zeros(0)
        return Judgement(nothing, nothing, nothing > 0, nothing, no_opinion(0), {})
    back = np.empty(r, dtype=np.int64)
    back[np.concatenate(places)] = np.arange(r)
    before = {i: state for p in parts for i, state in p.before.items()}
    raw, score, alarm, threshold = (_gather([p[i] for p in parts], back) for i in range(4))
    return Judgement(raw, score, alarm, threshold, _verdict([p.verdict for p in parts], back), before)


def _gather(parts: list[Any], back: Ints) -> Any:
    flat = [p.reshape(-1) for p in parts]
    return (flat[0] if len(flat) == 1 else np.concatenate(flat))[back]


def _verdict(parts: list[Verdict], back: Ints) -> Verdict:
    score, expected, low, high, warm = (_gather([p[i] for p in parts], back) for i in range(5))
    if parts[0].contribution is None:
        return Verdict(score, expected, low, high, warm)
    shares = [p.contribution.reshape(-1, p.contribution.shape[-1]) for p in parts if p.contribution is not None]
    return Verdict(score, expected, low, high, warm, np.concatenate(shares)[back])
