"""Prices: what a kWh costs and emits at any time, by the tariff and the grid of a resolved site."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.carbon import FactorsAt, factors_at, market_based
from detectors.efficiency.stated import KNOWN, NO_FACTOR, NO_TARIFF, Stated
from detectors.efficiency.tariff import Tariff, class_table
from detectors.efficiency.tariff_cost import price_per_kw, price_per_kwh
from streams.localtime import LocalTime
from streams.resolve import ResolvedSite
from streams.supply import SeasonalTariff, Supply

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_DAY_S = 86_400
_DAY_CLASS = np.array([0, 0, 0, 0, 0, 1, 2])
"""Day class of the tariff (weekday, saturday, holiday) by day of the week, holidays as the calendar counts them."""


class ClassesAt(NamedTuple):
    """What a tariff file says of each of n times."""

    tariff: Ints  # index into the supply's tariffs, -1: none is valid
    season: Ints  # of that tariff
    price: Ints  # its price class


class PricesAt(NamedTuple):
    """Of one kWh at each of n times; NaN where nothing is known."""

    per_kwh: Floats  # money of the tariff: energy charge of the hour's class, and fuel adjustment
    kg_per_kwh: Floats  # kg CO2e, location-based


class Prices:
    """Looks up what electricity costs and emits; vectorized over times.

    >>> from streams.resolve import resolve
    >>> from streams.site import Site
    >>> energy = {"tariff": "tnb_medium_voltage", "grid": "peninsular_malaysia"}
    >>> options = {"site": {"timezone": "Asia/Kuala_Lumpur"}, "energy": energy}
    >>> prices = Prices(resolve(Site.model_validate(options)))
    >>> tuesday = np.array(["2024-01-02T07:59", "2024-01-02T08:00"], dtype="datetime64[ns]").astype(np.int64)
    >>> prices.currency, prices.at(tuesday - 8 * 3600 * 10**9)
    ('MYR', PricesAt(per_kwh=array([0.219, 0.355]), kg_per_kwh=array([0.74, 0.74])))
    """

    def __init__(self, site: ResolvedSite) -> None:
        self.supply = site.supply or Supply()
        self._local = LocalTime(site)
        self._tariffs = [_Looked.of(dated) for dated in self.supply.tariffs]

    @property
    def currency(self) -> str:
        """Of all money, an ISO 4217 code; empty where none is known."""
        return self.supply.currency

    @property
    def known(self) -> bool:
        """Whether a kWh has a price at all."""
        return bool(self.supply.tariffs) or self.supply.price is not None

    def at(self, time: Ints) -> PricesAt:
        """What a kWh costs and emits at each of n times, ns."""
        return PricesAt(self.energy(time).value, self.location(time).kg_per_kwh.value)

    def energy(self, time: Ints) -> Stated:
        """Money per kWh at each of n times, ns: the charge of the price class, and fuel adjustment."""
        price = self._looked(time, lambda one, season, which: one.per_kwh[which])
        if self.supply.price is not None:
            price[:] = self.supply.price
        return Stated(price, np.where(np.isnan(price), NO_TARIFF, KNOWN).astype(np.uint8))

    def per_kw(self, time: Ints) -> Floats:
        """Money that one kW more of the month's highest demand costs at each of n times, ns; NaN without a tariff."""
        return self._looked(time, lambda one, season, which: one.per_kw[season, which])

    def classes(self, time: Ints) -> ClassesAt:
        """Tariff, season and price class at each of n times, ns."""
        found = ClassesAt(*np.full((3, len(time)), -1))
        week_s, day = self._local.week_s(time), self._local.days(time)
        for number, one in enumerate(self._tariffs):
            valid = one.valid(time)
            found.tariff[valid] = number
            found.season[valid], found.price[valid] = one.which(week_s[valid], day[valid])
        return found

    def _looked(self, time: Ints, up: Callable[[_Looked, Ints, NDArray[np.int8]], Floats]) -> Floats:
        found = np.full(len(time), np.nan)
        week_s, day = self._local.week_s(time), self._local.days(time)
        for one in self._tariffs:
            valid = one.valid(time)
            found[valid] = up(one, *one.which(week_s[valid], day[valid]))
        return found

    def location(self, time: Ints) -> FactorsAt:
        """Location-based kg CO2e per kWh at each of n times, ns."""
        return self._factors(self.supply.grid, time)

    def market(self, time: Ints) -> FactorsAt:
        """Market-based kg CO2e per kWh at each of n times, ns: what certificates cover at their own factor."""
        residual = self._factors(self.supply.residual, time)
        held = self.supply.certificates
        if not held:
            return residual
        valid = np.stack([(time >= one.valid_from) & (time < one.valid_to) for one in held], axis=1)
        share = np.where(valid, [one.share for one in held], 0.0)
        said = market_based(np.ones(len(time)), share, [[one.kg_per_kwh for one in held]], residual.kg_per_kwh)
        return FactorsAt(said, residual.edition, residual.carried & (share.sum(axis=1) < 1.0))

    def _factors(self, grid: str, time: Ints) -> FactorsAt:
        if grid:
            return factors_at(self.supply.factors, grid, time, self.supply.edition)
        none, unknown = np.full(len(time), np.nan), np.full(len(time), NO_FACTOR, dtype=np.uint8)
        return FactorsAt(Stated(none, unknown), np.zeros(len(time), dtype=np.int64), np.zeros(len(time), dtype=bool))

    def marks(self) -> set[int]:
        """Seconds of the local day at which a price class may begin: where cells must be cut."""
        periods = [period for one in self._tariffs for period in one.tariff.periods]
        return {minute * 60 % _DAY_S for p in periods for minute in (p.from_minute, p.to_minute)}


class _Looked(NamedTuple):
    """A tariff, ready to be looked up."""

    tariff: Tariff
    classes: NDArray[np.int8]  # (seasons, 3, 1440)
    per_kwh: Floats  # (classes,)
    per_kw: Floats  # (seasons, classes)
    begins: Ints  # 100 x month + day, ascending
    season: Ints  # that begins there

    @classmethod
    def of(cls, dated: SeasonalTariff) -> _Looked:
        order = np.argsort(dated.begins)
        begins = np.array(dated.begins, dtype=np.int64)[order]
        tariff = dated.tariff
        per_kw = np.stack([price_per_kw(tariff, season) for season in range(len(tariff.seasons))])
        return cls(tariff, class_table(tariff), price_per_kwh(tariff), per_kw, begins, order)

    def valid(self, time: Ints) -> NDArray[np.bool_]:
        """(n,) whether it is the tariff at times."""
        until = self.tariff.valid_to or np.iinfo(np.int64).max
        return np.asarray((time >= self.tariff.valid_from) & (time < until))

    def which(self, week_s: NDArray[np.int32], day: Ints) -> tuple[Ints, NDArray[np.int8]]:
        """Season and class at local times (n,): second of the week as it counts, day since 1970-01-01."""
        # before the first season of a year is the last one of the year before
        season = self.season[np.searchsorted(self.begins, _month_day(day), "right") - 1]
        return season, self.classes[season, _DAY_CLASS[week_s // _DAY_S], week_s % _DAY_S // 60]


def _month_day(day: Ints) -> Ints:
    """100 x month + day of days since 1970-01-01.

    >>> _month_day(np.array([0, 59]))
    array([101, 301])
    """
    date = day.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    return np.asarray((month.astype(np.int64) % 12 + 1) * 100 + (date - month).astype(np.int64) + 1)
