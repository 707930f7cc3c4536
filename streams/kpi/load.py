"""Load: how evenly a shift draws its energy, by the windows of maximum demand within it; reactive energy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors.efficiency import energy
from detectors.efficiency.stated import KNOWN, NO_DEMAND, Stated
from streams.kpi.figures import KINDS, NS_H, Figure, Floats, Stand, metered_share, of, plainly


def loads(stand: Stand) -> Iterator[Figure]:
    """Reactive energy of hours and shifts; of shifts, where demand is measured, the highest demand and load factor."""
    totals, metered, has_energy = stand.totals, metered_share(stand.totals), stand.has("energy")
    reactive = has_energy & stand.long & (totals.kvarh != 0)
    yield Figure("reactive_energy", "kvar.h", *plainly(totals.kvarh, metered), reactive)
    if not stand.grid.demand:
        return
    shifts = has_energy & np.equal(stand.kind, KINDS.index("shift"))
    highest = highest_demand(stand)
    none = np.isnan(highest)
    said = Stated(highest, np.where(none, NO_DEMAND, KNOWN).astype(np.uint8))
    yield Figure("demand_max", "kW", *of(said, metered), shifts)
    factor = energy.load_factor(totals.kwh.sum(axis=1), np.where(none, 0.0, highest), totals.elapsed / NS_H)
    yield Figure("load_factor", "1", *of(factor, metered), shifts)


def highest_demand(stand: Stand) -> Floats:
    """(n,) kW: the highest mean power over a demand window that lies within each window; NaN where none does."""
    booked, n = stand.totals.booked, len(stand.told)
    out = np.full(n, np.nan)
    cells, which = booked.distinct()
    if not len(cells):
        return out
    begins = np.array([stand.grid.demand_start(cell) for cell in cells.tolist()], dtype=np.int64)[which]
    start = np.array([one.window.start for one in stand.told], dtype=np.int64)[booked.owner]
    end = np.array([one.window.end for one in stand.told], dtype=np.int64)[booked.owner]
    within = np.flatnonzero((begins >= start) & (begins + stand.grid.demand <= end))
    keys = np.stack((booked.owner[within], begins[within]), axis=1)
    windows, of_row = np.unique(keys, axis=0, return_inverse=True)
    kwh = np.zeros(len(windows))
    np.add.at(kwh, of_row.ravel(), booked.kwh[within].sum(axis=1))
    np.fmax.at(out, windows[:, 0], kwh / (stand.grid.demand / NS_H))
    return out
