"""Figures: what the totals of windows come to, each with its unit, coverage and, where there is none, the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency import energy, oee
from detectors.efficiency.machine_state import STATES, MachineState
from detectors.efficiency.stated import KNOWN, MISSING, UNPRODUCED, Stated, ratio
from streams.kpi.grid import Grid
from streams.kpi.options import MachineOptions
from streams.kpi.windows import Told, Totals
from streams.prices import Prices
from streams.segment import Bools, Ints

Floats = NDArray[np.float64]

NS_S, NS_H = 1e9, 3_600e9

Formed = tuple[Floats, Floats, NDArray[np.uint8]]
"""Value, coverage, reason."""


class Figure(NamedTuple):
    """One key figure of n windows; (n,) each."""

    kpi: str
    unit: str
    value: Floats
    coverage: Floats
    reason: NDArray[np.uint8]  # index into REASONS
    of: Bools  # the windows that it is a figure of
    low: Floats | None = None  # ends of its interval, where it has one
    high: Floats | None = None
    carried: Bools | None = None  # it stands on a factor that is carried on, and stays provisional
    product: str = ""  # that it is of; empty: all


class Stand(NamedTuple):
    """n windows as they stand, for figures to be made of."""

    told: list[Told]
    kind: Ints  # (n,) index into KINDS
    totals: Totals
    options: list[MachineOptions]  # of their machines
    assets: list[str]  # of their machines
    products: list[str]  # by code
    prices: Prices
    grid: Grid

    def has(self, part: str) -> Bools:
        """(n,) whether machines' entries say such a thing: state, parts or energy."""
        return np.array([getattr(o, part) is not None for o in self.options], dtype=bool)

    def counters(self) -> list[Bools]:
        """(n,) each, whether machines count parts made, good ones and rejected ones."""
        parts = [o.parts for o in self.options]
        return [np.array([p is not None and p.says(name) for p in parts]) for name in _COUNTS]

    def by_name(self, product: Ints) -> list[int]:
        """The products among some, each once, in the order of their names: which was seen first must not show."""
        return sorted(np.unique(product).tolist(), key=self.products.__getitem__)

    @property
    def long(self) -> Bools:
        """(n,) hours and shifts."""
        return np.not_equal(self.kind, KINDS.index("demand"))


def effectiveness(stand: Stand) -> Iterator[Figure]:
    """OEE and its factors, time by state, parts."""
    totals, long, has_state, has_parts = stand.totals, stand.long, stand.has("state"), stand.has("parts")
    planned, producing = totals.planned / NS_S, totals.time[:, MachineState.PRODUCING] / NS_S
    busy = np.maximum(planned - totals.time[:, MachineState.PLANNED] / NS_S, 0.0)
    known, counted = known_share(totals), counted_share(totals)
    made = made_of(stand)
    said = oee.oee(busy, producing, made.run_s, made.total, made.good)
    plain = ratio(made.good.sum(axis=1), made.total.sum(axis=1), UNPRODUCED)
    single = (made.total > 0).sum(axis=1) <= 1  # of one product no planned run time is needed
    quality = Stated(
        np.where(single, plain.value, said.quality.value), np.where(single, plain.reason, said.quality.reason)
    )
    timed, both = has_state & long, has_state & has_parts & long
    yield Figure("availability", "1", *of(said.availability, known), timed)
    yield Figure("effectiveness", "1", *of(said.effectiveness, np.minimum(known, counted)), both)
    yield Figure("quality", "1", *of(quality, counted), has_parts & long)
    yield Figure("oee", "1", *of(said.oee, np.minimum(known, counted)), both)
    for state in range(1, STATES):
        minutes = totals.time[:, state] / NS_S / 60.0
        name = f"time_{MachineState(state).name.lower()}"
        yield Figure(name, "min", *plainly(minutes, known), timed & (minutes > 0))
    yield Figure("produced", "{item}", *plainly(made.all_total, counted), has_parts & long)
    yield Figure("good", "{item}", *plainly(made.all_good, counted), has_parts & long)


def energies(stand: Stand) -> Iterator[Figure]:
    """Energy by state and good part, power factor, demand."""
    totals, long, has_energy = stand.totals, stand.long, stand.has("energy")
    metered, known = metered_share(totals), known_share(totals)
    kwh = totals.kwh.sum(axis=1)
    metering = has_energy & long
    yield Figure("energy", "kW.h", *plainly(kwh, metered), metering)
    yield Figure("energy_estimated", "kW.h", *plainly(totals.estimated, metered), metering & (totals.estimated > 0))
    yield Figure(
        "energy_per_good",
        "kW.h/{item}",
        *of(energy.per_good_unit(kwh, made_of(stand).all_good), np.minimum(metered, counted_share(totals))),
        metering & stand.has("parts"),
    )
    stated = totals.kwh[:, 1:]
    idle = energy.idle_energy(stated, MachineState.PRODUCING - 1).kwh
    yield Figure("idle_energy", "kW.h", *plainly(idle, np.minimum(metered, known)), metering & stand.has("state"))
    reactive = totals.kvarh != 0
    yield Figure("power_factor", "1", *of(energy.power_factor(kwh, np.abs(totals.kvarh)), metered), metering & reactive)
    hours = np.where(long, totals.elapsed, totals.window) / NS_H
    demand = np.divide(kwh, hours, out=np.full(len(kwh), np.nan), where=hours > 0)
    yield Figure("demand", "kW", *plainly(demand, metered), has_energy & ~long)


KINDS = ("hour", "shift", "demand")


class Made(NamedTuple):
    """Parts made, by product (p) and of all."""

    run_s: Floats  # (n, p) planned run time of an item
    total: Floats  # (n, p) made in planned time, by product
    good: Floats
    all_total: Floats  # (n,) made at any time
    all_good: Floats
    starting: Floats  # (n, p) of those made in planned time, rejects of start-up


def made_of(stand: Stand) -> Made:
    """Parts made in n windows."""
    totals, options = stand.totals, stand.options
    n = len(options)
    codes = stand.by_name(totals.product)
    column = np.zeros(len(stand.products), dtype=np.int64)
    column[codes] = np.arange(len(codes))
    by_product = np.zeros((n, max(len(codes), 1), 3))
    np.add.at(by_product, (totals.owner, column[totals.product]), totals.made)
    names = [stand.products[code] for code in codes] or [""]
    run_s = np.array([[ideal(o, name) for name in names] for o in options]).reshape(n, len(names))
    has = stand.counters()
    total, good = counts(by_product, has)
    all_total, all_good = counts(totals.all_parts, has)
    return Made(run_s, total, good, all_total, all_good, _starting(totals, column, by_product.shape, has))


def _starting(totals: Totals, column: Ints, shape: tuple[int, ...], has: list[Bools]) -> Floats:
    """(n, p) rejects of start-up; 0 where they are not told apart."""
    if not totals.starting.any():
        return np.zeros(shape[:2])
    by_product = np.zeros(shape)
    np.add.at(by_product, (totals.owner, column[totals.product]), totals.starting)
    total, good = counts(by_product, has)
    return total - good


_COUNTS = ("total", "good", "reject")


def counts(parts: Floats, has: list[Bools]) -> tuple[Floats, Floats]:
    """Made and good out of what is counted: total, good, rejected (..., 3); NaN where that does not follow."""
    has_total, has_good, has_reject = (np.expand_dims(h, tuple(range(1, parts.ndim - 1))) for h in has)
    total, good, reject = (parts[..., i] for i in range(3))
    made = np.where(has_total, total, good + np.where(has_reject, reject, np.nan))
    fine = np.where(has_good, good, total - np.where(has_reject, reject, np.nan))
    return made, fine


def ideal(options: MachineOptions, product: str) -> float:
    """Planned run time of a product's part on such a machine, s; NaN where it is unknown."""
    if options.parts is None:
        return np.nan
    ns = options.parts.ideal_of.get(product, options.parts.ideal)
    return np.nan if ns is None else ns / NS_S


def _share(part: Ints, whole: Ints) -> Floats:
    return np.clip(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0), 0.0, 1.0)


def known_share(totals: Totals) -> Floats:
    """(n,) share of the planned time in a state that is known."""
    return _share(totals.time[:, 1:].sum(axis=1), totals.planned)


def counted_share(totals: Totals) -> Floats:
    """(n,) share of the time for which it is known what was made."""
    return _share(totals.counted, totals.elapsed)


def metered_share(totals: Totals) -> Floats:
    """(n,) share of the time for which energy is known."""
    return _share(totals.metered, totals.elapsed)


def of(said: Stated, coverage: Floats) -> Formed:
    """A figure that says itself why it is missing."""
    return said.value, coverage, said.reason


def plainly(value: Floats, coverage: Floats) -> Formed:
    """A figure that is missing where an input is."""
    return value, coverage, np.where(np.isnan(value), MISSING, KNOWN).astype(np.uint8)
