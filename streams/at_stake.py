"""At stake: what an hour of a finding costs in money, energy and CO2e, where the site says enough to know."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import NamedTuple

from detectors.efficiency.roles import Role
from streams.figure_watches import PREFIX
from streams.kpi.line_options import LineOptions
from streams.kpi.line_options import entry_of as line_entry_of
from streams.kpi.options import MachineOptions
from streams.kpi.signals import UNITS, role_of
from streams.prices import Prices
from streams.resolve import ResolvedSite
from streams.roster import Roster
from streams.segment import Floats, Ints

HOUR = 3_600_000_000_000


class Stake(NamedTuple):
    """What an hour costs; None where it is not known."""

    cost: float | None = None
    kwh: float | None = None
    kgco2e: float | None = None
    size: float | None = None  # cost an hour / [site] cost_matters, where that is given: raises the severity
    hold: int | None = None  # so long it goes on without a reading, ns; None: until the next one


NOTHING = Stake()

Energy = tuple[float | None, float | None]
"""Money for a kWh, kg CO2e for a kWh; None where the site does not say."""


class _Lost(NamedTuple):
    """What a figure of an hour says is lost, with its excess over what is expected, or beyond its limits."""

    of: Callable[[float], float]  # of value - expected, what is lost in the hour
    energy: bool = False  # in kWh, else in minutes of production


_MINUTES = _Lost(lambda excess: max(excess, 0.0))
_SHARE = _Lost(lambda excess: 60.0 * max(-excess, 0.0))
_ENERGY = _Lost(lambda excess: max(excess, 0.0), energy=True)

LOST: dict[str, _Lost] = {
    **dict.fromkeys(("oee", "availability"), _SHARE),
    **dict.fromkeys(("time_down", "time_idle", "time_setup", "time_starved", "time_blocked"), _MINUTES),
    **dict.fromkeys(("energy", "idle_energy"), _ENERGY),
}
"""Figures of hours of which it follows what is lost. It does not of effectiveness and quality, which are shares of the
time that a machine ran and of what it made; nor of shifts, whose hours say the same."""


class _Priced(NamedTuple):
    """How a series is priced."""

    lost: _Lost
    factor: float  # from its unit to kW, kWh or minutes
    minute_cost: float | None
    hold: int | None


class Stakes:
    """What is at stake on the series of one engine."""

    def __init__(self, roster: Roster, site: ResolvedSite) -> None:
        self.roster, self.prices = roster, Prices(site) if site.supply else None
        self._machines, self._lines = site.site.machine, site.site.line
        self._matters = site.site.site.cost_matters
        self._priced: dict[int, _Priced | None] = {}  # by roster row

    def of(
        self, row: int, value: float, expected: float, low: float, high: float, declared: float | None, kwh: Energy
    ) -> Stake:
        """What a value of a roster row costs an hour, given what is expected, or the limits that it is beyond.

        `declared` is what the site says itself that an hour costs, which comes before all else; `kwh` what a kWh does
        at the value's time. NaN is not known.
        """
        if row not in self._priced:
            self._priced[row] = self._how(row)
        how, excess = self._priced[row], _excess(value, expected, low, high)
        plain = Stake(declared, hold=None if how is None else how.hold)
        if how is None or excess is None:
            return plain
        lost = how.lost.of(excess * how.factor)
        if not how.lost.energy:
            if declared is not None or how.minute_cost is None:
                return plain
            return self._sized(Stake(lost * how.minute_cost, hold=how.hold))
        price, factor = kwh
        cost = None if price is None else lost * price
        said = Stake(cost, lost, None if factor is None else lost * factor, hold=how.hold)
        return self._sized(said) if declared is None else said._replace(cost=declared)

    def energy(self, times: Ints) -> list[Energy]:
        """What a kWh costs and emits at each of some times (n,) ns."""
        if self.prices is None:
            return [(None, None)] * len(times)
        said = self.prices.at(times)
        return list(zip(_known(said.per_kwh), _known(said.kg_per_kwh), strict=True))

    def _sized(self, stake: Stake) -> Stake:
        if self._matters is None or stake.cost is None:
            return stake
        return stake._replace(size=stake.cost / self._matters)

    def _how(self, row: int) -> _Priced | None:
        ref, unit = self.roster.refs[row], self.roster.units[row]
        if ref.series.startswith(PREFIX):
            lost, of = LOST.get(ref.series.removeprefix(PREFIX)), self._speaks_of(ref.path)
            if lost is None or of is None or (lost is _MINUTES and isinstance(of, LineOptions)):
                return None  # minutes of a line are the sum of its machines', and no time that the line has lost
            return _Priced(lost, 1.0, of.minute_cost, HOUR)
        options = entry_of(self._machines, ref.path)
        if options is None or role_of(options, ref.series) != Role.POWER:
            return None
        factor = 1.0 if unit is None else UNITS[Role.POWER].get(unit)
        return None if factor is None else _Priced(_ENERGY, factor, None, None)

    def _speaks_of(self, path: str) -> LineOptions | MachineOptions | None:
        """The [[line]] entry of a line, which has machines below it, else the [[machine]] entry of a machine."""
        line = line_entry_of(self._lines, path)
        if line is not None and any(ref.path.startswith(f"{path}/") for ref in self.roster.refs):
            return line
        return entry_of(self._machines, path)


def entry_of(entries: list[MachineOptions], asset: str) -> MachineOptions | None:
    """The [[machine]] entry that speaks of an asset, the first one that fits."""
    return next((e for e in entries if any(fnmatchcase(asset, glob) for glob in e.globs)), None)


def _excess(value: float, expected: float, low: float, high: float) -> float | None:
    """How far a value is above what is expected; else above its upper limit, or (negative) below its lower one.

    >>> nan = float("nan")
    >>> _excess(7, 5, 4, 6), _excess(7, nan, 4, 6), _excess(3, nan, 4, 6), _excess(5, nan, 4, 6), _excess(5, *3 * [nan])
    (2, 1, -1, 0.0, None)
    """
    if not abs(value) < float("inf"):
        return None
    if abs(expected) < float("inf"):
        return value - expected
    known = [limit for limit in (low, high) if abs(limit) < float("inf")]
    if not known:
        return None
    return value - high if value > high else value - low if value < low else 0.0


def _known(values: Floats) -> list[float | None]:
    return [value if abs(value) < float("inf") else None for value in values.tolist()]
