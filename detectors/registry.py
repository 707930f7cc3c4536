"""Every detector kind by name: adding one is its file, its line here, and its folder of cases."""

from __future__ import annotations

from typing import Any

from detectors.anomaly.auto import Auto
from detectors.anomaly.bearing import Bearing
from detectors.anomaly.clock import Clock
from detectors.anomaly.cusum import Cusum
from detectors.anomaly.duplicate import Duplicate
from detectors.anomaly.gap import Gap
from detectors.anomaly.level_shift import LevelShift
from detectors.anomaly.limits import Limits
from detectors.anomaly.nelson import Nelson
from detectors.anomaly.peers import Peers
from detectors.anomaly.quality import Quality
from detectors.anomaly.railed import Railed
from detectors.anomaly.robust_zscore import RobustZscore
from detectors.anomaly.seasonal import Seasonal
from detectors.anomaly.stuck import Stuck
from detectors.anomaly.t2_spe import T2Spe
from detectors.anomaly.trend_rul import TrendRul
from detectors.anomaly.unit_swap import UnitSwap
from detectors.anomaly.vibration_zone import VelocityZone, VibrationZone
from detectors.base import Detector

REGISTRY: dict[str, type[Detector[Any]]] = {
    "limits": Limits,
    "stuck": Stuck,
    "gap": Gap,
    "quality": Quality,
    "clock": Clock,
    "railed": Railed,
    "unit_swap": UnitSwap,
    "duplicate": Duplicate,
    "robust_zscore": RobustZscore,
    "auto": Auto,
    "level_shift": LevelShift,
    "cusum": Cusum,
    "seasonal": Seasonal,
    "nelson": Nelson,
    "trend_rul": TrendRul,
    "peers": Peers,
    "t2_spe": T2Spe,
    "bearing": Bearing,
    "vibration_zone": VibrationZone,
    "velocity_zone": VelocityZone,
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
