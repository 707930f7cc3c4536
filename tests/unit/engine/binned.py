"""A throw-away detector of bins, and a site in which it watches in every way."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from detectors.anomaly.robust_zscore import RobustZscore
from detectors.base import option
from detectors.durations import Duration
from streams.resolve import ResolvedSite, resolve
from streams.site import Site
from tests.unit.engine.logs import LINE, WATCHES


class BinnedZscore(RobustZscore):
    """`RobustZscore` over bins."""

    binned: ClassVar[bool] = True
    calendar: ClassVar[bool] = True

    kind: Literal["binned_zscore"] = "binned_zscore"  # type: ignore[assignment]
    every: Duration | Literal["auto"] = option("auto", "Length of a bin.", resets=True)


def detector(every: str, **options: Any) -> dict[str, Any]:
    return {"kind": "binned_zscore", "every": every, "warmup": 2, "half_life": "1m", "accept_after": "10s", **options}


BINNED: tuple[dict[str, Any], ...] = (
    {"name": "bins", "series": "*/[ab]", "refractory": "5s", "detector": detector("3s")},
    {
        "name": "bins by mode",
        "series": "*",
        "by": "state",
        "wait": "1s",
        "refractory": "5s",
        "detector": detector("2s"),
    },
    {
        "name": "bins while running",
        "series": "*",
        "when": "state == 'run'",
        "wait": "4s",
        "off_delay": "1s",
        "refractory": "5s",
        "detector": detector("1s"),
    },
    {"name": "bins as they come", "series": "*", "refractory": "5s", "detector": detector("auto")},
)
"""Watches on bins, beside those of the other laws; under "auto" series c has bins of its own, others of a minute."""


def site(version: int = 1, c: str | None = "1m", others: bool = True, **options: Any) -> ResolvedSite:
    """The site of the laws with bins, and with the `others`; `c` is the interval declared of series c."""
    series = {
        "a": {"low": -5, "high": 20, "store": "all"},
        "b": {"high": 15, "interval": "2s"},
        "c": {"store": "none", "interval": c},
    }
    paths = [f"{LINE}/m1", f"{LINE}/m2"]
    return resolve(
        Site.model_validate(
            {
                "site": {"version": version, "max_ahead": "1m", "timezone": "Asia/Kuala_Lumpur", **options},
                "asset": [
                    {"path": path, "series": series, "aliases": ["old-name"] * (path == paths[0])} for path in paths
                ],
                "watch": [*BINNED[:2], *(WATCHES if others else ()), *BINNED[2:]],
            }
        )
    )
