"""Figures: what the totals of windows come to, each with its unit, coverage and, where there is none, the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency import energy, oee
from detectors.efficiency.machine_state import STATES, MachineState
from detectors.efficiency.stated import KNOWN, MISSING, REASONS, UNPRODUCED, Stated, ratio
from streams.kpi.options import MachineOptions
from streams.kpi.windows import Totals
from streams.segment import Bools, Ints

Floats = NDArray[np.float64]

_NS_S, _NS_H = 1e9, 3_600e9


class Figure(NamedTuple):
    """One key figure of n windows; (n,) each."""

    kpi: str
    unit: str
    value: Floats
    coverage: Floats
    reason: NDArray[np.uint8]  # index into REASONS
    of: Bools  # the windows that it is a figure of


def figures(kind: Ints, totals: Totals, options: list[MachineOptions], products: list[str]) -> Iterator[Figure]:
    """All figures of n windows, whose kinds are indices into `KINDS`; `options` are those of their machines."""
    long = kind != KINDS.index("demand")
    has = {name: np.array([getattr(o, name) is not None for o in options]) for name in ("state", "parts", "energy")}
    planned, producing = totals.planned / _NS_S, totals.time[:, MachineState.PRODUCING] / _NS_S
    busy = np.maximum(planned - totals.time[:, MachineState.PLANNED] / _NS_S, 0.0)
    known = _share(totals.time[:, 1:].sum(axis=1), totals.planned)
    counted = _share(totals.counted, totals.elapsed)
    metered = _share(totals.metered, totals.elapsed)

    made = _made(totals, options, products)
    said = oee.oee(busy, producing, made.run_s, made.total, made.good)
    plain = ratio(made.good.sum(axis=1), made.total.sum(axis=1), UNPRODUCED)
    single = (made.total > 0).sum(axis=1) <= 1  # of one product no planned run time is needed
    quality = Stated(
        np.where(single, plain.value, said.quality.value), np.where(single, plain.reason, said.quality.reason)
    )
    timed, both = has["state"] & long, has["state"] & has["parts"] & long
    yield Figure("availability", "1", *_of(said.availability, known), timed)
    yield Figure("effectiveness", "1", *_of(said.effectiveness, np.minimum(known, counted)), both)
    yield Figure("quality", "1", *_of(quality, counted), has["parts"] & long)
    yield Figure("oee", "1", *_of(said.oee, np.minimum(known, counted)), both)
    for state in range(1, STATES):
        minutes = totals.time[:, state] / _NS_S / 60.0
        name = f"time_{MachineState(state).name.lower()}"
        yield Figure(name, "min", minutes, known, _known(minutes), timed & (minutes > 0))
    yield Figure("produced", "{item}", *_plain(made.all_total, counted), has["parts"] & long)
    yield Figure("good", "{item}", *_plain(made.all_good, counted), has["parts"] & long)

    kwh = totals.kwh.sum(axis=1)
    metering = has["energy"] & long
    yield Figure("energy", "kW.h", *_plain(kwh, metered), metering)
    yield Figure("energy_estimated", "kW.h", *_plain(totals.estimated, metered), metering & (totals.estimated > 0))
    yield Figure(
        "energy_per_good", "kW.h/{item}", *_of(energy.per_good_unit(kwh, made.all_good), np.minimum(metered, counted)),
        metering & has["parts"],
    )  # fmt: skip
    stated = totals.kwh[:, 1:]
    idle = energy.idle_energy(stated, MachineState.PRODUCING - 1).kwh
    yield Figure("idle_energy", "kW.h", *_plain(idle, np.minimum(metered, known)), metering & has["state"])
    reactive = totals.kvarh != 0
    yield Figure(
        "power_factor", "1", *_of(energy.power_factor(kwh, np.abs(totals.kvarh)), metered), metering & reactive
    )
    hours = np.where(long, totals.elapsed, totals.window) / _NS_H
    demand = np.divide(kwh, hours, out=np.full(len(kwh), np.nan), where=hours > 0)
    yield Figure("demand", "kW", *_plain(demand, metered), has["energy"] & ~long)


KINDS = ("hour", "shift", "demand")


class _Made(NamedTuple):
    run_s: Floats  # (n, p) planned run time of an item
    total: Floats  # (n, p) made in planned time, by product
    good: Floats
    all_total: Floats  # (n,) made at any time
    all_good: Floats


def _made(totals: Totals, options: list[MachineOptions], products: list[str]) -> _Made:
    n = len(options)
    codes, column = np.unique(totals.product, return_inverse=True)
    by_product = np.zeros((n, max(len(codes), 1), 3))
    np.add.at(by_product, (totals.owner, column), totals.made)
    names = [products[code] for code in codes.tolist()] or [""]
    run_s = np.array([[_ideal(o, name) for name in names] for o in options]).reshape(n, len(names))
    parts = [o.parts for o in options]
    has = [np.array([p is not None and getattr(p, name) is not None for p in parts]) for name in _COUNTS]
    total, good = _counts(by_product, has)
    all_total, all_good = _counts(totals.all_parts, has)
    return _Made(run_s, total, good, all_total, all_good)


_COUNTS = ("total", "good", "reject")


def _counts(parts: Floats, has: list[Bools]) -> tuple[Floats, Floats]:
    """Made and good out of what is counted: total, good, rejected (..., 3); NaN where that does not follow."""
    has_total, has_good, has_reject = (np.expand_dims(h, tuple(range(1, parts.ndim - 1))) for h in has)
    total, good, reject = (parts[..., i] for i in range(3))
    made = np.where(has_total, total, good + np.where(has_reject, reject, np.nan))
    fine = np.where(has_good, good, total - np.where(has_reject, reject, np.nan))
    return made, fine


def _ideal(options: MachineOptions, product: str) -> float:
    if options.parts is None:
        return np.nan
    ns = options.parts.ideal_of.get(product, options.parts.ideal)
    return np.nan if ns is None else ns / _NS_S


def _share(part: Ints, whole: Ints) -> Floats:
    return np.clip(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0), 0.0, 1.0)


def _of(said: Stated, coverage: Floats) -> tuple[Floats, Floats, NDArray[np.uint8]]:
    return said.value, coverage, said.reason


def _plain(value: Floats, coverage: Floats) -> tuple[Floats, Floats, NDArray[np.uint8]]:
    return value, coverage, np.where(np.isnan(value), MISSING, KNOWN).astype(np.uint8)


def _known(value: Floats) -> NDArray[np.uint8]:
    return np.zeros(len(value), dtype=np.uint8)


def reason_of(code: int) -> str:
    """A reason in words."""
    return REASONS[code]
