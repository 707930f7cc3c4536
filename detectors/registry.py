"""Every detector kind by name: adding one is its file, its line here, and its folder of cases."""

from __future__ import annotations

from typing import Any

from detectors.anomaly.gap import Gap
from detectors.anomaly.limits import Limits
from detectors.anomaly.robust_zscore import RobustZscore
from detectors.anomaly.stuck import Stuck
from detectors.base import Detector

REGISTRY: dict[str, type[Detector[Any]]] = {
    "limits": Limits,
    "stuck": Stuck,
    "gap": Gap,
    "robust_zscore": RobustZscore,
}


def build(options: dict[str, Any], registry: dict[str, type[Detector[Any]]] | None = None) -> Detector[Any]:
    """The detector that `options` (a table with `kind`) describes.

    Raises ValueError for an unknown kind, naming the known ones, and pydantic's ValidationError for its options.

    >>> build({"kind": "gap", "timeout": "1m"}).kind
    'gap'
    """
    known = REGISTRY if registry is None else registry
    kind = options.get("kind")
    if not isinstance(kind, str) or kind not in known:
        raise ValueError(f"kind must be one of {', '.join(sorted(known))}; got {kind!r}")
    return known[kind](**options)
