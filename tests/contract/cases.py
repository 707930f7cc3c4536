"""Which detectors, with which options, every contract is proved for: all of the registry and the throw-away ones."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.base import Detector
from detectors.registry import REGISTRY, build
from tests.contract import throwaway

KNOWN = REGISTRY | throwaway.REGISTRY

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "limits": [
        {"low": -1, "high": 20},
        {"high": 5000, "rate": 0.5, "deadband": 0.5},
        {"low": -1e308, "high": 1e308, "rate": 1e-300},
    ],
    "stuck": [{"warmup": 3, "at_least": "2s", "factor": 2}, {"after": "30s", "resolution": 0.05}],
    "gap": [{"at_least": "1s", "factor": 3}, {"timeout": "30s"}],
    "robust_zscore": [
        {"warmup": 5, "half_life": "2m", "accept_after": "1m"},
        {"warmup": "2m", "resolution": 0.5, "floor": 0},
    ],
    "spread": [{"limit": 3}],
    "week_profile": [{"limit": 3, "least": 2}],
    "rms": [{"limit": 5}, {"limit": 5, "skip": "20us"}],
    "deadman": [{"timeout": "30s"}, {"timeout": "1s", "times": 2}],
}
"""Options that make a detector speak on the streams of `readings`; a kind that is not here is proved as it comes."""

TRACKS: dict[str, frozenset[str]] = {
    "limits": frozenset({"last", "since"}),
    "stuck": frozenset({"level", "start"}),
    "gap": frozenset({"last", "told"}),
    "deadman": frozenset({"last", "told"}),
    "rms": frozenset({"blocks"}),
}
"""State that follows the present (the last value, the run that is going on) and so moves whatever `learn` says."""

UNITS = frozenset({"low", "high", "rate", "deadband", "resolution", "limit"})
"""Options in the series' unit: with one of them set to other than 0, scaling the data alone changes the score."""

ALARMS_ON_CONSTANT = {("stuck", "after")}
"""A stated age of a flat run is an alarm on a constant by its definition."""


def detectors(**only: Any) -> pytest.MarkDecorator:
    """Parametrizes a test over every detector with each of its option sets; `only` filters by class attribute."""
    found = []
    for kind, cls in KNOWN.items():
        if any(getattr(cls, name) != wanted for name, wanted in only.items()):
            continue
        for i, options in enumerate(OPTIONS.get(kind, [{}])):
            found.append(pytest.param(build({"kind": kind, **options}, KNOWN), id=f"{kind}-{i}"))
    return pytest.mark.parametrize("detector", found)


def in_units(detector: Detector[Any]) -> bool:
    """Whether an option in the series' unit is set."""
    if detector.kind == "robust_zscore":
        return bool(detector.resolution)  # type: ignore[attr-defined]  # its `limit` is in sigmas
    return any(getattr(detector, name, None) for name in UNITS)
