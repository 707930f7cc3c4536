"""Key figures as the metrics show them: the newest hour of machines and places, and of maximum demand."""

from __future__ import annotations

from typing import NamedTuple

from schemas.kpi import KpiRow
from schemas.partition import level_names, with_missing
from streams.metrics import Metrics

LISTED = 20_000
"""Label sets in the metrics, at most; those of the first assets by name."""

_UNTIL_FINAL = ("demand_forecast", "demand_shed", "demand_risk")
"""Not shown any more when the demand of their window is known."""

_WATTS = {"demand_forecast": "millstream_demand_forecast_watts", "demand_limit": "millstream_demand_limit_watts"}
"""Figures in kW that have a metric of their own."""


class _Shown(NamedTuple):
    start: int
    value: float
    coverage: float
    partition: int


class KpiGauges:
    """Keeps the newest row of each figure of an asset. A restart shows them again when they are told of next."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str], _Shown] = {}  # (asset, kpi)

    def take(self, row: KpiRow, partition: int) -> None:
        """Take in a row; shifts, single products and windows older than the newest are passed over."""
        key = with_missing(row.asset, row.level), row.kpi
        known = self._shown.get(key)
        if row.shift or row.product or (known is not None and known.start > row.start):
            return
        if row.kpi == "demand" and row.status != "provisional":
            self._end(row)
        value = float("nan") if row.value is None else row.value
        self._shown[key] = _Shown(row.start, value, row.coverage, partition)

    def _end(self, row: KpiRow) -> None:
        for kpi in _UNTIL_FINAL:
            shown = self._shown.get((row.asset, kpi))
            if shown is not None and shown.start <= row.start:
                del self._shown[row.asset, kpi]

    def leave(self, partition: int) -> None:
        """Forget the machines of a partition: another worker shows them now."""
        self._shown = {key: shown for key, shown in self._shown.items() if shown.partition != partition}

    def publish(self, metrics: Metrics) -> None:
        """Write the metrics."""
        listed = dict(sorted(self._shown.items())[:LISTED])
        labelled = {(*level_names(asset), kpi): shown for (asset, kpi), shown in listed.items()}
        metrics.replace("millstream_kpi", {labels: shown.value for labels, shown in labelled.items()})
        metrics.replace("millstream_kpi_coverage", {labels: shown.coverage for labels, shown in labelled.items()})
        for kpi, name in _WATTS.items():
            kw = {labels[:-1]: shown.value for labels, shown in labelled.items() if labels[-1] == kpi}
            metrics.replace(name, {labels: value * 1e3 for labels, value in kw.items()})
        metrics.set("millstream_kpis_unlisted", len(self._shown) - len(listed))
