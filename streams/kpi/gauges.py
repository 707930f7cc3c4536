"""Key figures as the metrics show them: the newest hour of machines and places, and the newest window of demand."""

from __future__ import annotations

from typing import NamedTuple

from schemas.kpi import KpiRow
from schemas.partition import level_names, with_missing
from streams.metrics import Metrics

LISTED = 20_000
"""Label sets in the metrics, at most; those of the first assets by name."""


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
        value = float("nan") if row.value is None else row.value
        self._shown[key] = _Shown(row.start, value, row.coverage, partition)

    def leave(self, partition: int) -> None:
        """Forget the machines of a partition: another worker shows them now."""
        self._shown = {key: shown for key, shown in self._shown.items() if shown.partition != partition}

    def publish(self, metrics: Metrics) -> None:
        """Write the metrics."""
        listed = dict(sorted(self._shown.items())[:LISTED])
        labelled = {(*_levels(asset), kpi): shown for (asset, kpi), shown in listed.items()}
        metrics.replace("millstream_kpi", {labels: shown.value for labels, shown in labelled.items()})
        metrics.replace("millstream_kpi_coverage", {labels: shown.coverage for labels, shown in labelled.items()})
        metrics.set("millstream_kpis_unlisted", len(self._shown) - len(listed))


def _levels(asset: str) -> tuple[str, str, str]:
    site, _, line, machine = level_names(asset)
    return site, line, machine
