"""The bill of a month so far: what the tariff makes of a site's demand windows and of its power factor."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from detectors.efficiency.energy import power_factor
from detectors.efficiency.stated import NO_TARIFF, REASONS
from detectors.efficiency.tariff import DemandCharge, Tariff
from detectors.efficiency.tariff_cost import Bill, bill
from streams.localtime import LocalTime
from streams.prices import ClassesAt, Prices
from streams.resolve import ResolvedSite
from streams.rollup.metered import Metered
from streams.rollup.peak import SECOND
from streams.rollup.window import Total
from streams.segment import Floats, Ints

_DAY_S = 86_400
TOTAL = "bill_total"

NO_POWER_FACTOR = "reactive energy is not measured of all that draws energy"
NO_CONTRACT = "the contracted capacity is not known: [energy] contract_kw"
CUT = "a price class of the tariff begins within a window of maximum demand"

_PARTS = {"demand": "demand charge", "to_minimum": "minimum charge", "power_factor": "power factor surcharge"}
"""Parts of a bill that may be unknown, in words."""


class _Part(NamedTuple):
    """The days of a month on which one season of one tariff holds."""

    tariff: Tariff
    season: int
    share: float  # of the month's days
    kwh: Floats  # (classes,)
    kw: Floats  # (classes,) highest demand in windows of the class; 0 where there is none


class Billing:
    """Makes bills by the tariffs of a resolved site.

    Energy is that of the final windows of maximum demand, kW x hours, each at the price class of its begin: so one kind
    of row says what was drawn and how high, and price classes that change at half hours need no hour shared out. The
    bill so far is what the month costs if nothing more is drawn: what is charged by the month counts in full.
    """

    def __init__(self, site: ResolvedSite) -> None:
        self._prices, self._local = Prices(site), LocalTime(site)
        self._supply = self._prices.supply
        window = (site.site.site.demand_window or SECOND) // SECOND
        self._cut = any(mark % window for mark in self._prices.marks())

    @property
    def active(self) -> bool:
        """Whether there is a tariff to bill by."""
        return bool(self._supply.tariffs)

    def figures(self, month: Metered) -> Iterator[tuple[str, Total]]:
        """The figures of a month so far, by name; one without a value says why."""
        start, coverage = np.array(sorted(month.windows), dtype=np.int64), month.coverage
        at = self._prices.classes(start)
        why = REASONS[NO_TARIFF] if (at.tariff < 0).any() else CUT if self._cut else ""
        if why or not len(start):
            if why:
                yield TOTAL, self._money(None, coverage, why)
            return
        parts = list(self._parts(month, start, at))
        factor = float(power_factor([month.paired_kwh], [abs(month.kvarh)]).value[0])
        contract = np.nan if self._supply.contract_kw is None else self._supply.contract_kw
        bills = [bill(p.tariff, [p.kwh], [p.kw], [factor], [contract], p.season, p.share) for p in parts]
        yield from self._by_class(parts, coverage)
        highest = max((float(p.kw[list(charge.classes)].max()) for p in parts for charge in _charges(p)), default=0.0)
        yield "billed_demand", Total(highest, "kW", coverage, "")
        if any(p.tariff.power_factor for p in parts):
            known = not math.isnan(factor)
            said = Total(factor if known else None, "1", month.paired_share, "" if known else NO_POWER_FACTOR)
            yield "billed_power_factor", said
        whole = Bill(*(np.sum(column, axis=0) for column in zip(*bills, strict=True)))
        if not any(p.tariff.minimum for p in parts):
            whole = whole._replace(to_minimum=np.zeros(1))  # whatever else is not known
        yield from self._all(whole, coverage, month.paired_share)

    def _all(self, whole: Bill, coverage: float, paired: float) -> Iterator[tuple[str, Total]]:
        """The parts of the bill, and the total of those that are known; `paired` is coverage of the power factor."""
        why = NO_CONTRACT if np.isnan(whole.demand[0]) else NO_POWER_FACTOR
        values = {name: float(value[0]) for name, value in whole._asdict().items()}
        lacking = [name for name, value in values.items() if math.isnan(value)]
        for name, value in values.items():
            known = min(coverage, paired) if name == "power_factor" else coverage
            said = self._money(None, 0.0, why) if name in lacking else self._money(value, known, "")
            yield f"bill_{name}", said
        total = math.fsum(value for value in values.values() if not math.isnan(value))
        without = f"without the {' and the '.join(_PARTS[name] for name in lacking)}: {why}" if lacking else ""
        yield TOTAL, self._money(total, coverage, without)

    def _by_class(self, parts: list[_Part], coverage: float) -> Iterator[tuple[str, Total]]:
        """Energy and its charge by price class; classes of one name are one, under whichever tariff."""
        kwh: dict[str, list[float]] = {}
        money: dict[str, list[float]] = {}
        for part in parts:
            for one, drawn in zip(part.tariff.classes, part.kwh.tolist(), strict=True):
                name = one.name.replace(" ", "_")
                kwh.setdefault(name, []).append(drawn)
                money.setdefault(name, []).append(drawn * one.per_kwh)
        for name in sorted(kwh):
            yield f"billed_energy_{name}", Total(math.fsum(kwh[name]), "kW.h", coverage, "")
            yield f"bill_energy_{name}", self._money(math.fsum(money[name]), coverage, "")

    def _parts(self, month: Metered, start: Ints, at: ClassesAt) -> Iterator[_Part]:
        days = np.arange(*self._local.days(np.array([month.start, month.end])))
        of_day = self._prices.classes(self._local.utc(days * _DAY_S) * SECOND)
        hours = np.array([(month.windows[one][0] - one) / (3600 * SECOND) for one in start.tolist()])
        kw = np.array([np.nan if (value := month.windows[one][1]) is None else value for one in start.tolist()])
        for number, dated in enumerate(self._supply.tariffs):
            for season in range(len(dated.tariff.seasons)):
                mine = (of_day.tariff == number) & (of_day.season == season)
                if not mine.any():
                    continue
                here = (at.tariff == number) & (at.season == season) & ~np.isnan(kw)
                of = [np.flatnonzero(here & (at.price == c)) for c in range(len(dated.tariff.classes))]
                energy = np.array([math.fsum((kw[which] * hours[which]).tolist()) for which in of])
                peak = np.array([max(kw[which].tolist(), default=0.0) for which in of])
                yield _Part(dated.tariff, season, float(mine.mean()), energy, peak)

    def _money(self, value: float | None, coverage: float, reason: str) -> Total:
        return Total(value, self._supply.currency, coverage, reason)


def _charges(part: _Part) -> list[DemandCharge]:
    return [charge for charge in part.tariff.demand if charge.season in (None, part.season)]
