"""Materiality: how much a deviation matters, in the series' unit and in money, beside how unusual it is."""

from __future__ import annotations

from typing import NamedTuple

from streams.site import SeriesOptions, WatchOptions


class Weight(NamedTuple):
    """What a finding weighs; None where nothing is declared."""

    size: float | None  # takes the score's place for the severity: 1 is a warning, each doubling a band more
    cost_per_hour: float | None


NOTHING = Weight(None, None)


def weigh(
    spec: WatchOptions, own: SeriesOptions, cost_matters: float | None, value: float, expected: float,
    low: float, high: float,
) -> Weight:  # fmt: skip
    """The weight of a value, given what is expected or the limits that it is beyond, NaN where not known.

    deviation = |value - expected|, or the distance beyond low or high; size = deviation / limit. With `cost` an hour
    costs that, times size where there is a limit, too; where `cost_matters` is given, size is at least cost per hour
    / cost_matters. What a series declares comes before what its watch does.

    >>> spec = WatchOptions.model_validate({"name": "w", "series": "*", "detector": {"kind": "stuck"}, "limit": 2})
    >>> own = SeriesOptions.model_validate({"cost": 50})
    >>> weigh(spec, own, 100.0, 26.0, 20.0, 19.0, 21.0)
    Weight(size=3.0, cost_per_hour=150.0)
    """
    limit = spec.limit if own.limit is None else own.limit
    cost = spec.cost if own.cost is None else own.cost
    if limit is None and cost is None:
        return NOTHING
    size = None
    if limit is not None:
        away = (abs(value - expected),) if expected == expected else (low - value, value - high)
        known = [distance for distance in away if abs(distance) < float("inf")]
        size = max(*known, 0.0) / limit if known else None
    per_hour = None if cost is None else cost * (1.0 if size is None else size)
    if per_hour is not None and cost_matters is not None:
        size = max(per_hour / cost_matters, 0.0 if size is None else size)
    return Weight(size, per_hour)
