"""Which detectors, with which options, every contract is proved for: all of the registry and the throw-away ones."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.anomaly.control_chart import Runs
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
    "quality": [{"half_life": "20s"}, {"limit": 0.4, "uncertain": 1.0, "half_life": "1s"}],
    "clock": [{}, {"ahead": "1s", "behind": "4s", "stale": "2s", "window": "10s"}],
    "railed": [{"warmup": 3, "after": 3}, {"apart": 0.2}],
    "unit_swap": [{"warmup": 4, "after": 2, "accept_after": "1m"}, {"warmup": 8, "after": 3}],
    "gap": [{"at_least": "1s", "factor": 3}, {"timeout": "30s"}],
    "robust_zscore": [
        {"warmup": 5, "half_life": "2m", "accept_after": "1m"},
        {"warmup": "2m", "resolution": 0.5, "floor": 0},
    ],
    "auto": [{"warmup": "10s"}, {"warmup": "2m", "resolution": 0.5, "floor": 0, "every": "1m"}],
    "level_shift": [
        {"every": "1s", "warmup": "5s", "limit": 1},
        {"every": "1m", "warmup": "5m", "resolution": 0.01, "floor": 0, "limit": 0.5},
    ],
    "cusum": [
        {"every": "1s", "warmup": 4, "accept_after": "1m"},
        {"every": "1m", "warmup": "10m", "resolution": 0.1, "shift": 2},
    ],
    "seasonal": [
        {"every": "10m", "warmup": "1m", "accept_after": "30m", "limit": 3},
        {"every": "1d", "warmup": "1h", "half_life": "1d", "resolution": 0.5},
    ],
    "peers": [
        {"at_least": 2, "warmup": 2, "half_life": "1m", "accept_after": "1m", "limit": 3},
        {"at_least": 2, "warmup": 5, "resolution": 0.5, "floor": 0, "limit": 2},
    ],
    "bearing": [
        {"bpfi": 5.4152, "bpfo": 3.5848, "bsf": 2.357, "ftf": 0.3983, "warmup": 3, "ratio": 2.5},
        {"balls": 9, "ball_diameter": 7.94, "pitch_diameter": 39.04, "speed_rpm": 1900, "warmup": 3, "ratio": 2.5},
    ],
    "vibration_zone": [{}, {"unit": "g", "lowest_hz": 20, "zone_d": 50}],
    "velocity_zone": [{}, {"zone_b": 0.1, "zone_c": 4, "zone_d": 50}],
    "nelson": [
        {"warmup": 5, "rules": [1, 2, 3, 4, 5, 6, 7, 8], "ranges": True, "adapt": True},
        {"warmup": 3, "subgroup": 2, "rules": [2, 1]},
    ],
    "trend_rul": [
        {"limit": 5, "window": "10h", "horizon": "10d", "confidence": 0.5, "least": 4},
        {"limit": -100, "side": "below", "window": "30m", "horizon": "10d", "confidence": 0.6, "least": 4},
    ],
    "t2_spe": [{"warmup": 8, "grow": 2, "frozen": 3}, {"warmup": 9, "margin": 1, "least": 1, "adapt": False}],
    "duplicate": [{"agreements": 2}, {"agreements": 3}],
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
    "quality": frozenset({"share"}),
    "clock": frozenset({"newest", "news", "kept", "behind_s", "start", "least_s", "before_s"}),
    "railed": frozenset({"last", "run", "held", "times"}),
    "unit_swap": frozenset({"level", "swap", "hits", "misses", "moved", "farthest"}),
    "deadman": frozenset({"last", "told"}),
    "auto": frozenset({"newest", "interval_s", "intervals", "passed", "last", "fast", "slow", "at", "phase", "units"})
    | frozenset({"recent", "quarter", "coarse"}),
    "level_shift": frozenset({"newest", "interval_s", "intervals", "run", "at", "values", "levels", "waiting"}),
    "seasonal": frozenset({"slot", "opened", "total", "held", "filled", "clean"}),
    "nelson": frozenset({"members", "total", "smallest", "largest", "clean", "previous", "fired", *Runs._fields}),
    "cusum": frozenset({"start", "total", "filled", "clean", "last", "decision", "up", "down", "alarmed", "away"})
    | frozenset({"away_count"}),
    "t2_spe": frozenset({"smooth"}),
    "rms": frozenset({"blocks"}),
    "bearing": frozenset({"blocks", "lasting"}),
    "vibration_zone": frozenset({"judged"}),
    "velocity_zone": frozenset({"judged"}),
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
    if detector.kind in ("robust_zscore", "seasonal", "peers", "level_shift"):
        return bool(detector.resolution)  # type: ignore[attr-defined]  # its `limit` is in sigmas
    return any(getattr(detector, name, None) for name in UNITS)
