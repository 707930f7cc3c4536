"""What the metrics say of models: warm-up, fit, and how close false alarms are to their budget."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from detectors.base import Floats
from detectors.registry import build
from streams.engine import Engine
from streams.metrics import Metrics
from streams.resolve import ResolvedSite
from streams.warming import learning, shares_done
from streams.watch import Watch

_SELDOM = 50
"""The metrics wait so many times as long as it took to count them."""


@dataclass
class _Sums:
    """Of one watch, over all its rows on this worker."""

    rows: int = 0
    done: float = 0.0
    warming: int = 0
    unfit: int = 0
    alarms: int = 0
    watched_s: float = 0.0
    stated: float = 0.0
    thresholds: list[Floats] = field(default_factory=list)

    def add(self, watch: Watch) -> None:
        shares = shares_done(watch)
        self.rows += len(shares)
        self.done += float(shares.sum())
        self.warming += int((shares < 1.0).sum())
        self.unfit += int(watch.owner["unfit"].sum())
        calibrated = watch.bank.calibrated
        self.alarms += int(calibrated.alarms.sum())
        self.watched_s += float(calibrated.watched_s.sum())
        self.stated = watch.calibration.rate_per_s
        self.thresholds.append(calibrated.threshold[calibrated.watched_s > 0])


class ModelMetrics:
    """The metrics of models, by watch; counted anew so seldom that it takes a fiftieth of a worker's time at most."""

    def __init__(self) -> None:
        self._due = 0.0

    async def publish(self, metrics: Metrics, engines: Iterable[Engine]) -> None:
        """Write the metrics, if it is time; readings go on between two watches."""
        if time.monotonic() < self._due:
            return
        of: dict[tuple[str, ...], _Sums] = {}
        took = 0.0
        for engine in engines:
            for watch in learning(engine):
                began = time.perf_counter()
                of.setdefault((watch.spec.name,), _Sums()).add(watch)
                took += time.perf_counter() - began
                await asyncio.sleep(0)
        began = time.perf_counter()
        _write(metrics, of)
        self._due = time.monotonic() + _SELDOM * (took + time.perf_counter() - began)


def publish_watches(metrics: Metrics, sites: Iterable[ResolvedSite]) -> None:
    """Say which watches there are, and whether they judge the process or the sensors."""
    found: dict[tuple[str, ...], float] = {}
    for site in sites:
        for spec in site.site.watch:
            detector = build(spec.detector)
            # a limit on a key figure is one on how the process goes, and says nothing of a sensor
            health = detector.health and not spec.of_figures
            found[spec.name, detector.kind, "health" if health else "process"] = 1.0
    metrics.replace("millstream_watch_info", found)


def _write(metrics: Metrics, of: dict[tuple[str, ...], _Sums]) -> None:
    metrics.replace("millstream_warmup_ratio", {name: one.done / one.rows for name, one in of.items() if one.rows})
    metrics.replace("millstream_models_warming", {name: one.warming for name, one in of.items()})
    metrics.replace("millstream_models_unfit", {name: one.unfit for name, one in of.items()})
    metrics.replace("millstream_alarm_budget_per_second", {name: one.stated for name, one in of.items()})
    rates = {name: one.alarms / one.watched_s for name, one in of.items() if one.watched_s > 0}
    metrics.replace("millstream_alarm_rate_per_second", rates)
    known = {name: np.concatenate(one.thresholds) for name, one in of.items()}
    medians = {name: float(np.median(thresholds)) for name, thresholds in known.items() if len(thresholds)}
    metrics.replace("millstream_alarm_threshold", medians)
