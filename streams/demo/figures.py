"""Key figures as the demo shows them: what machines, lines and the site come to now, from the rows told of so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from schemas.anomaly import AnomalyEvent
from schemas.kpi import KpiRow


@dataclass(frozen=True)
class Forecast:
    """Demand of the running window, kW: so far, and what it will end at with its interval."""

    now: float | None = None
    end: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class LineRow:
    """A line: shares of 1; `bottleneck` is a machine's name."""

    line: str
    oee: float | None
    """Mean of its machines, by planned time."""
    bottleneck: str | None
    coverage: float = 1.0
    """Share of the hour so far from which OEE was formed."""


@dataclass(frozen=True)
class FiguresNow:
    """What the header shows; None where it is not known."""

    lines: Sequence[LineRow] = ()
    oee: dict[str, float] = field(default_factory=dict)  # by machine's path
    demand: Forecast = Forecast()
    carbon_per_hour: float | None = None
    """kg CO2e."""
    money_per_hour: float | None = None
    """Of open anomalies."""
    currency: str = ""


class Figures:
    """Keeps the newest row of each figure; `meter` is the asset whose demand is the site's.

    >>> figures = Figures("s/a/l/meter")
    >>> figures.now([]).demand
    Forecast(now=None, end=None, low=None, high=None)
    """

    def __init__(self, meter: str) -> None:
        self.meter = meter
        self._rows: dict[tuple[str, str], KpiRow] = {}

    def take(self, rows: Iterable[KpiRow]) -> None:
        """Take in rows; those of shifts and of one product are passed over, as are those of older windows."""
        for row in rows:
            known = self._rows.get((row.asset, row.kpi))
            if not row.shift and not row.product and (known is None or known.start <= row.start):
                self._rows[row.asset, row.kpi] = row

    def now(self, episodes: Iterable[AnomalyEvent]) -> FiguresNow:
        """What they come to, with the cost of open episodes."""
        oee = {asset: row.value for (asset, kpi), row in self._rows.items() if kpi == "oee" and row.value is not None}
        machines = {asset for asset, kpi in self._rows if kpi == "availability"}
        lines = sorted({asset.rpartition("/")[0] for asset in machines} - machines)
        forecast = self._rows.get((self.meter, "demand_forecast"))
        costs = [event.cost_per_hour for event in episodes if event.cost_per_hour is not None]
        return FiguresNow(
            [self._line(line) for line in lines],
            {asset: value for asset, value in oee.items() if asset in machines},
            Forecast(
                self._value(self.meter, "demand"),
                None if forecast is None else forecast.value,
                None if forecast is None else forecast.low,
                None if forecast is None else forecast.high,
            ),
            self._rate(self.meter, "carbon_location"),
            sum(costs) if costs else None,
            self.currency(),
        )

    def _line(self, line: str) -> LineRow:
        oee = self._rows.get((line, "oee_mean"))
        value, coverage = (None, 0.0) if oee is None else (oee.value, oee.coverage)
        return LineRow(line, value, self.bottleneck(line), coverage)

    def bottleneck(self, line: str) -> str | None:
        """Name of the machine that holds a line up now."""
        for (asset, kpi), row in self._rows.items():
            if kpi == "bottleneck_now" and row.value == 1 and asset.rpartition("/")[0] == line:
                return asset.rpartition("/")[2]
        return None

    def currency(self) -> str:
        """Code of the currency that money is told in, "" where none is."""
        return next((row.unit for (_, kpi), row in self._rows.items() if kpi == "energy_cost"), "")

    def _value(self, asset: str, kpi: str) -> float | None:
        row = self._rows.get((asset, kpi))
        return None if row is None else row.value

    def _rate(self, asset: str, kpi: str) -> float | None:
        """What an hour's sum so far would be of a whole hour at the power that the demand window will end at."""
        total, energy, demand = (self._value(asset, name) for name in (kpi, "energy", "demand_forecast"))
        if total is None or not energy or demand is None:
            return None
        return total / energy * demand
