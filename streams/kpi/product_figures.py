"""Figures by product: what machines made of each, how fast, how well, and what it took."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors.efficiency import energy, oee
from detectors.efficiency.stated import IDLE, NO_RUN_TIME, UNPRODUCED, because, ratio
from streams.kpi.figures import (
    NS_S,
    Figure,
    Stand,
    counted_share,
    counts,
    ideal,
    known_share,
    metered_share,
    of,
    plainly,
)  # fmt: skip


def product_figures(stand: Stand) -> Iterator[Figure]:
    """Of each product that machines made more than none of: parts, effectiveness, quality, energy of a good part.

    E = planned run time x PQ / APT and Q = GQ / PQ as of ISO 22400-2, with the time in which the machine was producing
    while that product was named. Availability is of a machine and not of what it makes. What was made before the
    first product was named is in the machine's figures and in no product's.
    """
    rows, n = stand.totals.rows, len(stand.options)
    named = np.array([options.product is not None for options in stand.options], dtype=bool)
    of_long = (named & stand.has("parts") & stand.long)[rows.owner] & (rows.product > 0)
    has = stand.counters()
    for code in stand.by_name(rows.product[of_long & (rows.parts > 0).any(axis=1)]):
        mine = of_long & (rows.product == code)
        parts, planned, producing, kwh = np.zeros((n, 3)), np.zeros((n, 3)), np.zeros(n, dtype=np.int64), np.zeros(n)
        np.add.at(parts, rows.owner[mine], rows.parts[mine])
        np.add.at(kwh, rows.owner[mine], rows.kwh[mine])
        busy = mine & rows.planned
        np.add.at(planned, rows.owner[busy], rows.parts[busy])
        np.add.at(producing, rows.owner[busy], rows.producing[busy])
        made, good = counts(parts, has)
        total, well = counts(planned, has)
        told = np.asarray((parts > 0).any(axis=1))
        name = stand.products[code]
        run_s = np.array([ideal(options, name) for options in stand.options])
        done = oee.planned_times(run_s, total, well)
        effectiveness = because(ratio(done.produced_s, producing / NS_S, IDLE), done.unknown, NO_RUN_TIME)
        counted, known = counted_share(stand.totals), known_share(stand.totals)
        metered = np.minimum(metered_share(stand.totals), counted)
        per_good = energy.per_good_unit(kwh, good)
        timed, metering = told & stand.has("state"), told & stand.has("energy")
        yield Figure("produced", "{item}", *plainly(made, counted), told, product=name)
        yield Figure("good", "{item}", *plainly(good, counted), told, product=name)
        both = np.minimum(known, counted)
        yield Figure("effectiveness", "1", *of(effectiveness, both), timed, product=name)
        yield Figure("quality", "1", *of(ratio(well, total, UNPRODUCED), counted), told, product=name)
        yield Figure("energy_per_good", "kW.h/{item}", *of(per_good, metered), metering, product=name)
