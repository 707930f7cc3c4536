"""Load: how evenly a shift draws its energy, by the windows of maximum demand within it; reactive energy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors.efficiency import energy
from detectors.efficiency.stated import KNOWN, NO_DEMAND, Stated
from streams.kpi.figures import KINDS, NS_H, Figure, Floats, Stand, metered_share, of, plainly
from streams.segment import Bools


def loads(stand: Stand) -> Iterator[Figure]:
    """Reactive energy of hours and shifts; of shifts, where demand is measured, the highest demand and load factor."""
    totals, metered, has_energy = stand.totals, metered_share(stand.totals), stand.has("energy")
    reactive = has_energy & stand.long & (totals.kvarh != 0)
    yield Figure("reactive_energy", "kvar.h", *plainly(totals.kvarh, metered), reactive)
    if not stand.grid.demand:
        return
    shifts = has_energy & np.equal(stand.kind, KINDS.index("shift"))
    highest = highest_demand(stand, shifts)
    none = np.isnan(highest)
    said = Stated(highest, np.where(none, NO_DEMAND, KNOWN).astype(np.uint8))
    yield Figure("demand_max", "kW", *of(said, metered), shifts)
    factor = energy.load_factor(totals.kwh.sum(axis=1), np.where(none, 0.0, highest), totals.elapsed / NS_H)
    yield Figure("load_factor", "1", *of(factor, metered), shifts)


def highest_demand(stand: Stand, which: Bools) -> Floats:
    """(n,) kW: the highest mean power over a demand window that lies within each of `which`; NaN where none does."""
    booked, length = stand.totals.booked, stand.grid.demand
    out = np.full(len(stand.told), np.nan)
    rows = np.flatnonzero(which[booked.owner])
    if not len(rows):
        return out
    cells, cell = np.unique(booked.cell[rows], return_inverse=True)
    begins, number = np.unique([stand.grid.demand_start(one) for one in cells.tolist()], return_inverse=True)
    owner, slot = booked.owner[rows], number[cell]
    kwh = np.bincount(owner * len(begins) + slot, booked.kwh[rows].sum(axis=1), len(out) * len(begins))
    met = np.zeros(len(kwh), dtype=bool)
    met[owner * len(begins) + slot] = True
    start, end = np.array([(one.window.start, one.window.end) for one in stand.told], dtype=np.int64).T
    within = (begins >= start[:, None]) & (begins + length <= end[:, None]) & met.reshape(len(out), -1)
    some = within.any(axis=1)
    mean = np.where(within, kwh.reshape(within.shape), -np.inf).max(axis=1) / (length / NS_H)
    out[some] = mean[some]
    return out
